"""The printed book: every chapter, nothing outside the margins, no glyph missing, no link into the void."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from pypdf import PdfReader
from tests.book.reading import DOCNAMES, LAYOUT, built

from book_build.chapter import read_chapter

RIGHT_MARGIN = 25 / 25.4 * 72  # points, as conf.py sets it
TOLERANCE = 4  # points; a word that sticks out by less is seen by nobody


@pytest.fixture(scope="session")
def pdf() -> Path:
    return built("pdf/ai-compilers.pdf", "make pdf")


@pytest.fixture(scope="session")
def reader(pdf: Path) -> PdfReader:
    return PdfReader(pdf)


@pytest.fixture(scope="session")
def outline(reader: PdfReader) -> list[tuple[int, str, int]]:
    """Depth, title and page (from 0) of each entry."""

    def entries(items: list[object], depth: int) -> list[tuple[int, str, int]]:
        found: list[tuple[int, str, int]] = []
        for item in items:
            if isinstance(item, list):
                found += entries(item, depth + 1)
            else:
                found.append((depth, str(item.title), reader.get_destination_page_number(item)))  # type: ignore[attr-defined]
        return found

    return entries(list(reader.outline), 0)


@pytest.fixture(scope="session")
def text(pdf: Path) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="session")
def log() -> str:
    return built("sphinx/latex/ai-compilers.log", "make pdf").read_text("utf-8", errors="replace")


def title_of(docname: str) -> str:
    match = re.search(r"^# (.+)$", read_chapter(LAYOUT.book, docname).text, re.MULTILINE)
    assert match is not None
    return match[1]


def test_has_every_part_and_chapter_in_the_order_of_the_contents(outline: list[tuple[int, str, int]]) -> None:
    contents = yaml.safe_load((LAYOUT.book / "_toc.yml").read_text("utf-8"))
    expected = [
        title
        for part in contents["parts"]
        for title in (part["caption"], *(title_of(entry["file"]) for entry in part["chapters"]))
    ]
    found = [re.sub(r"^[IVX]+ ", "", title) for depth, title, _ in outline if depth <= 1]
    assert [title for title in found if title != "Index"] == expected


def test_has_pages_for_every_chapter(outline: list[tuple[int, str, int]], reader: PdfReader) -> None:
    chapters = [(title, page) for depth, title, page in outline if depth == 1]
    ends = [page for _, page in chapters[1:]] + [len(reader.pages)]
    for (title, start), end in zip(chapters, ends, strict=True):
        text = "".join(reader.pages[page].extract_text() for page in range(start, end))
        assert len(text) > 150, f"{title!r} is empty"
    executed = [name for name in DOCNAMES if read_chapter(LAYOUT.book, name).is_chapter]
    assert len(reader.pages) >= 4 * len(executed)


def test_calls_its_contents_contents(reader: PdfReader) -> None:
    assert any("Contents" in page.extract_text().splitlines()[:2] for page in list(reader.pages)[:4])


def test_nothing_leaves_the_margin(pdf: Path) -> None:
    boxes = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, check=True).stdout
    outside = []
    tree = ElementTree.fromstring(boxes)
    for number, page in enumerate(tree.iter("{http://www.w3.org/1999/xhtml}page"), start=1):
        limit = float(page.attrib["width"]) - RIGHT_MARGIN + TOLERANCE
        for word in page:
            if float(word.attrib["xMax"]) > limit or float(word.attrib["xMin"]) < RIGHT_MARGIN - 30:
                outside.append((number, word.text))
    assert outside == []


def test_no_line_is_much_too_long(log: str) -> None:
    widths = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    assert [width for width in widths if width > TOLERANCE] == []


def test_nothing_is_taller_than_its_page(log: str) -> None:
    heights = [float(height) for height in re.findall(r"Overfull \\vbox \(([\d.]+)pt too high\)", log)]
    assert [height for height in heights if height > TOLERANCE] == []


def test_no_glyph_is_missing(log: str, text: str) -> None:
    assert re.findall(r"Missing character: .*", log) == []
    assert "�" not in text


def test_unicode_of_code_and_prose_arrives(text: str) -> None:
    assert "µ" in text or "×" in text or "·" in text or "→" in text


def test_shows_results_as_a_reader_wants_them(text: str) -> None:
    assert re.findall(r"\b[A-Z]\w+\(\w+='", text) == []  # the repr of an object, fields and all


def test_the_bibliography_lists_what_is_cited(reader: PdfReader, outline: list[tuple[int, str, int]]) -> None:
    cited = {
        key.strip()
        for name in DOCNAMES
        for keys in re.findall(r"\{cite\}`([^`]+)`", read_chapter(LAYOUT.book, name).text)
        for key in keys.split(",")
    }
    at, page = next((at, page) for at, (_, title, page) in enumerate(outline) if title == "Bibliography")
    end = outline[at + 1][2]
    text = "\n".join(reader.pages[number].extract_text() for number in range(page, end))
    assert len(re.findall(r"^\[\d+\]", text, re.MULTILINE)) == len(cited)


def test_links_lead_somewhere(reader: PdfReader) -> None:
    destinations = set(reader.named_destinations)
    inside, outside = 0, 0
    for page in reader.pages:
        for annotation in page.get("/Annots") or ():
            action = annotation.get_object().get("/A", {})
            if "/URI" in action:
                assert urlsplit(str(action["/URI"])).scheme == "https", action["/URI"]
                outside += 1
            elif "/D" in action:
                assert not isinstance(action["/D"], str) or action["/D"] in destinations, action["/D"]
                inside += 1
    assert inside > 50
    assert outside > 3
