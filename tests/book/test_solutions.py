"""Each graded exercise has its solution: folded on its page, and in an appendix on paper."""

from __future__ import annotations

import html as html_text
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.book.reading import built
from tests.browsing import TELEPHONE, sticking_out, visiting

from graders import exercises
from graders.registry import chapters

FOLDED = re.compile(r'<details class="solution"><summary>Solution of <em>(.*?)</em></summary>')


@pytest.mark.parametrize("chapter", chapters())
def test_a_page_folds_the_solutions_of_all_its_exercises(html: Path, chapter: str) -> None:
    page = (html / f"{chapter}.html").read_text(encoding="utf-8")
    assert FOLDED.findall(page) == list(exercises(chapter))


def test_a_solution_unfolds_by_keyboard_on_a_telephone(browser: Browser, site: str) -> None:
    with visiting(browser, f"{site}/ideas/schedules.html", viewport=TELEPHONE) as visit:
        code = visit.page.locator("details.solution .highlight").first
        assert not code.is_visible()
        visit.page.locator("details.solution summary").first.press("Enter")
        assert code.is_visible()
        assert "def innermost" in code.inner_text()
        assert sticking_out(visit.page) == []
    assert visit.complaints == []


def test_paper_has_an_appendix_with_all_of_them() -> None:
    pdf = built("pdf/ai-compilers.pdf", "make pdf")
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    appendix = html_text.unescape(text)
    for chapter in chapters():
        for name, exercise in exercises(chapter).items():
            assert f"{name}. {exercise.task.split()[0]}" in appendix.replace("\n", " "), (chapter, name)
