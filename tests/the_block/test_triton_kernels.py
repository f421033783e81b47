"""The Triton kernels of the prerequisites compute what they say, in Triton's interpreter."""

from __future__ import annotations

import subprocess
from typing import Any

import numpy as np
import pytest

from the_block.triton_copy import copy_kernel
from the_block.triton_interpreter import interpreted
from the_block.triton_matmul import naive_matmul, tiled_matmul


@pytest.mark.parametrize(("stride", "size"), [(1, 32), (3, 33), (8, 5)])
def test_the_copy_takes_every_stride_th_element_and_writes_no_other(stride: int, size: int) -> None:
    x = np.arange(stride * size, dtype=np.float32)
    y = np.full(64, -1, np.float32)
    left, copied = interpreted(copy_kernel, [-(-size // 16)], [x, y], size=size, STRIDE=stride, TILE=16)
    assert np.array_equal(left, x)
    assert np.array_equal(copied[:size], x[::stride])
    assert (copied[size:] == -1).all()


@pytest.mark.parametrize(
    ("kernel", "grid", "constants"),
    [(naive_matmul, [8, 2], {"ROWS": 4, "COLUMNS": 16}), (tiled_matmul, [2, 2], {"TILE": 16})],
)
def test_the_products_are_products(kernel: Any, grid: list[int], constants: dict[str, int]) -> None:
    random = np.random.default_rng(0)
    a, b = (random.integers(-8, 9, (32, 32)).astype(np.float32) for _ in "ab")
    c = interpreted(kernel, grid, [a, b, np.full_like(a, np.nan)], SIZE=32, **constants)[2]
    assert np.array_equal(c, a @ b)  # integers this small are added exactly, in any order


def test_a_kernel_that_does_not_run_is_an_error() -> None:
    x = np.zeros(4, np.float32)
    with pytest.raises(subprocess.CalledProcessError):
        interpreted(copy_kernel, [1], [x, x], size=4, STRIDE=1, TILE=3)  # no power of two
