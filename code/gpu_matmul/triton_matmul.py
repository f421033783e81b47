# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The product in Triton: from pointers, and from tensor descriptors.

a is (M, K), b is (K, N), c is (M, N), all float16 and row by row in memory; sums are float32. M and N are
multiples of the tile's sides, K of its depth.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def pointer_kernel(a, b, c, N, K, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr):
    """One program makes ROWS x COLUMNS elements of c, DEPTH products at a step."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, K, DEPTH):
        k = start + tl.arange(0, DEPTH)
        left = tl.load(a + row[:, None] * K + k[None, :])
        right = tl.load(b + k[:, None] * N + column[None, :])
        total = tl.dot(left, right, total)
    tl.store(c + row[:, None] * N + column[None, :], total.to(tl.float16))


@triton.jit
def descriptor_kernel(
    a, b, c, K, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr
):  # fmt: skip
    """The same; a, b and c are descriptors of tiles with these sides."""
    row = tl.program_id(0) * ROWS
    column = tl.program_id(1) * COLUMNS
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, K, DEPTH):
        total = tl.dot(a.load([row, start]), b.load([start, column]), total)
    c.store([row, column], total.to(tl.float16))
