"""A chapter offers its notebook and its source, and says where its outputs come from."""

from __future__ import annotations

from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from tests.book.reading import LAYOUT

from book_build.chapter import Chapter
from book_build.reader import INSTALL_CELL


def page_of(chapter: Chapter, html: Path) -> tuple[Path, BeautifulSoup]:
    path = html / f"{chapter.docname}.html"
    return path, BeautifulSoup(path.read_text("utf-8"), "html.parser")


def offered(chapter: Chapter, html: Path, suffix: str) -> Path:
    path, soup = page_of(chapter, html)
    links = soup.select(f".dropdown-download-buttons a[href$='{suffix}']")
    assert len(links) == 1, f"{path.name} offers {len(links)} {suffix} files"
    return (path.parent / str(links[0]["href"])).resolve()


def test_offers_the_notebook_with_its_outputs_and_how_to_install(chapter: Chapter, html: Path) -> None:
    notebook = nbformat.read(offered(chapter, html, ".ipynb"), as_version=4)
    nbformat.validate(notebook)
    first, *cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert first.source == INSTALL_CELL
    assert [cell.source for cell in cells] == [cell.source for cell in chapter.code_cells]
    assert any(cell.outputs for cell in cells)


def test_offers_the_source_that_it_was_built_from(chapter: Chapter, html: Path) -> None:
    source = offered(chapter, html, ".md")
    assert source.read_bytes() == (LAYOUT.book / f"{chapter.docname}.md").read_bytes()


def test_says_where_its_outputs_come_from(chapter: Chapter, html: Path) -> None:
    _, soup = page_of(chapter, html)
    (provenance,) = soup.select(".provenance")
    text = provenance.get_text()
    assert all(name in text for name in ("Executed", "python", *chapter.needs))


def test_is_named_on_the_status_page(chapter: Chapter, html: Path) -> None:
    status = BeautifulSoup((html / "appendix/status.html").read_text("utf-8"), "html.parser")
    rows = [row for row in status.select("table tr") if row.select(f"a[href$='{chapter.docname}.html']")]
    assert any("ok" in row.get_text() for row in rows)
