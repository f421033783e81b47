"""The chapters of the book, and where its pages are built."""

from __future__ import annotations

from pathlib import Path

import pytest

from book_build.chapter import read_chapter
from book_build.layout import Layout

LAYOUT = Layout(Path(__file__).resolve().parents[2])
DOCNAMES = LAYOUT.docnames()
CHAPTERS = [name for name in DOCNAMES if read_chapter(LAYOUT.book, name).is_chapter]


def built(name: str, verb: str) -> Path:
    """A path below _build, which `verb` makes; its absence fails the test with what to do."""
    path = LAYOUT.build / name
    if not path.exists():
        pytest.fail(f"_build/{name} is not there: run `{verb}` first", pytrace=False)
    return path
