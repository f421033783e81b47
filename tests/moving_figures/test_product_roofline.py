"""The roofline that moves: its arithmetic, and the script's against it, in a real browser."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.browsing import MODES, TELEPHONE, sticking_out, violations, visiting

from moving_figures import MovingFigure, ProductRoofline, Slider, product_roofline

FIGURE = product_roofline(118.0, 20.0)
SLIDERS = {slider.name: slider for slider in FIGURE.sliders}


def product(**positions: int) -> ProductRoofline:
    """What the sliders stand for at these positions, the others at their starts."""
    return ProductRoofline(
        **{name: slider.values[positions.get(name, slider.start)] for name, slider in SLIDERS.items()}
    )


@pytest.mark.parametrize("width", [256, 4096])
@pytest.mark.parametrize(("peak", "bandwidth"), [(989, 3.35), (197, 0.82), (0.118, 0.02), (989, 0.02)])
def test_the_fewest_rows_reach_the_ridge_and_one_fewer_does_not(
    peak: float, bandwidth: float, width: int
) -> None:
    def at(rows: int) -> ProductRoofline:
        return ProductRoofline(rows, width, 2, peak, bandwidth)

    needed = at(1).needed
    if needed:
        assert at(needed).intensity >= at(1).ridge
        assert needed == 1 or at(needed - 1).intensity < at(1).ridge
    else:
        assert at(10**9).intensity < at(1).ridge


def test_one_row_on_an_h100() -> None:
    one = product()
    assert one.intensity == pytest.approx(1, rel=1e-3)  # 2 FLOPs for the 2 bytes of each weight
    assert one.attained == pytest.approx(one.intensity * 3.35)
    assert str(one) == FIGURE.sentence


def test_a_slider_has_a_text_for_each_value() -> None:
    with pytest.raises(ValueError, match=r"slider 'a': a text for each value, and a start among them"):
        Slider("a", "a", (1.0, 2.0), ("1",), 0)
    with pytest.raises(ValueError, match=r"a start among them"):
        Slider("a", "a", (1.0,), ("1",), 1)


def test_print_shows_the_start_and_other_rows() -> None:
    bundle = FIGURE._repr_mimebundle_()
    assert bundle["application/pdf"].startswith("JVBERi")  # %PDF in base64
    assert bundle["text/plain"] == f"{FIGURE.question}\n{FIGURE.sentence}"
    axes = FIGURE.still().axes[0]
    texts = {text.get_text() for text in axes.texts}
    assert {"1 row", "16 rows", "256 rows", "4096 rows", "ridge 295"} <= texts
    assert axes.get_title().split() == FIGURE.sentence.split()


def html_of(*figures: MovingFigure) -> str:
    head = "<!doctype html><html lang='en'><meta charset='utf-8'><title>x</title><main><h1>x</h1>"
    return head + "".join(figure.to_html() for figure in figures) + "</main></html>"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("figure") / "page.html"
    path.write_text(html_of(FIGURE), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with visiting(browser, address) as visit:
        yield visit.page
    assert visit.complaints == []


def reading(page: Page) -> str:
    return page.locator(".reading").inner_text()


def move(page: Page, **positions: int) -> None:
    page.evaluate(
        """positions => Object.entries(positions).forEach(([label, at]) => {
            const input = [...document.querySelectorAll('label')].find(l => l.textContent === label).control;
            input.value = at;
            input.dispatchEvent(new Event('input'));
        })""",
        {SLIDERS[name].label: at for name, at in positions.items()},
    )


def test_the_script_says_what_the_package_computes(page: Page) -> None:
    grid = itertools.product((0, 5, 14), (0, 6), (0, 1, 3), (0, 4, 6), (0, 3, 6))
    for positions in (dict(zip(SLIDERS, at, strict=True)) for at in grid):
        move(page, **positions)
        assert reading(page) == str(product(**positions))


def test_the_drawing_without_a_script_is_where_the_script_begins(
    browser: Browser, address: str, page: Page
) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        still = visit.page.locator("svg").evaluate("svg => svg.outerHTML")
        assert visit.page.locator("input").count() == 0
        assert reading(visit.page) == FIGURE.sentence
    move(page, rows=7)
    assert page.locator("svg").evaluate("svg => svg.outerHTML") != still
    move(page, rows=0)
    assert page.locator("svg").evaluate("svg => svg.outerHTML") == still


def test_the_dot_lies_on_the_roof(page: Page) -> None:
    inside = """() => {
        const roof = document.querySelector('.roof'), dot = document.querySelector('.dot');
        return roof.isPointInStroke(new DOMPoint(dot.cx.baseVal.value, dot.cy.baseVal.value));
    }"""
    for rows, peak in itertools.product((0, 6, 12), (0, 4, 6)):
        move(page, rows=rows, peak=peak)
        assert page.evaluate(inside)


def test_moves_by_keyboard_and_by_buttons(page: Page) -> None:
    rows = page.get_by_label(SLIDERS["rows"].label, exact=True)
    rows.focus()
    page.keyboard.press("ArrowRight")
    assert reading(page) == str(product(rows=1))
    assert rows.get_attribute("aria-valuetext") == "2"
    page.get_by_role("button", name="rows (tokens): more").click()
    assert reading(page) == str(product(rows=2))
    page.get_by_role("button", name="rows (tokens): less").press("Enter")
    assert reading(page) == str(product(rows=1))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # once more than there are positions
    assert reading(page) == str(product(rows=0))


@pytest.mark.parametrize("mode", MODES)
def test_fits_a_telephone_moves_by_touch_and_is_accessible(browser: Browser, address: str, mode: str) -> None:
    with visiting(browser, address, viewport=TELEPHONE, has_touch=True, color_scheme=mode) as visit:
        visit.page.get_by_role("button", name="rows (tokens): more").tap()
        assert reading(visit.page) == str(product(rows=1))
        assert sticking_out(visit.page) == []
        assert violations(visit.page) == []


def test_two_figures_on_a_page_move_apart(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    path.write_text(html_of(FIGURE, FIGURE), encoding="utf-8")
    with visiting(browser, path.as_uri()) as visit:
        assert visit.page.locator(".slider").count() == 2 * len(SLIDERS)
        visit.page.get_by_role("button", name="rows (tokens): more").last.click()
        readings = visit.page.locator(".reading").all_inner_texts()
    assert readings == [str(product(rows=0)), str(product(rows=1))]
    assert visit.complaints == []
