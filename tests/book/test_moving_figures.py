"""Figures that move, on the built pages: they open where there is a script, and nowhere else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.book.reading import DOCNAMES, built
from tests.browsing import TELEPHONE, visiting

MOVING = 'class="moving-figure"'


@pytest.fixture(scope="session")
def moving(html: Path) -> list[str]:
    """The pages with such a figure."""
    return [name for name in DOCNAMES if MOVING in (html / f"{name}.html").read_text(encoding="utf-8")]


def test_every_figure_opens_and_answers_its_sliders(browser: Browser, site: str, moving: list[str]) -> None:
    assert {"ideas/roofline_and_fusion", "ideas/schedules"} <= set(moving)
    for docname in moving:
        with visiting(browser, f"{site}/{docname}.html", viewport=TELEPHONE, has_touch=True) as visit:
            figures = visit.page.locator(".moving-figure.open")
            assert figures.count() == visit.page.locator(".moving-figure").count() > 0
            for figure in figures.all():
                before = figure.locator(".reading").inner_text()
                figure.locator("input").first.press("ArrowRight")
                assert figure.locator(".reading").inner_text() != before
        assert visit.complaints == []


def test_paper_has_no_sliders(browser: Browser, served: str, moving: list[str]) -> None:
    with visiting(browser, f"{served}/{moving[0]}.html") as visit:
        visit.page.emulate_media(media="print")
        assert not visit.page.locator(".moving-figure .controls").first.is_visible()
        assert visit.page.locator(".moving-figure svg").first.is_visible()


def test_the_ebook_has_the_drawing_and_no_script(moving: list[str]) -> None:
    with zipfile.ZipFile(built("epub/ai-compilers.epub", "make epub")) as container:
        for docname in moving:
            page = container.read(f"{docname}.xhtml").decode()
            assert MOVING in page
            assert "viewBox" in page
            assert "<script" not in page
