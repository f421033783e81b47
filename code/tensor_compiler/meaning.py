"""What each intrinsic means: a function of numpy scalars of one dtype, f32 or f64, that gives another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def gelu(x: Any) -> Any:
    """x * sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3): Hendrycks and Gimpel's tanh form, one exp."""
    one = type(x)(1)
    return x / (one + np.exp(-type(x)(1.5957691216057308) * (x + type(x)(0.044715) * x * x * x)))


def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once where the next wider format holds the product."""
    wide = np.float64 if isinstance(x, np.float32) else np.longdouble
    return type(x)(wide(x) * wide(y) + wide(z))


MEANINGS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs, "gelu": gelu, "fma": fma,
    "sigmoid": lambda x: type(x)(1) / (type(x)(1) + np.exp(-x)), "rsqrt": lambda x: type(x)(1) / np.sqrt(x),
}  # fmt: skip
