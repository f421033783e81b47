"""The Block in float64, computed by other means than `the_block.block`.

Each query takes only the keys it may see, one query at a time, so there is no mask to get wrong; sums
of squares and of weights are accumulated by `math.fsum`, which rounds once. An error in the shared
source is therefore not repeated here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from the_block.block import EPSILON

Float64 = NDArray[np.float64]


def oracle(function: Callable[..., Any] | str, *arrays: Any) -> Float64:
    """The float64 value of one of the Block's functions at `arrays`, which are widened first.

    Raises ValueError for a function that is none of the Block's.
    """
    name = function if isinstance(function, str) else function.__name__
    if name not in _ORACLES:
        raise ValueError(f"{name} is no function of the Block; choose one of {', '.join(_ORACLES)}")
    return _ORACLES[name](*(np.asarray(array, dtype=np.float64) for array in arrays))


def _rmsnorm(x: Float64, g: Float64) -> Float64:
    rows = []
    for row in x:
        root_mean_square = math.sqrt(math.fsum(value * value for value in row) / len(row) + EPSILON)
        rows.append(g * row / root_mean_square)
    return np.array(rows)


def _attention(x: Float64, g: Float64, Wq: Float64, Wk: Float64, Wv: Float64, Wo: Float64) -> Float64:
    h = _rmsnorm(x, g)
    keys, values = np.einsum("tw,wd->td", h, Wk), np.einsum("tw,wd->td", h, Wv)
    rows = []
    for position, row in enumerate(h):
        query = np.einsum("w,wd->d", row, Wq)
        scores = np.einsum("d,td->t", query, keys[: position + 1]) / math.sqrt(x.shape[1])
        weights = [math.exp(score - scores.max()) for score in scores]
        read = np.einsum("t,td->d", np.array(weights) / math.fsum(weights), values[: position + 1])
        rows.append(x[position] + np.einsum("d,dw->w", read, Wo))
    return np.array(rows)


def _mlp(x: Float64, g: Float64, W1: Float64, W2: Float64) -> Float64:
    h = np.einsum("tw,wh->th", _rmsnorm(x, g), W1)
    silu = h * 0.5 * (1 + np.tanh(h / 2))  # the logistic function is (1 + tanh(h / 2)) / 2
    return np.asarray(x + np.einsum("th,hw->tw", silu, W2))


def _block(x: Float64, *parameters: Float64) -> Float64:
    return _mlp(_attention(x, *parameters[:5]), *parameters[5:])


_ORACLES: dict[str, Callable[..., Float64]] = {
    "rmsnorm": _rmsnorm,
    "attention": _attention,
    "mlp": _mlp,
    "block": _block,
}
