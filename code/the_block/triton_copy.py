# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""A copy as a Triton kernel, of neighbouring elements or of elements with gaps between them."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def copy_kernel(x, y, size, STRIDE: tl.constexpr, TILE: tl.constexpr):
    """Write x[0], x[STRIDE], x[2 * STRIDE] and so on to y[0] to y[size - 1], TILE of them per program."""
    place = tl.program_id(0) * TILE + tl.arange(0, TILE)
    inside = place < size
    values = tl.load(x + place * STRIDE, mask=inside)
    tl.store(y + place, values, mask=inside)
