"""The perceptron's kernels equal the oracle, and their neighbours in memory stay as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from the_block import S, Size, arguments, check, mlp
from the_block.triton_bfloat16 import bfloat16_matmul
from the_block.triton_descriptors import describing_matmul
from the_block.triton_interpreter import interpreted as run
from the_block.triton_mlp import fused_matmul, interpreted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", [S, Size(tokens=19, width=32, hidden=64)])
def test_the_perceptron_equals_the_oracle(size: Size) -> None:
    arrays = arguments(mlp, size)
    assert check(mlp, interpreted(*arrays), arrays) < 1e-6


def test_the_perceptron_in_float16() -> None:
    arrays = [array.astype(np.float16) for array in arguments(mlp, S)]
    result = interpreted(*arrays)
    assert result.dtype == np.float16
    check(mlp, result, arrays, "float16")


def matrices(rows: int) -> list[np.ndarray]:
    random = np.random.default_rng(rows)
    shapes = ((rows, 64), (64, 32), (rows, 32))
    return [random.integers(-3, 4, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("rows", [16, 5, 33])
def test_rows_beyond_the_last_are_neither_read_nor_written(rows: int) -> None:
    a, b, x = matrices(rows)
    padded = [np.vstack([array, np.full((48, array.shape[1]), np.nan, np.float32)]) for array in (a, x)]
    c = np.full_like(padded[1], 7)
    constants = {"SILU": False, "ROWS": 16, "COLUMNS": 32, "DEPTH": 32}
    sizes = {"rows": rows, "columns": 32, "depth": 64}
    result = run(fused_matmul, (-(-rows // 16), 1), (padded[0], b, padded[1], c), **sizes, **constants)[3]
    assert np.array_equal(result[:rows], x + a @ b)  # integers this small are added exactly
    assert (result[rows:] == 7).all()


@pytest.mark.parametrize("specialize", [False, True])
def test_descriptors_give_the_same_also_over_the_edge(specialize: bool) -> None:
    a, b, c = matrices(20)
    sizes = {"rows": 20, "columns": 32, "depth": 64, "ROWS": 16, "COLUMNS": 32, "DEPTH": 32}
    result = run(describing_matmul, (2, 1), (a, b, np.zeros_like(c)), **sizes, SPECIALIZE=specialize)[2]
    h = (a @ b).astype(np.float64)
    assert np.abs(result - h / (1 + np.exp(-h))).max() < 1e-5


@pytest.mark.parametrize(("widen", "right"), [(True, True), (False, False)])
def test_the_interpreter_multiplies_bfloat16_only_when_it_is_widened(widen: Any, right: bool) -> None:
    a, b = np.random.default_rng(0).integers(-2, 3, (2, 16, 16)).astype(np.float32)
    c = run(bfloat16_matmul, (1,), [a, b, np.zeros_like(a)], SIZE=16, WIDEN=widen)[2]
    assert np.array_equal(c, a @ b) == right
