# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The Block's norm as a Triton kernel: one program per row, one tile per program."""

from __future__ import annotations

import numpy as np
import triton
import triton.language as tl

from the_block.block import EPSILON
from the_block.triton_interpreter import interpreted as run

SMALLEST = tl.constexpr(EPSILON)


@triton.jit
def rmsnorm_kernel(x, g, y, width, TILE: tl.constexpr):
    """Write the norm of one row of `x` to `y`.

    `TILE` is a power of two, at least `width`.
    """
    row = tl.program_id(0)
    column = tl.arange(0, TILE)
    inside = column < width
    values = tl.load(x + row * width + column, mask=inside, other=0.0)
    mean = tl.sum(values * values) / width
    unit = values / tl.sqrt(mean + SMALLEST)
    scale = tl.load(g + column, mask=inside, other=0.0)
    scaled = unit * scale
    tl.store(y + row * width + column, scaled, mask=inside)


def interpreted(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The kernel on all rows of `x`, of shape (tokens, width) and float32, in Triton's interpreter."""
    tokens, width = x.shape
    tile = triton.next_power_of_2(width)
    return run(rmsnorm_kernel, (tokens,), (x, g, np.empty_like(x)), width=width, TILE=tile)[2]
