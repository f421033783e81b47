"""Gives MyST-NB each page with the outputs of its published execution."""

from __future__ import annotations

from pathlib import Path

import nbformat

from book_build.chapter import parse_chapter
from book_build.publication import read_publication, text_digest
from book_build.store import FOR_TABLES, Store, with_outputs

INSTALL_CELL = """\
# This notebook is a chapter of "AI Compilers: an executable book". It runs in the book's own environment:
#   1. get the book's repository and, in its folder, run: make html
#   2. start Jupyter there with: .venv/bin/pip install jupyterlab && .venv/bin/jupyter lab
import importlib.util

if importlib.util.find_spec("claims") is None:
    raise SystemExit("This kernel is not the book's environment: see the two steps above.")"""


def read_page(text: str, executions: str) -> nbformat.NotebookNode:
    """A notebook for the page `text`: its cells with the outputs that are published for it.

    MyST-NB calls this for every .md file (`nb_custom_formats`); `executions` is the folder of the
    store. The first cell says how to install; it is removed from the page and stays in the
    notebook that the page offers.
    """
    folder = Path(executions)
    digest = text_digest(text)
    entry = next((e for e in read_publication(folder).values() if e.text_digest == digest), None)
    execution = Store(folder).find(entry.docname, entry.key) if entry and entry.key else None
    chapter = parse_chapter(entry.docname if entry else "a page", text)
    notebook = with_outputs(chapter, execution)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for mime_type in FOR_TABLES:
                output.get("data", {}).pop(mime_type, None)
    if chapter.code_cells:
        cell = nbformat.v4.new_code_cell(INSTALL_CELL, metadata={"tags": ["remove-cell"]}, id="install")
        notebook.cells.insert(0, cell)
        notebook.metadata["source_map"] = [0, *notebook.metadata["source_map"]]
    return notebook
