# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The first product of the Block's perceptron with tensor descriptors: tiles by place, not by address."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor


@triton.jit
def described_matmul(
    a, b, c, depth, SPECIALIZE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """Write silu(a @ b) to `c`; the three are descriptors with tiles of these sides.

    A tile that reaches over the edge of its matrix is filled with zeros, and is
    stored up to the edge.
    """
    row = tl.program_id(0) * ROWS
    column = tl.program_id(1) * COLUMNS
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for k in tl.range(0, depth, DEPTH, warp_specialize=SPECIALIZE):
        part = a.load([row, k])
        weights = b.load([k, column])
        total = tl.dot(part, weights, total)
    total = total * tl.sigmoid(total)
    c.store([row, column], total.to(c.dtype))


@triton.jit
def describing_matmul(
    a, b, c, rows, columns, depth, SPECIALIZE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """The same from pointers: the kernel writes the three descriptors before it uses them."""
    described_matmul(
        tl.make_tensor_descriptor(a, [rows, depth], [depth, 1], [ROWS, DEPTH]),
        tl.make_tensor_descriptor(b, [depth, columns], [columns, 1], [DEPTH, COLUMNS]),
        tl.make_tensor_descriptor(c, [rows, columns], [columns, 1], [ROWS, COLUMNS]),
        depth, SPECIALIZE, ROWS, COLUMNS, DEPTH,
    )  # fmt: skip


def descriptor(rows: int, columns: int, tile: tuple[int, int]) -> Any:
    """A descriptor of a float16 matrix that has no memory: an argument to compile `described_matmul` for."""
    matrix = torch.empty((rows, columns), dtype=torch.float16, device="meta")
    return TensorDescriptor.from_tensor(matrix, list(tile))
