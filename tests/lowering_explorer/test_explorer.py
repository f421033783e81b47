"""The explorer in a real browser, from the local disk."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page
from tests.browsing import MODES, TELEPHONE, Visit, sticking_out, violations, visiting
from tests.lowering_explorer.made_by_hand import AFTER, BEFORE, LOWERING, WILD

from lowering_explorer import Stage
from lowering_explorer.rendering import page as rendering

pytestmark = pytest.mark.slow

Numbers = list[int]
Difference = Callable[..., list[tuple[str, int, int]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, and a page with two explorers that share one script."""
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "report.html").write_text(rendering.report(LOWERING), encoding="utf-8")
    one = rendering.explorer(LOWERING)
    head = "<!doctype html><html lang='en'><meta charset='utf-8'><title>x</title>"
    assets = f"<style>{rendering.style()}</style><script>{rendering.script()}</script>"
    (folder / "two.html").write_text(
        f"{head}{assets}<main><h1>x</h1>{one}{one}</main></html>", encoding="utf-8"
    )
    return folder


@contextmanager
def opened(browser: Browser, path: Path, anchor: str = "", **options: object) -> Iterator[Visit]:
    """The page with its explorers open; on leaving, it was silent and asked for nothing else."""
    with visiting(browser, path.as_uri() + anchor, **options) as visit:
        visit.page.wait_for_function(
            "[...document.querySelectorAll('.lowering-explorer')].every(e => e.classList.contains('open'))"
        )
        yield visit
    assert visit.complaints == []
    assert [each for each in visit.requests if each != "data:,"] == [path.as_uri()]


@pytest.fixture
def report(browser: Browser, folder: Path) -> Iterator[Page]:
    with opened(browser, folder / "report.html") as visit:
        yield visit.page


def stage_text(page: Page) -> Locator:
    return page.locator(".stage-text [role=option]")


def source_line(page: Page, number: int) -> Locator:
    return page.locator(f".source [role=option][data-number='{number}']")


def chosen(page: Page) -> str:
    return page.locator(".navigator [aria-selected=true] .name").inner_text()


def lit(page: Page) -> list[int]:
    return [
        int(n) for n in page.eval_on_selector_all(".stage-text .lit", "all => all.map(e => e.dataset.number)")
    ]


def test_it_opens_on_the_last_stage_before_machine_code_that_knows_its_source(report: Page) -> None:
    assert chosen(report) == "HLO after a pass"
    assert stage_text(report).all_text_contents() == AFTER.splitlines()


def test_the_navigator_shows_all_seven_levels_with_their_stages(report: Page) -> None:
    levels = report.locator(".navigator [role=group]").all()
    assert [level.get_attribute("aria-label") for level in levels] == [
        "Python: no stage",
        "graph",
        "tensor IR: no stage",
        "loops",
        "vector IR: no stage",
        "LLVM IR: no stage",
        "assembly",
    ]
    assert levels[3].locator(".name").all_inner_texts() == ["HLO", "HLO after a pass"]


def test_arrows_walk_the_tabs_and_a_problem_is_told(report: Page) -> None:
    report.get_by_role("tab", name="XLA").focus()
    report.keyboard.press("ArrowRight")
    assert report.evaluate("document.activeElement.textContent") == "Inductor"
    assert chosen(report) == "C++"
    assert "<b>no compiler</b>" in report.locator(".facts .problem").inner_text()
    report.keyboard.press("ArrowRight")
    assert "which is not installed" in report.locator(".facts .problem").inner_text()
    assert stage_text(report).count() == 0
    report.keyboard.press("ArrowRight")
    assert report.evaluate("document.activeElement.textContent") == "XLA"
    tabs = report.get_by_role("tab").evaluate_all("all => all.map(t => [t.ariaSelected, t.tabIndex])")
    assert tabs == [["true", 0], ["false", -1], ["false", -1]]


