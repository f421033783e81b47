"""Deterministic inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from the_block.sizes import Size

SHAPES: dict[str, Callable[[Size], tuple[int, ...]]] = {
    "x": lambda size: (size.tokens, size.width),
    "g": lambda size: (size.width,),
    "g1": lambda size: (size.width,),
    "g2": lambda size: (size.width,),
    "Wq": lambda size: (size.width, size.width),
    "Wk": lambda size: (size.width, size.width),
    "Wv": lambda size: (size.width, size.width),
    "Wo": lambda size: (size.width, size.width),
    "W1": lambda size: (size.width, size.hidden),
    "W2": lambda size: (size.hidden, size.width),
}

PARAMETERS = {
    "rmsnorm": ("x", "g"),
    "attention": ("x", "g", "Wq", "Wk", "Wv", "Wo"),
    "mlp": ("x", "g", "W1", "W2"),
    "block": ("x", "g1", "Wq", "Wk", "Wv", "Wo", "g2", "W1", "W2"),
}


def arguments(function: Callable[..., Any] | str, size: Size, seed: int = 0) -> list[np.ndarray]:
    """NumPy float32 arguments for one of the Block's functions, the same in every process.

    `x` and the weights are normal; weights are divided by the square root of their input width, so that
    activations stay near 1; the norms' scales are near 1 without being 1. Raises ValueError for a
    function that is none of the Block's.
    """
    name = function if isinstance(function, str) else function.__name__
    if name not in PARAMETERS:
        raise ValueError(f"{name} is no function of the Block; choose one of {', '.join(PARAMETERS)}")
    random = np.random.default_rng(seed)
    values = []
    for parameter in PARAMETERS[name]:
        value = random.standard_normal(SHAPES[parameter](size))
        if parameter.startswith("W"):
            value /= np.sqrt(value.shape[0])
        elif parameter.startswith("g"):
            value = 1 + 0.1 * value
        values.append(value.astype(np.float32))
    return values
