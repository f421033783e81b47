"""The EPUB: a valid container whose pages are XML, whose manifest is complete and whose links resolve."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from tests.book.reading import DOCNAMES, built

PACKAGE = {"opf": "http://www.idpf.org/2007/opf", "dc": "http://purl.org/dc/elements/1.1/"}
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="session")
def epub() -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(built("epub/ai-compilers.epub", "make epub")) as container:
        yield container


@pytest.fixture(scope="session")
def package(epub: zipfile.ZipFile) -> ElementTree.Element:
    return ElementTree.fromstring(epub.read("content.opf"))


@pytest.fixture(scope="session")
def pages(epub: zipfile.ZipFile) -> dict[str, ElementTree.Element]:
    """Every page by its name; a page that is not XML fails here."""
    return {
        name: ElementTree.fromstring(epub.read(name)) for name in epub.namelist() if name.endswith(".xhtml")
    }


def test_begins_with_its_type_uncompressed(epub: zipfile.ZipFile) -> None:
    first = epub.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert epub.read("mimetype") == b"application/epub+zip"


def test_the_manifest_lists_every_file_and_no_other(
    epub: zipfile.ZipFile, package: ElementTree.Element
) -> None:
    listed = {unquote(item.attrib["href"]) for item in package.findall("opf:manifest/opf:item", PACKAGE)}
    carried = {
        name
        for name in epub.namelist()
        if not name.startswith("META-INF/") and name not in ("mimetype", "content.opf")
    }
    assert listed == carried


def test_reads_every_page_of_the_book_in_order(package: ElementTree.Element) -> None:
    names = {
        item.attrib["id"]: item.attrib["href"] for item in package.findall("opf:manifest/opf:item", PACKAGE)
    }
    spine = [names[item.attrib["idref"]] for item in package.findall("opf:spine/opf:itemref", PACKAGE)]
    assert [name for name in spine if name.removesuffix(".xhtml") in DOCNAMES] == [
        f"{name}.xhtml" for name in DOCNAMES
    ]


def test_says_what_it_is(package: ElementTree.Element) -> None:
    described = {
        field: package.findtext(f"opf:metadata/dc:{field}", "", PACKAGE) for field in ("title", "language")
    }
    assert described == {"title": "AI Compilers: an executable book", "language": "en"}
    assert package.findtext("opf:metadata/dc:identifier", "", PACKAGE).startswith("urn:uuid:")


def test_pages_declare_what_they_embed(
    package: ElementTree.Element, pages: dict[str, ElementTree.Element]
) -> None:
    declared = {
        item.attrib["href"]: set(item.attrib.get("properties", "").split()) - {"nav"}
        for item in package.findall("opf:manifest/opf:item", PACKAGE)
    }
    for name, page in pages.items():
        tags = {str(element.tag).rpartition("}")[2] for element in page.iter()}
        embedded = {
            kind
            for kind, tag in {"mathml": "math", "svg": "svg", "scripted": "script"}.items()
            if tag in tags
        }
        assert embedded == declared[name], name


def test_links_and_pictures_resolve(epub: zipfile.ZipFile, pages: dict[str, ElementTree.Element]) -> None:
    names = set(epub.namelist())
    anchors = {name: {element.get("id") for element in page.iter()} for name, page in pages.items()}
    broken = []
    for name, page in pages.items():
        for element in page.iter():
            address = element.get("src") or (element.get("href") if element.tag == f"{XHTML}a" else None)
            if not address or urlsplit(address).scheme:
                continue
            parts = urlsplit(address)
            target = (
                posixpath.normpath(PurePosixPath(name).parent / unquote(parts.path)) if parts.path else name
            )
            if target not in names or (parts.fragment and parts.fragment not in anchors.get(target, ())):
                broken.append(f"{name}: {address}")
    assert broken == []


def test_asks_nobody_else(epub: zipfile.ZipFile) -> None:
    for name in epub.namelist():
        if name.endswith((".xhtml", ".css")):
            text = epub.read(name).decode("utf-8")
            assert re.findall(r"(?:src=|url\(|@import )[\"']?https?:[^\"')]*", text) == [], name
