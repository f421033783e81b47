"""A stage, or chosen lines of it, in a chapter: highlighted on a page and in print, plain for `print`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

from pygments.formatters import HtmlFormatter, LatexFormatter
from pygments.token import Comment, Text

from lowering_explorer.rendering.highlighting import Token, token_lines
from lowering_explorer.rendering.latex import TEXT
from lowering_explorer.stage import Stage

LEFT_OUT = "⋯"


@dataclass(frozen=True)
class Excerpt:
    """Lines of a stage, counted from 0 and in order; what lies between them is shown as an ellipsis.

    The indentation that all of them share is left out.
    """

    stage: Stage
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return "\n".join("".join(value for _, value in line) for line in self._lines()) + "\n"

    def _lines(self) -> list[list[Token]]:
        whole = list(token_lines(self.stage.language, self.stage.text))
        kept = ["".join(value for _, value in whole[number]) for number in self.numbers]
        shared = min((len(line) - len(line.lstrip()) for line in kept if line.strip()), default=0)
        shown: list[list[Token]] = []
        before = -1
        for number in (*self.numbers, len(whole)):
            if number > before + 1:
                shown.append([(Comment, LEFT_OUT)])
            if number < len(whole):
                shown.append(_without(whole[number], shared))
            before = number
        return shown

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        tokens = [token for line in self._lines() for token in (*line, (Text, "\n"))]
        inner = _formatted(HtmlFormatter(nowrap=True), tokens)
        label = escape(self.stage.name)
        return {
            "text/html": f'<div class="highlight"><pre tabindex="0" role="group" aria-label="{label}">'
            f"{inner}</pre></div>",
            "text/latex": _verbatim(tokens),
            "text/plain": str(self),
        }


def whole(stage: Stage) -> Excerpt:
    """All lines of a stage."""
    return Excerpt(stage, tuple(range(len(stage.text.splitlines()))))


def between(stage: Stage, first: int, last: int) -> Excerpt:
    """The lines `first` to `last`, counted from 1, both included. Raises ValueError where there are none."""
    length = len(stage.text.splitlines())
    if not 1 <= first <= last <= length:
        raise ValueError(f"stage {stage.name!r} has lines 1 to {length}, not {first} to {last}")
    return Excerpt(stage, tuple(range(first - 1, last)))


def matching(stage: Stage, pattern: str, context: int) -> Excerpt:
    """The lines in which a regular expression is found, and `context` lines around each.

    Raises ValueError where it is found in none.
    """
    lines = stage.text.splitlines()
    found = [number for number, line in enumerate(lines) if re.search(pattern, line)]
    if not found:
        raise ValueError(f"no line of stage {stage.name!r} matches {pattern!r}")
    around = {near for number in found for near in range(number - context, number + context + 1)}
    return Excerpt(stage, tuple(sorted(number for number in around if 0 <= number < len(lines))))


def _without(line: list[Token], characters: int) -> list[Token]:
    """The line without its first characters."""
    kept: list[Token] = []
    for kind, value in line:
        kept.append((kind, value[characters:]))
        characters = max(0, characters - len(value))
    return [token for token in kept if token[1]]


def _verbatim(tokens: Iterable[Token]) -> str:
    """The environment in which Sphinx sets code: it wraps long lines and knows Pygments' commands."""
    text = _formatted(LatexFormatter(nowrap=True, commandprefix="PYG"), tokens)
    return TEXT + "\\begin{sphinxVerbatim}[commandchars=\\\\\\{\\}]\n" + text + "\\end{sphinxVerbatim}\n"


def _formatted(formatter: Any, tokens: Iterable[Token]) -> str:
    out = StringIO()
    formatter.format(tokens, out)
    return out.getvalue()
