# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""Matrix products of square matrices as Triton kernels, as one would write them first and second in CUDA.

Both compute c = a @ b for float32 matrices of SIZE x SIZE, row by row in memory. SIZE is a multiple of the
tile's sides, so nothing is masked.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def naive_matmul(a, b, c, SIZE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """One program makes ROWS x COLUMNS elements; with as many threads, each thread makes one of them."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for k in range(SIZE):
        left = tl.load(a + row * SIZE + k)
        right = tl.load(b + k * SIZE + column)
        total += left[:, None] * right[None, :]
    tl.store(c + row[:, None] * SIZE + column[None, :], total)


@triton.jit
def tiled_matmul(a, b, c, SIZE: tl.constexpr, TILE: tl.constexpr):
    """One program makes TILE x TILE elements, from tiles of a and b that its threads load together."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    column = tl.program_id(1) * TILE + tl.arange(0, TILE)
    total = tl.zeros((TILE, TILE), tl.float32)
    for start in range(0, SIZE, TILE):
        k = start + tl.arange(0, TILE)
        left = tl.load(a + row[:, None] * SIZE + k[None, :])
        right = tl.load(b + k[:, None] * SIZE + column[None, :])
        total = tl.dot(left, right, total, input_precision="ieee")
    tl.store(c + row[:, None] * SIZE + column[None, :], total)
