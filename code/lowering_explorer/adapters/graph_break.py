"""Reads Dynamo's explanation of a graph break: where the bytecode holds what no graph can."""

from __future__ import annotations

import re

from lowering_explorer.request import Request
from lowering_explorer.stage import Lines

_PLACE = re.compile(r'File "(.+)", line (\d+)')
_GIVEN_UP = "Skipping the function and falling back to eager"


def located(text: str, request: Request) -> tuple[str, tuple[Lines, ...]]:
    """The explanation without the frames of other files, and the source lines that it names."""
    explanation, heading, traceback = text.strip("\n").partition("User code traceback:\n")
    frames = re.split(r"^(?=  File )", traceback, flags=re.MULTILINE)
    own = [frame for frame in frames if f'"{request.source.file}"' in frame]
    kept = f"{explanation}{heading}{''.join(own)}".rstrip("\n") + "\n"
    places = (_PLACE.search(line) for line in kept.splitlines())
    return kept, tuple(request.resolve(place[1], int(place[2])) if place else () for place in places)


def reason(text: str) -> str:
    """The break in Dynamo's words, such as: Data-dependent branching."""
    said = [line for line in text.splitlines() if line.strip() and _GIVEN_UP not in line]
    return said[1].removeprefix("Graph Break Reason: ").strip() if len(said) > 1 else "graph break"


def is_final(text: str) -> bool:
    """Whether Dynamo gave up the whole function instead of ending one graph and starting another."""
    return _GIVEN_UP in text
