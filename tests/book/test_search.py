"""Search finds a page by its title, from the disk and from a server."""

from __future__ import annotations

import re

from playwright.sync_api import Browser
from tests.book.reading import CHAPTERS, LAYOUT
from tests.browsing import visiting

from book_build.chapter import read_chapter


def longest_word_of_the_title(docname: str) -> str:
    title = re.search(r"^# (.+)$", read_chapter(LAYOUT.book, docname).text, re.MULTILINE)
    assert title is not None
    return max(re.findall(r"[A-Za-z]+", title[1]), key=len)


def test_finds_a_chapter(browser: Browser, site: str) -> None:
    wanted = CHAPTERS[0]
    with visiting(browser, f"{site}/index.html") as visit:
        visit.page.keyboard.press("Control+k")
        visit.page.keyboard.type(longest_word_of_the_title(wanted))
        visit.page.keyboard.press("Enter")
        hit = visit.page.locator(f"#search-results a[href*='{wanted}.html']").first
        hit.wait_for(timeout=10_000)
        if site.startswith("http"):  # from the disk a browser gives no page to a script, so none is asked for
            visit.page.locator("#search-results .context").first.wait_for(timeout=10_000)
        visit.page.wait_for_load_state("networkidle")  # leaving breaks off what is still being fetched
        hit.click()
        visit.page.wait_for_load_state()
        assert f"{wanted}.html" in visit.page.url
    assert visit.complaints == []


def test_says_so_when_it_finds_nothing(browser: Browser, site: str) -> None:
    with visiting(browser, f"{site}/search.html?q=zzyzxquux") as visit:
        visit.page.get_by_text("did not match any documents").wait_for(timeout=10_000)
    assert visit.complaints == []


def test_an_ordinary_page_does_not_load_the_index(browser: Browser, served: str) -> None:
    with visiting(browser, f"{served}/index.html") as visit:
        pass
    assert not any("searchindex" in address for address in visit.requests)
