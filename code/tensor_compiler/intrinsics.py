"""The functions that an expression may call, lane by lane, which `meaning` holds, and what operators do.

Every argument and the result have one floating dtype, f32 or f64.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Intrinsic:
    """`accuracy` is that of the C for f32."""

    name: str
    arity: int
    accuracy: str


INTRINSICS = {
    entry.name: entry for entry in (
        Intrinsic("exp", 1, "2 ulp; below 2**-126 it may give 0"),
        Intrinsic("tanh", 1, "4 ulp"),
        Intrinsic("sigmoid", 1, "4 ulp"),
        Intrinsic("gelu", 1, "1e-6 relative, 1e-7 absolute"),
        Intrinsic("sqrt", 1, "0.5 ulp"),
        Intrinsic("rsqrt", 1, "2 ulp"),
        Intrinsic("abs", 1, "exact"),
        Intrinsic("fma", 3, "0.5 ulp"),
    )
}  # fmt: skip

NEGATED: dict[str, str] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
    "max": lambda a, b: a if a > b else b, "min": lambda a, b: a if a < b else b,
    "and": lambda a, b: a and b, "or": lambda a, b: a or b,
}  # fmt: skip
