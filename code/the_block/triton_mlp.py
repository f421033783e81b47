# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The Block's perceptron as Triton kernels: a norm, and two products that end in what follows them."""

from __future__ import annotations

import numpy as np
import triton
import triton.language as tl

from the_block import triton_rmsnorm
from the_block.triton_interpreter import interpreted as run


@triton.jit
def fused_matmul(
    a, b, x, c, rows, columns, depth, SILU: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """Write silu(a @ b) to `c` where SILU, else x + a @ b.

    `a` is (rows, depth), `b` (depth, columns), `x` and `c` are (rows, columns).
    `columns` and `depth` are multiples of COLUMNS and DEPTH; `rows` is any number.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    k = tl.arange(0, DEPTH)
    inside = (row < rows)[:, None]
    left = a + row[:, None] * depth + k[None, :]
    right = b + k[:, None] * columns + column[None, :]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for _ in range(0, depth, DEPTH):
        part = tl.load(left, mask=inside, other=0.0)
        weights = tl.load(right)
        total = tl.dot(part, weights, total)
        left += DEPTH
        right += DEPTH * columns
    place = row[:, None] * columns + column[None, :]
    if SILU:
        total = total * tl.sigmoid(total)
    else:
        total += tl.load(x + place, mask=inside, other=0.0)
    tl.store(c + place, total.to(c.dtype.element_ty), mask=inside)


def interpreted(
    x: np.ndarray, g: np.ndarray, W1: np.ndarray, W2: np.ndarray, tiles: tuple[int, int, int] = (16, 32, 32)
) -> np.ndarray:
    """The Block's `mlp` by three launches in Triton's interpreter; `tiles` are ROWS, COLUMNS and DEPTH.

    All arrays are of one dtype, float32 or float16.
    """
    normed = triton_rmsnorm.interpreted(x, g)
    hidden = _product(normed, W1, None, tiles)
    return _product(hidden, W2, x, tiles)


def _product(a: np.ndarray, b: np.ndarray, x: np.ndarray | None, tiles: tuple[int, int, int]) -> np.ndarray:
    rows, columns, depth = len(a), b.shape[1], len(b)
    c = np.empty((rows, columns), a.dtype)
    grid = (-(-rows // tiles[0]), columns // tiles[1])
    constants = dict(zip(("ROWS", "COLUMNS", "DEPTH"), tiles, strict=True)) | {"SILU": x is None}
    sizes = {"rows": rows, "columns": columns, "depth": depth}
    return run(fused_matmul, grid, (a, b, c if x is None else x, c), **sizes, **constants)[3]
