"""Running a program before and after a rewrite on the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tensor_compiler import Function, interpret
from tensor_compiler.affine import evaluate

REWRITES = Path(__file__).with_name("rewrites")
SIZES = (7, 0, 1, 8)  # what a symbolic size is, in turn

Arrays = list[np.ndarray[Any, Any]]


def inputs(function: Function, seed: int = 0, size: int = SIZES[0]) -> Arrays:
    """An array for each buffer: small integers, floats between -2 and 2; each symbolic size is `size`."""
    random = np.random.default_rng(seed)
    sizes = {each.name: size for each in function.sizes}
    arrays: Arrays = []
    for buffer in function.buffers:
        shape = [evaluate(extent, sizes) for extent in buffer.shape]
        dtype = np.dtype(buffer.dtype.storage)
        if buffer.dtype.is_float:
            arrays.append(random.uniform(-2, 2, shape).astype(dtype))
        else:
            arrays.append(random.integers(0, 16, shape).astype(dtype))
    return arrays


def interpreted(function: Function, given: Arrays, seed: int = 0) -> Arrays:
    """The arrays after a run with parallel loops in an order drawn from `seed`; races are errors."""
    arrays = [array.copy() for array in given]
    interpret(function, *arrays, seed=seed, races=True)
    return arrays


def assert_same(one: Arrays, other: Arrays, exact: bool) -> None:
    """The arrays are equal, to the bit if `exact`, else up to a change of order in sums."""
    for first, second in zip(one, other, strict=True):
        if exact or not np.issubdtype(first.dtype, np.floating):
            np.testing.assert_array_equal(first, second)
        else:
            np.testing.assert_allclose(first, second, rtol=2e-5, atol=2e-5)
