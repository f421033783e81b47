r"""How far a result may lie from the oracle, from a model of its rounding errors.

Every operation rounds: its result is the exact one times (1 + d) with abs(d) <= u, the unit roundoff
of the dtype. A sum of n terms makes n such errors. Bounded one by one they could add up to n u; errors
of random sign, which is the usual case, add up like a random walk, to about sqrt(n) u. The model:

* accumulation: sums and contractions are accumulated in float32 at least (every compiler of the book
  does so for narrower types), n terms along the longest path through the function;
* storage: each of the m tensors along that path is rounded once to the dtype of the result;
* the error of an element, relative to the largest element, is then about
  sqrt(n) u_float32 + sqrt(m) u_dtype; the tolerance is SAFETY times that, so that different orders of
  the same sums pass and a wrong formula does not.

The model assumes that no operation magnifies the errors of its inputs by much: true for the Block,
whose scores and activations stay near 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from the_block.oracle import oracle
from the_block.sizes import Size

# Half the distance between 1 and the next number: 2 to the minus number of significand bits.
UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
SAFETY = 4.0

# Tensors that are stored along the longest path: x*x, mean, root, quotient, product for a norm, and so on.
_STORED = {"rmsnorm": 5, "attention": 15, "mlp": 12, "block": 27}


def summed_terms(function: str, size: Size) -> int:
    """Terms of all sums along the longest path through one of the Block's functions."""
    norm = size.width
    attention = norm + size.width + size.width + size.tokens + size.tokens + size.width
    mlp = norm + size.width + size.hidden
    return {"rmsnorm": norm, "attention": attention, "mlp": mlp, "block": attention + mlp}[function]


def relative_tolerance(function: Callable[..., Any] | str, size: Size, dtype: str) -> float:
    """The largest error that passes, relative to the largest element of the oracle's result."""
    name = function if isinstance(function, str) else function.__name__
    if dtype not in UNIT_ROUNDOFF:
        raise ValueError(f"no tolerance for {dtype}; the known dtypes are {', '.join(UNIT_ROUNDOFF)}")
    accumulation = UNIT_ROUNDOFF["float64" if dtype == "float64" else "float32"]
    error = (
        math.sqrt(summed_terms(name, size)) * accumulation + math.sqrt(_STORED[name]) * UNIT_ROUNDOFF[dtype]
    )
    return SAFETY * error


def check(
    function: Callable[..., Any] | str, result: Any, arrays: list[Any], dtype: str = "float32"
) -> float:
    """Compare `result` with the oracle at `arrays` (NumPy, JAX or PyTorch on the CPU).

    Returns the largest error relative to the largest element of the oracle's result. Raises
    AssertionError that names the worst element, its error and the tolerance, or the wrong shape.
    """
    name = function if isinstance(function, str) else function.__name__
    expected = oracle(name, *(_float64(array) for array in arrays))
    found = _float64(result)
    if found.shape != expected.shape:
        raise AssertionError(f"{name}: the result has the shape {found.shape}, the oracle {expected.shape}")
    hidden = next((a.shape[1] for a in arrays if len(a.shape) == 2 and a.shape[1] != expected.shape[1]), 0)
    tolerance = relative_tolerance(name, Size(expected.shape[0], expected.shape[1], hidden), dtype)
    scale = float(np.abs(expected).max())
    errors = np.where(np.isfinite(found), np.abs(found - expected) / scale, np.inf)
    worst = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
    if errors[worst] > tolerance:
        raise AssertionError(
            f"{name}: element {list(worst)} is {found[worst]:.8g}, the oracle says {expected[worst]:.8g}; "
            f"relative to the largest element the error is {errors[worst]:.2e}, "
            f"the tolerance for {dtype} {tolerance:.2e}"
        )
    return float(errors[worst])


def _float64(array: Any) -> np.ndarray:
    """A float64 copy of an array of any framework; NumPy has no bfloat16, so PyTorch widens its own."""
    if hasattr(array, "detach"):
        array = array.detach().double()
    return np.asarray(array).astype(np.float64)