def test_another_compiler_opens_at_the_level_that_the_reader_chose(browser: Browser, tmp_path: Path) -> None:
    first, second, *_ = LOWERING.captures
    later = replace(second, stages=(*second.stages, Stage("machine code", "assembly", "x86", "  ret\n")))
    page = tmp_path / "report.html"
    page.write_text(rendering.report(replace(LOWERING, captures=(first, later))), encoding="utf-8")
    with opened(browser, page) as visit:
        visit.page.get_by_role("tab", name="Inductor").click()
        assert chosen(visit.page) == "C++"
    with opened(browser, page) as visit:
        visit.page.get_by_role("option", name="assembly").click()
        visit.page.get_by_role("tab", name="Inductor").click()
        assert chosen(visit.page) == "machine code"
        visit.page.get_by_role("tab", name="XLA").click()
        assert chosen(visit.page) == "assembly"


def test_tab_reaches_everything_and_the_focus_is_seen(report: Page) -> None:
    report.evaluate("document.activeElement.blur()")
    first = "XLA|Stages, by level|Settings|Source of the function|Changes|Find in this stage"
    for name in f"{first}|Previous place|Next place|Copy|Link|Text of HLO after a pass".split("|"):
        report.keyboard.press("Tab")
        reached = "document.activeElement.ariaLabel ?? document.activeElement.textContent"
        assert report.evaluate(reached) == name
        assert report.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_arrows_walk_the_stages(report: Page) -> None:
    report.get_by_role("listbox", name="Stages").focus()
    report.keyboard.press("ArrowUp")
    assert chosen(report) == "HLO"
    assert stage_text(report).all_text_contents() == BEFORE.splitlines()
    report.keyboard.press("End")
    assert chosen(report) == "assembly"


def test_a_source_line_lights_what_came_from_it_in_every_stage(report: Page) -> None:
    source_line(report, 12).hover()
    assert lit(report) == [4, 10]
    counts = report.locator(".navigator .extent").all_inner_texts()
    assert counts == ["–", "2", "2", "–"]
    report.locator("h1").hover()
    assert lit(report) == []


def test_a_line_of_a_stage_lights_its_source_and_its_siblings(report: Page) -> None:
    stage_text(report).nth(3).hover()
    assert report.locator(".source .lit").all_text_contents() == ["    return c * b"]
    assert lit(report) == [4, 10]


def test_keys_light_lines_too_and_enter_holds_them(report: Page) -> None:
    report.get_by_role("listbox", name="Source").focus()
    for _ in range(5):
        report.keyboard.press("ArrowDown")
    assert lit(report) == [4, 10]
    report.keyboard.press("Enter")
    report.get_by_role("listbox", name="Stages").focus()
    report.keyboard.press("ArrowUp")
    assert chosen(report) == "HLO"
    assert lit(report) == [4, 10]
    assert report.locator(".places").inner_text() == "1 of 2 lines from line 12"
    report.keyboard.press("Escape")
    assert lit(report) == []


def test_a_tap_holds_a_line_and_another_frees_it(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "report.html", viewport=TELEPHONE, has_touch=True) as visit:
        source_line(visit.page, 12).tap()
        stage_text(visit.page).nth(0).hover()
        assert lit(visit.page) == [4, 10]
        source_line(visit.page, 12).tap()
        visit.page.locator("h1").tap()
        assert lit(visit.page) == []


def test_the_difference_to_the_stage_before(report: Page) -> None:
    report.get_by_role("button", name="Changes").click()
    signs = report.eval_on_selector_all(
        ".stage-text [data-sign]", "all => all.map(e => [e.dataset.sign, e.innerText])"
    )
    assert signs == [
        ["−", BEFORE.splitlines()[3]],
        ["+", AFTER.splitlines()[3]],
        ["−", BEFORE.splitlines()[9]],
        ["+", AFTER.splitlines()[9]],
    ]
    assert report.locator(".places").inner_text() == "1 of 2 changes"
    fold = report.locator(".fold")
    assert fold.all_text_contents() == ["7 unchanged lines"]
    fold.click()
    assert fold.count() == 0
    assert stage_text(report).count() == 22


