"""Executed chapters on disk.

Each finished execution is one file, `<docname>/<key>.json`, written atomically as soon as
the chapter ends: a build that is killed half-way loses no finished chapter. A failure never
replaces an earlier success.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import nbformat

from book_build.chapter import Chapter, parse_chapter

KEPT = 4  # executions kept per chapter, so that a reverted change finds its outputs again
CLAIM = "application/vnd.ai-compilers-book.claim+json"
PASSPORT = "application/vnd.ai-compilers-book.passport+json"
FOR_TABLES = (CLAIM, PASSPORT)  # what cells publish for the tables that directives make, not for their output


@dataclass(frozen=True)
class Execution:
    """One successful execution of a page, and where it came from."""

    docname: str
    key: str
    date: str  # ISO 8601, UTC, when it began
    seconds: float  # wall clock of the whole page, kernel start included
    cell_seconds: float  # wall clock inside the cells
    machine: str
    versions: dict[str, str]
    flags: dict[str, str]  # environment variables that the executor sets
    text: str  # the page as it was executed
    outputs: list[list[dict[str, Any]]] = field(repr=False)  # per code cell

    @property
    def chapter(self) -> Chapter:
        """The page as it was executed, without outputs."""
        return parse_chapter(self.docname, self.text)

    def claims(self) -> Iterator[dict[str, Any]]:
        """The claims that held, in order: `sentence` and `evidence` of each."""
        return self.published(CLAIM)

    def published(self, mime_type: str) -> Iterator[dict[str, Any]]:
        """What the cells published as `mime_type`, in order."""
        for outputs in self.outputs:
            for output in outputs:
                if mime_type in output.get("data", {}):
                    yield output["data"][mime_type]


class Store:
    """The executions below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, docname: str, key: str) -> Execution | None:
        """The stored execution of exactly this key."""
        return self._load(self._path(docname, key))

    def last_good(self, docname: str) -> Execution | None:
        """The newest successful execution of the page, whatever its key."""
        for path in reversed(self._paths(docname)):
            if (execution := self._load(path)) is not None:
                return execution
        return None

    def save(self, execution: Execution) -> None:
        """Store an execution and forget the oldest ones beyond those kept."""
        write_atomically(self._path(execution.docname, execution.key), json.dumps(asdict(execution)))
        for path in self._paths(execution.docname)[:-KEPT]:
            path.unlink()

    def touch(self, execution: Execution) -> None:
        """Mark a stored execution as the newest: it is the one in use."""
        self._path(execution.docname, execution.key).touch()

    def _path(self, docname: str, key: str) -> Path:
        return self.folder / docname / f"{key}.json"

    def _paths(self, docname: str) -> list[Path]:
        return sorted((self.folder / docname).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)

    def _load(self, path: Path) -> Execution | None:
        try:
            return Execution(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None  # absent, torn or of an older format: execute again


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees the old text or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)


def with_outputs(chapter: Chapter, execution: Execution | None) -> nbformat.NotebookNode:
    """The chapter's notebook with the outputs of one of its executions (none: no outputs)."""
    notebook = cast(nbformat.NotebookNode, nbformat.from_dict(chapter.notebook))
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = execution.outputs if execution else [[] for _ in code_cells]
    for number, (cell, cell_outputs) in enumerate(zip(code_cells, outputs, strict=True), start=1):
        cell.outputs = [nbformat.from_dict(output) for output in cell_outputs]
        cell.execution_count = number if execution else None
    return notebook
