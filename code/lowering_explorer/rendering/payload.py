"""All stages of a lowering in one compressed string, as the script of the page reads it.

Stages repeat each other, so each distinct line is held once and a stage is a list of runs of lines. What
Pygments found in a line is held beside it; the browser does no analysis of its own.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Generic, TypeVar

from lowering_explorer.adapters import ADAPTERS
from lowering_explorer.rendering.highlighting import styled_lines
from lowering_explorer.rendering.plain import TOTALS
from lowering_explorer.stage import Capture, Lines, Lowering, Stage

T = TypeVar("T")


class _Table(Generic[T]):
    """Distinct values and their numbers."""

    def __init__(self) -> None:
        self.numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def values(self) -> list[T]:
        return list(self.numbers)


class _Tables:
    """The lines, their styles and the source lines that all stages of a lowering share."""

    def __init__(self) -> None:
        self.lines: _Table[tuple[str, int]] = _Table()
        self.styles: _Table[str] = _Table()
        self.origins: _Table[Lines] = _Table()

    def rows(self, language: str, text: str) -> list[int]:
        """The text as runs of lines: first number, length, first number, length, ..."""
        numbers = [
            self.lines.number((line, self.styles.number(style)))
            for line, style in styled_lines(language, text)
        ]
        runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
        return _flat((run[0][1], len(run)) for run in (list(group) for _, group in runs))

    def from_source(self, stage: Stage) -> list[int]:
        """The source lines of the text's lines as runs: number of the tuple, length, ..."""
        numbers = [self.origins.number(lines) for lines in stage.source_lines]
        return _flat((number, len(list(run))) for number, run in groupby(numbers))


def payload(lowering: Lowering) -> str:
    """The lowering as base64 of raw DEFLATE of JSON in UTF-8; the same bytes for the same lowering."""
    tables = _Tables()
    data: dict[str, Any] = {
        "function": lowering.function,
        "arguments": lowering.arguments,
        "machine": lowering.machine,
        "source": {
            "file": lowering.source.file,
            "numbers": list(lowering.source.lines),
            "rows": tables.rows("python", "".join(f"{line}\n" for line in lowering.source.lines.values())),
        },
        "captures": [_capture(capture, tables) for capture in lowering],
    }
    lines = tables.lines.values()
    data |= {
        "lines": "\n".join(line for line, _ in lines),
        "lineStyles": [style for _, style in lines],
        "styles": tables.styles.values(),
        "origins": tables.origins.values(),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(text) + packer.flush()).decode("ascii")


def _capture(capture: Capture, tables: _Tables) -> dict[str, Any]:
    known = {stage.name: index for index, stage in enumerate(capture)}
    return {
        "compiler": capture.compiler,
        "title": title(capture.compiler),
        "version": capture.version,
        "problem": capture.problem,
        "flags": dict(capture.flags),
        "seconds": capture.seconds,
        "megabytes": capture.megabytes,
        "stages": [
            {
                "name": stage.name,
                "level": stage.level,
                "language": stage.language,
                "note": stage.note,
                "parent": known.get(stage.parent, -1),
                "counts": dict(sorted(stage.counts.items(), key=_totals_first)),
                "rows": tables.rows(stage.language, stage.text),
                "origins": tables.from_source(stage),
            }
            for stage in capture
        ],
    }


def _totals_first(count: tuple[str, int]) -> tuple[bool, str]:
    return count[0] not in TOTALS, count[0]


def title(compiler: str) -> str:
    """What a reader calls the compiler."""
    return ADAPTERS[compiler].title if compiler in ADAPTERS else compiler


def _flat(pairs: Iterable[tuple[int, int]]) -> list[int]:
    return [number for pair in pairs for number in pair]