def test_no_difference_is_offered_to_a_stage_in_another_language(report: Page) -> None:
    report.get_by_role("option", name="assembly").click()
    assert report.get_by_role("button", name="Changes").is_disabled()


def test_counts_stand_beside_those_of_the_stage_before(report: Page) -> None:
    assert report.locator(".counts li").all_inner_texts() == [
        "21 operations was 20",
        "19 add was 20",
        "1 multiply",
    ]


def test_finding(report: Page) -> None:
    report.get_by_role("searchbox").fill("MULTIPLY")
    report.wait_for_selector("mark")
    assert report.locator(".stage-text mark").all_text_contents() == ["multiply"]
    assert report.locator(".places").inner_text() == "1 of 1 matches"
    report.get_by_role("searchbox").fill("%v1")
    report.wait_for_function("document.querySelectorAll('mark').length > 10")
    assert report.locator(".places").inner_text() == "1 of 11 matches"
    report.keyboard.press("Enter")
    assert report.locator(".places").inner_text() == "2 of 11 matches"
    report.get_by_role("button", name="Previous place").click()
    report.get_by_role("button", name="Previous place").click()
    assert report.locator(".places").inner_text() == "11 of 11 matches"
    report.get_by_role("button", name="Only matches").click()
    assert stage_text(report).count() == 11


def test_what_is_folded_away_is_found_too(report: Page) -> None:
    report.get_by_role("button", name="Changes").click()
    report.get_by_role("searchbox").fill("%v6")
    report.wait_for_selector("mark")
    assert report.locator(".places").inner_text() == "1 of 1 matches"


def test_copy_takes_the_whole_stage(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "report.html", permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.get_by_role("searchbox").fill("%v1")
        visit.page.get_by_role("button", name="Copy").click()
        visit.page.get_by_role("button", name="Copied").wait_for()
        assert visit.page.evaluate("navigator.clipboard.readText()") == AFTER


def test_text_with_html_in_it_is_shown_and_does_nothing(report: Page) -> None:
    report.get_by_role("tab", name="Inductor").click()
    assert stage_text(report).all_text_contents()[0] == f"// {WILD} & 𝛼"
    assert report.locator(".lowering-explorer img").count() == 0
    assert report.title() == "scale: XLA, Inductor, TVM"


def test_a_deep_link_opens_a_stage(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "report.html", "#xla/HLO") as visit:
        visit.page.wait_for_function(
            "document.querySelector('[aria-selected=true] .name').textContent === 'HLO'"
        )
        visit.page.get_by_role("option", name="assembly").click()
        visit.page.get_by_role("link", name="Link").click()
        assert visit.page.url.endswith("#xla/assembly")
        visit.page.go_back()
        visit.page.wait_for_function(
            "document.querySelector('[aria-selected=true] .name').textContent === 'HLO'"
        )


def test_a_link_to_a_stage_that_is_not_there_changes_nothing(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "report.html", "#xla/nowhere") as visit:
        assert chosen(visit.page) == "HLO after a pass"


def test_two_explorers_on_one_page_are_told_apart(browser: Browser, folder: Path) -> None:
    with opened(
        browser, folder / "two.html", "#scale-2/inductor/C++", viewport={"width": 900, "height": 3000}
    ) as visit:
        second = visit.page.locator(".lowering-explorer").nth(1)
        second.locator("[role=tab][aria-selected=true]", has_text="Inductor").wait_for()
        first = visit.page.locator(".lowering-explorer").nth(0)
        assert first.locator("[role=tab][aria-selected=true]").inner_text() == "XLA"
        assert first.locator(".take a").get_attribute("href") == "#scale/xla/HLO-after-a-pass"
        identities = visit.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(identities) == len(set(identities))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "viewport", [TELEPHONE, {"width": 760, "height": 900}, {"width": 1400, "height": 900}]
)
def test_it_fits_and_is_accessible(
    browser: Browser, folder: Path, mode: str, viewport: dict[str, int]
) -> None:
    with opened(browser, folder / "report.html", color_scheme=mode, viewport=viewport) as visit:
        page = visit.page
        for act in (
            lambda: None,
            lambda: source_line(page, 12).click(),
            lambda: page.get_by_role("button", name="Changes").click(),
            lambda: page.get_by_role("searchbox").fill("add"),
            lambda: page.get_by_role("tab", name="Inductor").click(),
            lambda: page.get_by_role("tab", name="TVM").click(),
        ):
            act()
            page.wait_for_timeout(150)
            assert sticking_out(page) == []
            assert violations(page) == []


