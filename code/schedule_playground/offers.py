"""The primitives that a reader may choose, and what each asks for, in the order of a form."""

from __future__ import annotations

from typing import get_args

from tensor_compiler.primitives.split import Tail

OFFERS: dict[str, tuple[str, ...]] = {
    "split": ("loop", "factor", "tail"),
    "reorder": ("loops",),
    "fuse": ("outer", "inner"),
    "unroll": ("loop",),
    "vectorize": ("loop",),
    "parallel": ("loop",),
    "decompose_reduction": ("loop", "at"),
    "rfactor": ("loop", "factor"),
    "merge": ("first", "second"),
    "cache_read": ("buffer", "loop", "scope"),
    "cache_write": ("buffer", "loop", "scope"),
}

CHOICES: dict[str, tuple[str, ...]] = {
    "tail": get_args(Tail),
    "scope": ("scratch", "stack", "registers"),
}


def kind(argument: str) -> str:
    """What a form shows for an argument: a choice, a number, a buffer, one loop or several."""
    kinds = {"factor": "number", "buffer": "buffer", "loops": "loops"}
    return "choice" if argument in CHOICES else kinds.get(argument, "loop")
