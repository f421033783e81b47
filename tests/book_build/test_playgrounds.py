"""A page with a playground: the compiler runs in a real browser that reaches nothing but the site."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.browsing import DESKTOP, TELEPHONE, Visit, sticking_out, violations, visiting

from book_build import playgrounds, pyodide
from schedule_playground import Attempt, play, read_step

SOURCE = Path(__file__).parent / "playground_book"
STEPS = [
    "reorder(loops=['k', 'j'])",
    "decompose_reduction(loop='k', at='i')",
    "reorder(loops=['k', 'j'])",
    "vectorize(loop='j')",
]
PATIENCE = 300_000  # ms, for a machine that has much else to do
START = "Run the compiler in this page"


def attempts(*more: str) -> tuple[Attempt, ...]:
    return play("matmul", [read_step(line) for line in (*STEPS, *more)])[0]


def text(attempt: Attempt) -> str:
    return "".join(f"{mark} {line}\n" for mark, line in attempt.lines)


def build(source: Path, builder: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", builder, str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built book of one page."""
    out = tmp_path_factory.mktemp("playground") / "html"
    result = build(SOURCE, "html", out)
    assert result.returncode == 0, result.stderr
    return out


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the report of the tests readable."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def opened(browser: Browser, folder: Path, **options: object) -> Iterator[Visit]:
    """The page with the compiler running; whatever it asks of another address fails."""
    with served(folder) as site, visiting(browser, f"{site}/index.html", **options) as visit:
        visit.page.context.route(
            lambda address: not address.startswith((site, "data:")), lambda route: route.abort()
        )
        assert not any("pyodide" in address for address in visit.requests)
        visit.page.get_by_role("button", name=START).press("Enter")
        visit.page.wait_for_selector(".schedule-playground.open", timeout=PATIENCE)
        yield visit
        ours = re.compile(r"^uncaught|playground|pyodide")  # not those about the theme's files
        assert [each for each in visit.complaints if ours.search(each)] == []
        assert [each for each in visit.requests if not each.startswith((f"{site}/", "data:"))] == []


def wait_for(page: Page, status: str) -> None:
    page.get_by_role("status").get_by_text(status, exact=True).wait_for(timeout=PATIENCE)


def code(page: Page) -> str:
    return str(page.locator(".schedule-playground pre").first.text_content())


@pytest.mark.slow
def test_the_browser_shows_what_the_compiler_makes_by_keyboard_and_offline(
    browser: Browser, pages: Path
) -> None:
    with opened(browser, pages, viewport=DESKTOP, color_scheme="light") as visit:
        page = visit.page
        assert code(page) == text(attempts()[-1])
        results = page.locator(".schedule-playground .result").all_text_contents()
        assert results == ["4,128 misses", "refused", "4,144 misses", "304 misses", "304 misses"]
        assert page.evaluate("document.activeElement.name") == "primitive"
        page.keyboard.type("unroll")
        page.keyboard.press("Tab")
        page.keyboard.type("k")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        wait_for(page, "unroll(loop='k') is taken.")
        taken = attempts("unroll(loop='k')")[-1]
        assert code(page) == text(taken)
        page.get_by_label("the C").press("Space")
        assert code(page) == taken.c
        page.get_by_label("the loops").press("Space")

        page.locator("select[name=primitive]").select_option("fuse")
        page.locator("select[name=outer]").select_option("i")
        page.locator("select[name=inner]").select_option("j")
        page.get_by_role("button", name="Apply").press("Enter")
        wait_for(page, "fuse(outer='i', inner='j') is refused.")
        refused = attempts("unroll(loop='k')", "fuse(outer='i', inner='j')")[-1]
        assert refused.refusal is not None
        assert code(page) == text(refused)
        assert page.locator(".refusal").inner_text().split("\n") == [
            f"Refused: {refused.refusal.reason}.", "", f"Hint: {refused.refusal.hint}."
        ]  # fmt: skip
        assert page.locator("pre .guilty").count() == sum(mark == ">" for mark, _ in refused.lines) > 0

        for _ in range(2):
            page.get_by_role("button", name="Take the last step back").press("Enter")
        wait_for(page, "vectorize(loop='j') is taken.")
        page.locator(".schedule-playground li button").nth(1).press("Enter")
        assert code(page) == text(attempts()[1])
        page.locator("select[name=program]").select_option("rmsnorm")
        wait_for(page, "The program as it is.")
        assert code(page) == text(play("rmsnorm", [])[0][0])
        page.emulate_media(media="print")
        assert page.locator(".schedule-playground > .still").is_visible()
        assert not page.locator(".schedule-playground > .app").is_visible()


