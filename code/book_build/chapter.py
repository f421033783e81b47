"""One page of the book as its author wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nbformat
import yaml
from myst_nb.core.read import MystMetadataParsingError, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

# The MyST extensions that every page may use; conf.py takes them from here.
MYST_EXTENSIONS = ("amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath")


class UnreadableChapter(Exception):
    """A page that is not a MyST notebook; the message says why."""


@dataclass(frozen=True)
class Chapter:
    """A page: its text, and the notebook that the text describes, not executed.

    `notebook.metadata.source_map` holds the 0-based line on which each cell begins.
    """

    docname: str
    text: str
    notebook: nbformat.NotebookNode

    @property
    def front_matter(self) -> Mapping[str, Any]:
        """The YAML at the top of the page."""
        return cast(Mapping[str, Any], self.notebook.metadata)

    @property
    def is_chapter(self) -> bool:
        """Whether the chapter contract holds for this page; other pages are `kind: page`."""
        return self.front_matter.get("kind") == "chapter"

    @property
    def runs_alone(self) -> bool:
        """Whether no other chapter may execute beside this one, which reads clocks."""
        return bool(self.front_matter.get("alone", False))

    @property
    def time_limit(self) -> float:
        """Seconds that one execution of the page may take."""
        return float(self.front_matter.get("time_limit", 300))

    @property
    def uses(self) -> Sequence[str]:
        """The packages under code/ whose change makes this page stale."""
        return tuple(self.front_matter.get("uses") or ())

    @property
    def needs(self) -> Sequence[str]:
        """The distributions whose upgrade makes this page stale."""
        return tuple(self.front_matter.get("needs") or ())

    @property
    def recorded(self) -> Sequence[str]:
        """The files of book/recorded that the cells read, and find in the folder that they run in."""
        return tuple(self.front_matter.get("recorded") or ())

    @property
    def code_cells(self) -> list[nbformat.NotebookNode]:
        """The cells that execute, in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    def line_of(self, cell_index: int) -> int:
        """The 1-based source line on which the text of the notebook's cell `cell_index` begins."""
        start = int(self.notebook.metadata["source_map"][cell_index])
        if self.notebook.cells[cell_index].cell_type == "markdown":
            lines = self.text.splitlines()
            while not lines[start].strip():  # blank lines are not part of the cell's source
                start += 1
        return start + 1


def parse_chapter(docname: str, text: str) -> Chapter:
    """Read a page from its text. Raises UnreadableChapter with one sentence."""
    try:
        notebook = read_myst_markdown_notebook(
            text, config=MdParserConfig(enable_extensions=set(MYST_EXTENSIONS)), add_source_map=True
        )
    except (MystMetadataParsingError, yaml.YAMLError) as error:
        raise UnreadableChapter(f"{docname}: the page cannot be read: {error}") from error
    return Chapter(docname, text, notebook)


def read_chapter(book: Path, docname: str) -> Chapter:
    """Read the page `docname` of the folder `book`. Raises UnreadableChapter with one sentence."""
    path = book / f"{docname}.md"
    if not path.is_file():
        raise UnreadableChapter(f"{docname}: _toc.yml lists the page, but there is no book/{docname}.md")
    return parse_chapter(docname, path.read_text(encoding="utf-8"))