def test_on_a_telephone_the_stages_fold_behind_a_button(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "report.html", viewport=TELEPHONE) as visit:
        stages = visit.page.get_by_role("listbox", name="Stages")
        assert not stages.is_visible()
        visit.page.get_by_role("button", name="loops HLO after a pass").click()
        visit.page.get_by_role("option", name="jaxpr").click()
        assert not stages.is_visible()
        assert stage_text(visit.page).count() == 1


def test_without_javascript_the_stages_are_named(browser: Browser, folder: Path) -> None:
    with visiting(browser, (folder / "report.html").as_uri(), java_script_enabled=False) as visit:
        shown = visit.page.locator("main").inner_text()
        assert "HLO after a pass" in shown
        assert "The texts of the stages open with JavaScript." in shown


@pytest.fixture
def difference(browser: Browser) -> Iterator[Difference]:
    script = Path(rendering.__file__).with_name("difference.js").read_text("utf-8")
    context = browser.new_context()
    page = context.new_page()

    def call(one: Numbers, other: Numbers, cells: float = 4e6) -> list[tuple[str, int, int]]:
        rows = page.evaluate(
            f"([a, b, cells]) => {{ {script}; return difference(a, b, cells); }}", [one, other, cells]
        )
        assert [one[i] for sign, i, _ in rows if sign != "+"] == one
        assert [other[j] for sign, _, j in rows if sign != "−"] == other
        assert [i for sign, i, _ in rows if sign != "+"] == list(range(len(one)))
        assert [j for sign, _, j in rows if sign != "−"] == list(range(len(other)))
        assert all(one[i] == other[j] for sign, i, j in rows if sign == " ")
        return [tuple(row) for row in rows]

    yield call
    context.close()


def test_the_difference_rebuilds_both_texts_and_is_a_shortest_one(difference: Difference) -> None:
    numbers = random.Random(1)
    for _ in range(60):
        one, other = ([numbers.randrange(4) for _ in range(numbers.randrange(12))] for _ in range(2))
        assert sum(sign == " " for sign, _, _ in difference(one, other)) == longest_common(one, other)


def test_the_difference_of_long_texts_keeps_what_is_unique(difference: Difference) -> None:
    numbers = random.Random(2)
    for _ in range(40):
        one, other = ([numbers.randrange(40) for _ in range(30)] for _ in range(2))
        difference(one, other, cells=1)
    one = list(range(300))
    other = [number for number in one if number % 7] + [1000, 1001]
    signs = [sign for sign, _, _ in difference(one, other, cells=50)]
    assert (signs.count(" "), signs.count("−"), signs.count("+")) == (257, 43, 2)


def longest_common(one: list[int], other: list[int]) -> int:
    lengths = [0] * (len(other) + 1)
    for item in one:
        diagonal = 0
        for at, candidate in enumerate(other, 1):
            diagonal, lengths[at] = (
                lengths[at],
                diagonal + 1 if item == candidate else max(lengths[at], lengths[at - 1]),
            )
    return lengths[-1]
