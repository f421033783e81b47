"""Every internal link and anchor of the built pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from tests.book.reading import LAYOUT

REFERENCES = (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src"), ("source", "src"))


def addresses(soup: BeautifulSoup) -> list[str]:
    return [
        str(tag[name]) for element, name in REFERENCES for tag in soup.find_all(element, attrs={name: True})
    ]


def test_internal_links_and_anchors_resolve(html: Path) -> None:
    pages = {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in html.rglob("*.html")}
    pages = {path: soup for path, soup in pages.items() if "_static" not in path.parts}
    anchors = {
        path: {str(tag["id"]) for tag in soup.find_all(id=True)} | {"", "top"} for path, soup in pages.items()
    }
    broken = []
    for page, soup in pages.items():
        for address in addresses(soup):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.exists() or unquote(parts.fragment) not in anchors.get(
                target, {"", parts.fragment}
            ):
                broken.append(f"{page.relative_to(html)}: {address}")
    assert broken == []


def test_external_links_are_to_the_web(html: Path) -> None:
    odd = [
        f"{page.relative_to(html)}: {address}"
        for page in html.rglob("*.html")
        for address in addresses(BeautifulSoup(page.read_text("utf-8"), "html.parser"))
        if (scheme := urlsplit(address).scheme) not in ("", "https", "data", "mailto")
        or re.search(r"//(localhost|127\.|[^/]*\.local\b)", address)
        or scheme == "file"
    ]
    assert odd == []


def test_styles_name_files_that_are_there(html: Path) -> None:
    missing = [
        f"{sheet.relative_to(html)}: {name}"
        for sheet in html.rglob("*.css")
        for name in re.findall(r"url\([\"']?([^\"')]+)", sheet.read_text("utf-8"))
        if not name.startswith(("data:", "#")) and not (sheet.parent / name.split("?")[0]).exists()
    ]
    assert missing == []


def test_no_page_names_a_folder_of_the_machine_that_built_it(html: Path) -> None:
    built_in = str(LAYOUT.build.parent)
    assert [page.name for page in html.rglob("*.html") if built_in in page.read_text("utf-8")] == []
