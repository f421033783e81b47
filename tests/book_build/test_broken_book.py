"""Every way in which a page can be broken fails the build for its stated reason, again and again.

Each page of tests/broken_book states what the build must say about it in a comment `% expect:`.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

BROKEN_BOOK = Path(__file__).resolve().parents[1] / "broken_book"
PAGES = sorted(p.stem for p in (BROKEN_BOOK / "book").glob("*.md") if "% expect:" in p.read_text())

pytestmark = pytest.mark.slow


@dataclass
class Book:
    """A copy of the broken book with some of its pages, below a temporary folder."""

    root: Path

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "book_build", "html", "--root", str(self.root)]

    def build(self) -> tuple[int, str]:
        result = subprocess.run(self.command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    def page(self, name: str) -> Path:
        return self.root / "book" / f"{name}.md"

    def html(self, name: str) -> str:
        return (self.root / "_build" / "html" / f"{name}.html").read_text()

    def state(self, output: str, name: str) -> tuple[str, str]:
        """The state and the verdict that the report gives for a page."""
        found = re.search(rf"^{name} +[\d.]+ +(\w+) +(\w+)$", output, re.MULTILINE)
        assert found, output
        return found[1], found[2]


def book_with(folder: Path, root: Path, *pages: str) -> Book:
    shutil.copytree(BROKEN_BOOK, folder)
    for name in ("_static", "_templates"):
        shutil.copytree(root / "book" / name, folder / "book" / name)
    shutil.copy(root / "book" / "references.bib", folder / "book")
    shutil.copy(root / "conf.py", folder)
    listing = "".join(f"  - file: {page}\n" for page in pages)
    (folder / "book" / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{listing}")
    for path in (folder / "book").glob("*.md"):
        if path.stem not in {"index", *pages}:
            path.unlink()
    return Book(folder)


def test_there_is_a_page_for_each_way_to_fail() -> None:
    assert len(PAGES) == 12


@pytest.mark.parametrize("page", PAGES)
def test_a_broken_page_fails_the_build_twice(page: str, tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy", page)
    expected = re.search(r"% expect: (.*)", book.page(page).read_text())
    assert expected
    package = book.root / "code" / "stale_package" / "__init__.py"
    if page == "stale_package":
        status, output = book.build()
        assert status == 0, output
        package.write_text(package.read_text().replace('"old"', '"new"'))
    for attempt in ("first", "second, incremental"):
        status, output = book.build()
        assert status == 1, f"{attempt}: {output}"
        assert re.search(expected[1], output), f"{attempt}: {output}"
        assert "Traceback" not in re.sub(r"(?s)FAILED.*", "", output), output
    assert book.state(output, "healthy") == ("cached", "ok")
    if page == "stale_package":
        assert "value old" in book.html(page)
        assert "a newer attempt failed" in book.html(page)


def test_a_repaired_page_passes_and_a_broken_one_keeps_its_last_good_output(
    tmp_path: Path, root: Path
) -> None:
    book = book_with(tmp_path / "book", root, "healthy", "raising_cell")
    broken = book.page("raising_cell").read_text()
    book.page("raising_cell").write_text(broken.replace("1 / 0", 'print("quotient", 6 // 3)'))
    status, output = book.build()
    assert status == 0, output
    assert "quotient 2" in book.html("raising_cell")

    book.page("raising_cell").write_text(broken)
    book.page("healthy").write_text(
        book.page("healthy").read_text().replace("healthy output", "newer output")
    )
    status, output = book.build()
    assert status == 1, output
    assert "quotient 2" in book.html("raising_cell")
    assert "ZeroDivisionError" in book.html("raising_cell")
    assert "newer output" in book.html("healthy")

    book.page("raising_cell").write_text(broken.replace("1 / 0", 'print("quotient", 6 // 2)'))
    status, output = book.build()
    assert status == 0, output
    assert "quotient 3" in book.html("raising_cell")
    assert "ZeroDivisionError" not in book.html("raising_cell")


def test_a_page_that_never_ran_well_shows_its_problem(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy", "raising_cell")
    status, output = book.build()
    assert status == 1, output
    assert "did not execute on the machine that built this page" in book.html("raising_cell")
    assert "healthy output" in book.html("healthy")


def test_a_page_with_a_warning_of_sphinx_leaves_the_published_book_alone(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy")
    assert book.build()[0] == 0
    before = book.html("healthy")
    book.page("healthy").write_text(book.page("healthy").read_text() + "\nSee [it](no_such_page.md).\n")
    status, output = book.build()
    assert status == 1
    assert "not published" in output
    assert book.html("healthy") == before


def test_prose_alone_executes_nothing(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy", "stale_package")
    assert book.build()[0] == 0
    book.page("healthy").write_text(book.page("healthy").read_text() + "\nOne more sentence.\n")
    status, output = book.build()
    assert status == 0, output
    assert book.state(output, "healthy") == ("cached", "ok")
    assert "One more sentence." in book.html("healthy")


def test_knows_how_long_its_cells_took(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy")
    slower = book.page("healthy")
    slower.write_text(slower.read_text() + "\n```{code-cell}\nimport time\n\ntime.sleep(0.5)\n```\n")
    assert book.build()[0] == 0
    (stored,) = (book.root / "_build" / "executions" / "healthy").glob("*.json")
    execution = json.loads(stored.read_text())
    assert 0.5 <= execution["cell_seconds"] <= execution["seconds"]


def test_a_recorded_file_lies_beside_the_cells_and_a_new_one_executes_them(
    tmp_path: Path, root: Path
) -> None:
    book = book_with(tmp_path / "book", root, "healthy")
    page, record = book.page("healthy"), book.root / "book" / "recorded" / "run.json"
    text = page.read_text().replace("kind: page", "kind: page\nrecorded: [run.json]")
    page.write_text(text.replace('"healthy output"', 'open("run.json").read()'))
    status, output = book.build()
    assert status == 1
    assert "there is no book/recorded/run.json; run the script that records it" in output
    record.parent.mkdir()
    for content in ("first run", "second run"):
        record.write_text(content)
        status, output = book.build()
        assert status == 0, output
        assert content in book.html("healthy")


def test_a_killed_build_loses_no_finished_page(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "healthy", "over_time_limit")
    endless = book.page("over_time_limit")
    endless.write_text(endless.read_text().replace("time_limit: 2", "time_limit: 200"))
    with subprocess.Popen(book.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as build:
        executions = book.root / "_build" / "executions" / "healthy"
        deadline = time.monotonic() + 60
        while not list(executions.glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        build.send_signal(signal.SIGKILL)
    endless.write_text(endless.read_text().replace("while True:\n    pass", 'print("ended")'))
    status, output = book.build()
    assert status == 0, output
    assert book.state(output, "healthy") == ("cached", "ok")
    assert book.state(output, "over_time_limit") == ("fresh", "ok")
