"""What the process of a capture is asked, and the line that each stage travels in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowering_explorer.argument import Array, with_arrays
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

    def arrays(self) -> list[Array]:
        """The arrays among the arguments, in order."""
        found: list[Array] = []
        with_arrays((self.arguments, dict(self.keywords)), found.append)
        return found

    def of_arrays(self) -> Callable[..., Any]:
        """The function of its arrays alone; its other arguments are constants, as they are for a kernel."""
        if not self.keywords and all(isinstance(argument, Array) for argument in self.arguments):
            return self.function  # a trace then knows the names of its parameters

        def function(*arrays: Any) -> Any:
            remaining = iter(arrays)
            arguments, keywords = with_arrays(
                (self.arguments, dict(self.keywords)), lambda array: next(remaining)
            )
            return self.function(*arguments, **keywords)

        function.__name__ = getattr(self.function, "__name__", "function")
        return function

    def resolve(self, file: str, line: int) -> Lines:
        """The place as a line of the function's source, or none.

        Debug formats that keep no folders are compared by the file's name.
        """
        path = Path(self.source.file)
        known = file in (self.source.file, path.name) and line in self.source.lines
        return (line,) if known else ()
