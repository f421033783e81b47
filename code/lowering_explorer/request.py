"""What the process of a capture is asked, and the line that each stage travels in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowering_explorer.function_source import Sent
from lowering_explorer.stage import Lines, Source


class CannotCapture(Exception):
    """An adapter's own refusal: one sentence that says what cannot be done, and what to do instead."""


@dataclass(frozen=True)
class Question:
    """What travels to the process, pickled; `arguments` hold an `Array` for each array."""

    compiler: str
    function: Sent
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What an adapter gets."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]  # an `Array` for each array; see `argument.with_arrays`
    source: Source
    folder: Path  # empty, for dumps and caches; removed after the capture
    keywords: Mapping[str, Any] = field(default_factory=dict)  # constants of a kernel
    options: Mapping[str, Any] = field(default_factory=dict)  # the adapter's own, such as targets

    def resolve(self, file: str, line: int) -> Lines:
        """The place as a line of the function's source, or none.

        Debug formats that keep no folders are compared by the file's name.
        """
        path = Path(self.source.file)
        known = file in (self.source.file, path.name) and line in self.source.lines
        return (line,) if known else ()
