"""The functions that an expression may call, lane by lane: arity, and the meaning in numpy.

Every argument and the result have one floating dtype, f32 or f64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Intrinsic:
    """`meaning` takes and gives numpy scalars of one dtype; `accuracy` is that of the C for f32."""

    name: str
    arity: int
    meaning: Callable[..., Any]
    accuracy: str


def gelu(x: Any) -> Any:
    """x * sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3): Hendrycks and Gimpel's tanh form, one exp."""
    one = type(x)(1)
    return x / (one + np.exp(-type(x)(1.5957691216057308) * (x + type(x)(0.044715) * x * x * x)))


def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once where the next wider format holds the product."""
    wide = np.float64 if isinstance(x, np.float32) else np.longdouble
    return type(x)(wide(x) * wide(y) + wide(z))


INTRINSICS = {
    entry.name: entry
    for entry in (
        Intrinsic("exp", 1, np.exp, "2 ulp; below 2**-126 it may give 0"),
        Intrinsic("tanh", 1, np.tanh, "4 ulp"),
        Intrinsic("sigmoid", 1, lambda x: type(x)(1) / (type(x)(1) + np.exp(-x)), "4 ulp"),
        Intrinsic("gelu", 1, gelu, "1e-6 relative, 1e-7 absolute"),
        Intrinsic("sqrt", 1, np.sqrt, "0.5 ulp"),
        Intrinsic("rsqrt", 1, lambda x: type(x)(1) / np.sqrt(x), "2 ulp"),
        Intrinsic("abs", 1, np.abs, "exact"),
        Intrinsic("fma", 3, fma, "0.5 ulp"),
    )
}