@pytest.mark.slow
def test_it_fits_a_telephone_and_is_accessible_in_the_dark(browser: Browser, pages: Path) -> None:
    with opened(browser, pages, viewport=TELEPHONE, color_scheme="dark") as visit:
        for number in (1, 4):
            visit.page.locator(".schedule-playground li button").nth(number).click()
            assert sticking_out(visit.page) == []
            found = violations(visit.page)
            assert [each for each in found if "schedule-playground" in str(each[1])] == []


@pytest.mark.slow
def test_without_a_script_the_still_shows_the_same_steps(browser: Browser, pages: Path) -> None:
    with served(pages) as site, visiting(browser, f"{site}/index.html", java_script_enabled=False) as visit:
        still = visit.page.locator(".schedule-playground > .still")
        assert still.is_visible()
        assert visit.page.get_by_role("button", name=START).count() == 0
        shown = still.locator("pre").all_text_contents()
        expected = ["\n".join(line.rstrip() for line in text(each).splitlines()) for each in attempts()]
        assert [each.rstrip("\n") for each in shown] == [*expected, attempts()[-1].c.rstrip()]
        assert "is refused: ‘k’ is not all that ‘j’ holds." in still.inner_text()
        assert "12,544 accesses, 304 misses" in still.inner_text()


@pytest.mark.slow
def test_what_hinders_it_is_said_and_the_still_stays(browser: Browser, pages: Path, tmp_path: Path) -> None:
    with visiting(browser, (pages / "index.html").as_uri()) as visit:
        visit.page.get_by_role("button", name=START).click()
        wait_for(
            visit.page, "A browser runs no Python on a page from the disk: serve the book with make serve."
        )
        assert visit.page.locator(".schedule-playground > .still").is_visible()
    shutil.copytree(pages, tmp_path / "html", ignore=shutil.ignore_patterns("pyodide"))
    with served(tmp_path / "html") as site, visiting(browser, f"{site}/index.html") as visit:
        visit.page.get_by_role("button", name=START).click()
        wait_for(visit.page, "This went wrong: Python does not load from this site.")
        assert visit.page.locator(".schedule-playground > .still").is_visible()


@pytest.mark.slow
def test_print_gets_the_still_and_nothing_that_runs(tmp_path: Path) -> None:
    assert build(SOURCE, "latex", tmp_path / "latex").returncode == 0
    (tex,) = (tmp_path / "latex").glob("aplayground.tex")
    assert [tex.read_text().count(each) for each in ("for k in", "is refused", "data-play")] == [5, 1, 0]
    shutil.copytree(SOURCE, tmp_path / "book")
    (tmp_path / "book" / "index.md").write_text("# A page\n\n```{schedule-playground} sort\n```\n")
    result = build(tmp_path / "book", "html", tmp_path / "html")
    assert result.returncode != 0
    assert "'sort' is no program to play with: choose matmul or rmsnorm" in result.stderr


def test_the_pages_ship_pyodide_as_it_was_released_with_its_licences(pages: Path) -> None:
    folder = pages / "_static" / "pyodide"
    licences = {"MPL-2.0.txt", "NOTICE.txt", "Python.txt"}
    assert {path.name for path in folder.iterdir()} == {*pyodide.FILES, *licences}
    assert "Mozilla Public License Version 2.0" in (folder / "MPL-2.0.txt").read_text()
    for name, digest in pyodide.FILES.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert f'"{pyodide.VERSION}"' in (folder / "pyodide.mjs").read_text()
    size = sum((folder / name).stat().st_size for name in pyodide.FILES)
    assert pyodide.MEGABYTES - 1 < size / 1e6 <= pyodide.MEGABYTES


def test_a_site_without_a_playground_ships_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "pyodide").mkdir()
    (tmp_path / "playground.js").touch()
    (tmp_path / "other.js").touch()
    playgrounds.withdraw(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.js"]


def test_a_wheel_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pyodide.NoPyodide, match=r"^Pyodide is not set up: run make html, which"):
        pyodide.unpack(tmp_path / "out", tmp_path)
    with zipfile.ZipFile(tmp_path / "flet_web-2-py3-none-any.whl", "w") as wheel:
        for name in pyodide.FILES:
            wheel.writestr(f"{pyodide.INSIDE}/{name}", "another")
    said = "flet_web-2-py3-none-any.whl holds another pyodide.mjs than 314.0.7: mend browser.lock"
    with pytest.raises(pyodide.NoPyodide, match=f"^{re.escape(said)}$"):
        pyodide.unpack(tmp_path / "out", tmp_path)


def test_the_lock_of_what_the_pages_ship_pins_a_version_and_its_bytes(root: Path) -> None:
    lock = (root / "browser.lock").read_text()
    assert re.fullmatch(r"flet-web==[\d.]+ --hash=sha256:[0-9a-f]{64}\n", lock)
