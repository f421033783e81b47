"""Each page in a real browser: quiet, self-contained, narrow enough, accessible in light and dark."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser
from tests.browsing import DESKTOP, MODES, TELEPHONE, sticking_out, violations, visiting

PAGE_WEIGHT_LIMIT = 300 * 1000  # bytes, compressed, without the page's own figures


def test_loads_in_silence_and_asks_nobody_else(browser: Browser, site: str, docname: str) -> None:
    with visiting(browser, f"{site}/{docname}.html") as visit:
        visit.page.mouse.wheel(0, 4000)
        visit.page.wait_for_timeout(50)
    assert visit.complaints == []
    assert [address for address in visit.requests if not address.startswith((f"{site}/", "data:"))] == []


def test_weighs_little(browser: Browser, served: str, html: Path, docname: str) -> None:
    with visiting(browser, f"{served}/{docname}.html") as visit:
        visit.page.evaluate("document.fonts.ready.then(() => true)")
    paths = {unquote(urlsplit(address).path).lstrip("/") for address in visit.requests}
    sizes = {
        path: len(data) if path.endswith(".woff2") else len(gzip.compress(data, 9))
        for path in paths
        if not path.startswith(("_images/", "image/"))
        for data in [(html / path).read_bytes()]
    }
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:4]
    assert sum(sizes.values()) <= PAGE_WEIGHT_LIMIT, heaviest


def test_fits_a_telephone(browser: Browser, served: str, docname: str) -> None:
    with visiting(browser, f"{served}/{docname}.html", viewport=TELEPHONE) as visit:
        assert sticking_out(visit.page) == []


@pytest.mark.parametrize("viewport", [TELEPHONE, DESKTOP], ids=["telephone", "desktop"])
@pytest.mark.parametrize("mode", MODES)
def test_is_accessible(
    browser: Browser, served: str, docname: str, mode: str, viewport: dict[str, int]
) -> None:
    with visiting(browser, f"{served}/{docname}.html", color_scheme=mode, viewport=viewport) as visit:
        assert visit.page.evaluate("document.documentElement.dataset.theme") == mode
        visit.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert violations(visit.page) == []


def test_every_image_has_an_alternative_text(browser: Browser, served: str, docname: str) -> None:
    with visiting(browser, f"{served}/{docname}.html") as visit:
        images = visit.page.eval_on_selector_all(
            "main img", "all => all.map(i => [i.getAttribute('src'), i.getAttribute('alt')])"
        )
    assert [source for source, text in images if not text or text == source or text.startswith("../")] == []


def test_tab_reaches_the_text_first_and_shows_where_it_is(browser: Browser, served: str) -> None:
    with visiting(browser, f"{served}/index.html") as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
        visit.page.keyboard.press("Enter")
        assert visit.page.url.endswith("#main-content")
        for _ in range(12):
            visit.page.keyboard.press("Tab")
            style = visit.page.evaluate(
                "(s => [s.outlineStyle, s.boxShadow])(getComputedStyle(document.activeElement))"
            )
            assert style != ["none", "none"], visit.page.evaluate("document.activeElement.outerHTML")


def test_the_reader_chooses_light_or_dark_and_keeps_it(browser: Browser, served: str) -> None:
    with visiting(browser, f"{served}/index.html", color_scheme="light") as visit:
        visit.page.get_by_role("button", name="Color mode").click()
        visit.page.get_by_role("button", name="Dark").click()
        visit.page.reload()
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_paper_is_black_on_white_also_in_dark_mode(browser: Browser, served: str) -> None:
    with visiting(browser, f"{served}/index.html", color_scheme="dark") as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        colours = visit.page.evaluate(
            "['color', 'backgroundColor'].map(c => getComputedStyle(document.body)[c])"
        )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
