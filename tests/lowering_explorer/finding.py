"""Finds what a test asserts on: a stage by the start of its name, a line of a function by its text."""

from __future__ import annotations

import inspect
from typing import Any

from lowering_explorer import Capture, Stage
from lowering_explorer.function_source import plain


def only(capture: Capture, start: str) -> Stage:
    """The one stage whose name starts so."""
    (stage,) = (stage for stage in capture if stage.name.startswith(start))
    return stage


def line_of(function: Any, text: str) -> int:
    """The number, in its file, of the first line of the function that holds the text."""
    lines, first = inspect.getsourcelines(plain(function))
    return first + next(number for number, line in enumerate(lines) if text in line)
