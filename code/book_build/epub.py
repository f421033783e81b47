"""The EPUB builder, made to keep what EPUB 3 asks of a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder

STYLES = ("pygments.css", "epub.css", "ebook.css")
# EPUB 3.3, section D.6.2 "Manifest properties": an item that embeds these must say so.
EMBEDDED = {"mathml": "<math", "scripted": "<script", "svg": "<svg"}
ITEM = re.compile(r'<item id="[^"]+" href="([^"]+\.xhtml)" media-type="application/xhtml\+xml" />')


def setup(app: Sphinx) -> None:
    """Replace Sphinx's builder of the same name."""
    app.add_builder(StrictEpubBuilder, override=True)
    app.connect("html-page-context", _own_styles)


def _own_styles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out the styles of extensions, one of which MyST-NB copies only when the EPUB is sealed."""
    if app.builder.name == "epub":
        context["css_files"] = [
            style for style in context["css_files"] if str(style.filename).rpartition("/")[2] in STYLES
        ]


class StrictEpubBuilder(Epub3Builder):
    """Makes every page well-formed and declares in the manifest what it embeds."""

    def build_content(self) -> None:
        """Write content.opf for pages that an XML parser can read."""
        for page in Path(self.outdir).rglob("*.xhtml"):
            _make_well_formed(page)
        super().build_content()
        manifest = Path(self.outdir) / "content.opf"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(ITEM.sub(self._declared, text), encoding="utf-8")

    def _declared(self, item: re.Match[str]) -> str:
        page = (Path(self.outdir) / item[1]).read_text(encoding="utf-8")
        properties = " ".join(name for name, tag in EMBEDDED.items() if tag in page)
        return item[0].replace(" />", f' properties="{properties}" />') if properties else item[0]


def _make_well_formed(page: Path) -> None:
    """Rewrite a page that is HTML but not XML: the outputs of cells and some extensions are that free."""
    text = page.read_text(encoding="utf-8")
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError:
        page.write_text(well_formed(text), encoding="utf-8")


def well_formed(text: str) -> str:
    """The same HTML page as XML; names inside drawings keep their capitals, as in viewBox."""
    soup = BeautifulSoup(text, "html.parser")
    names = {name.lower(): name for name in re.findall(r"[\s</]([a-z]+[A-Z]\w*)(?=[\s=>])", text)}
    for element in soup.select("svg, svg *"):
        element.name = names.get(element.name, element.name)
        element.attrs = {names.get(name, name): value for name, value in element.attrs.items()}
    return str(soup)
