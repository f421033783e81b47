# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""A product of bfloat16 tiles, which Triton's interpreter gets wrong, and the same one widened first."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def bfloat16_matmul(a, b, c, SIZE: tl.constexpr, WIDEN: tl.constexpr):
    """Round `a` and `b` to bfloat16 and write their product to `c`.

    All are float32 and SIZE x SIZE, one tile.
    """
    row = tl.arange(0, SIZE)[:, None]
    column = tl.arange(0, SIZE)[None, :]
    place = row * SIZE + column
    left = tl.load(a + place).to(tl.bfloat16)
    right = tl.load(b + place).to(tl.bfloat16)
    if WIDEN:
        left = left.to(tl.float32)
        right = right.to(tl.float32)
    tl.store(c + place, tl.dot(left, right))
