"""A playground's questions and answers as JSON."""

from __future__ import annotations

import json
from typing import Any

from schedule_playground.play import Attempt, play
from tensor_compiler.schedule import Step
from tensor_compiler.statement import Allocate, For
from tensor_compiler.traversal import walk


def answer(question: str) -> str:
    """What `{"program", "steps": [{"primitive", "arguments"}]}` leads to.

    The answer holds `attempts`, the program before any step first, and the names of the loops and buffers
    that a next step may take.
    """
    asked = json.loads(question)
    attempts, function = play(asked["program"], [Step(**step) for step in asked["steps"]])
    inside = [each for _, each in walk(function)]
    buffers = [*function.buffers, *(each.buffer for each in inside if isinstance(each, Allocate))]
    return json.dumps(
        {
            "attempts": [as_data(attempt) for attempt in attempts],
            "loops": [each.name for each in inside if isinstance(each, For)],
            "buffers": [buffer.name for buffer in buffers],
        }
    )


def as_data(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON has it. `misses` is null where there is no simulation."""
    traffic, refusal = attempt.traffic, attempt.refusal
    return {
        "step": str(attempt.step) if attempt.step else None,
        "lines": attempt.lines,
        "c": attempt.c,
        "accesses": traffic.touches.total() if traffic else None,
        "misses": traffic.misses[0] if traffic else None,
        "refusal": {"reason": refusal.reason, "hint": refusal.hint} if refusal else None,
    }
