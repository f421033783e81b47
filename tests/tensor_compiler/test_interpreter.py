"""The interpreter against numpy, and what it refuses."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tensor_compiler.programs import arrays_for, programs
from tests.tensor_compiler.test_text import MATMUL

from tensor_compiler import Function, parse
from tensor_compiler.dtype import DTYPES, DType, bf16, f16, f32, f64, round_to_bf16
from tensor_compiler.interpreter import ExecutionError, interpret

random = np.random.default_rng(0)


def floats(*shape: int) -> Any:
    return random.standard_normal(shape).astype(np.float32)


def test_matmul_is_numpys_to_the_bit_in_the_same_order() -> None:
    A, B, C = floats(4, 8), floats(8, 16), np.empty((4, 16), np.float32)
    wanted = np.zeros((4, 16), np.float32)
    for k in range(8):
        wanted += A[:, k, None] * B[k]
    interpret(parse(MATMUL), A, B, C, uninitialised=("C",), races=True)
    np.testing.assert_array_equal(C, wanted)


def test_softmax_is_numpys() -> None:
    function = parse("""
def softmax(n: s64, X: f32[n, 7], Y: f32[n, 7]):
    for i in parallel(n):
        peak = registers(f32[1])
        total = registers(f32[1])
        peak[0] = -inf
        total[0] = 0
        for j in serial(7):
            peak[0] = max(peak[0], X[i, j])
        for j1 in serial(7):
            Y[i, j1] = exp(X[i, j1] - peak[0])
            total[0] += Y[i, j1]
        inverse = 1 / total[0]
        for j2 in vectorized(7):
            Y[i, j2]: non_temporal = Y[i, j2] * inverse
""")
    X, Y = floats(3, 7), np.empty((3, 7), np.float32)
    interpret(function, X, Y, uninitialised=("Y",), races=True, seed=3)
    wanted = np.exp(X - X.max(1, keepdims=True))
    np.testing.assert_allclose(Y, wanted / wanted.sum(1, keepdims=True), rtol=1e-6)


@given(st.floats(width=32))
def test_bf16_rounds_as_ml_dtypes_does(value: float) -> None:
    with np.errstate(all="ignore"):
        wanted = np.float32(value).astype(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(round_to_bf16(value), wanted)
    assert bf16.canonical(1.00390625) == 1.0  # a tie goes to even
    assert f32.canonical(1e60) == float("inf")


@given(st.floats())
def test_a_number_has_the_value_and_the_digits_that_numpy_gives_it(value: float) -> None:
    for dtype in (f64, f32, f16):
        with np.errstate(all="ignore"):
            wanted = np.dtype(dtype.storage).type(value)
        kept = dtype.canonical(value)
        np.testing.assert_array_equal(kept, float(wanted))
        if np.isfinite(wanted):
            assert len(dtype.digits(kept)) <= len(repr(kept))
            np.testing.assert_array_equal(np.dtype(dtype.storage).type(dtype.digits(kept)), wanted)
    single = f32.canonical(value)
    if np.isfinite(single):
        shortest = np.format_float_scientific(np.float32(single), unique=True)
        assert len(significant(f32.digits(single))) <= len(significant(shortest))


def significant(text: str) -> str:
    """The digits of a number without its sign, point, exponent and zeros at the ends."""
    return text.partition("e")[0].replace("-", "").replace(".", "").strip("0")


@pytest.mark.parametrize("dtype", [each for each in DTYPES.values() if each.name not in ("bool", "bf16")])
def test_the_limits_of_a_dtype_are_those_of_numpy(dtype: DType) -> None:
    limits = np.finfo(dtype.storage) if dtype.is_float else np.iinfo(dtype.storage)
    assert dtype.limits == (limits.dtype.type(limits.min).item(), limits.dtype.type(limits.max).item())
    assert bf16.limits[1] == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)


def test_storage_is_rounded_and_integers_wrap_and_floor() -> None:
    function = parse("""
def f(A: bf16[3], B: f16[3], C: s8[3], D: s64[3]):
    for i in serial(3):
        A[i] = bf16(f32(A[i]) + 0.01)
        B[i] = f16(f32(B[i]) * 1.001)
        C[i] = s8(s32(C[i]) + 100)
        D[i] = D[i] // -4 + D[i] % -4
""")
    A = np.array([1, 2, 3], ml_dtypes.bfloat16)
    B = np.array([1, 2, 3], np.float16)
    C, D = np.array([1, 2, 100], np.int8), np.array([-7, 7, 8])
    wanted = (A.astype(np.float32) + np.float32(0.01)).astype(ml_dtypes.bfloat16)
    wanted_B = (B.astype(np.float32) * np.float32(1.001)).astype(np.float16)
    interpret(function, A, B, C, D)
    np.testing.assert_array_equal(A, wanted)
    np.testing.assert_array_equal(B, wanted_B)
    assert C.tolist() == [101, 102, -56]
    assert D.tolist() == [-7 // -4 + -7 % -4, 7 // -4 + 7 % -4, -2]


@settings(max_examples=100, deadline=None)
@given(programs(), st.integers(0, 1000))
def test_valid_programs_do_not_depend_on_the_order(program: Function, seed: int) -> None:
    first, second = arrays_for(program, 1), arrays_for(program, 1)
    interpret(program, *first, seed=0)
    interpret(
        program, *second, seed=seed, races=True, uninitialised=[n for n in names(program) if n[0] == "T"]
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def names(program: Function) -> list[str]:
    return [parameter.name for parameter in program.parameters]


REFUSED = [
    ("for i in serial(4):\n        for j in serial(5):\n            A[i, j] = 1.0",
     "iteration (i=0, j=4) writes A[0, 4], outside of f32[4, 4]: "
     "change the bounds of a loop or guard the access with if"),
    ("for i in serial(4):\n        A[i, 0] = A[i - 1, 0]",
     "iteration (i=0) reads A[-1, 0], outside of f32[4, 4]: "
     "change the bounds of a loop or guard the access with if"),
    ("t = stack(f32[2])\n    t[0] = 1.0\n    for i in serial(2):\n        A[i, 0] = t[i]",
     "iteration (i=1) reads t[1], which nothing wrote: initialise it first"),
    ("t = stack(f32[()])\n    t[()] += 1.0",
     "iteration () reads t[()], which nothing wrote: initialise it first"),
    ("for i in parallel(2):\n        A[0, 0] += 1.0",
     "iteration (i=0) reduces A[0, 0] and (i=1) reduces it: the iterations of 'i' are not independent"),
    ("for i in serial(2):\n        A[s64(A[0, 0]) // i, 0] = 1.0",
     "iteration (i=0) divides by 0: guard the division with if"),
    ("A[s64(A[0, 0] * 1e30), 0] = 1.0", "1e+30 does not fit s64: clamp it before the cast"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_errors_name_the_iteration(text: str, message: str) -> None:
    function = parse(f"def f(A: f32[4, 4]):\n    {text}")
    with pytest.raises(ExecutionError) as caught:
        interpret(function, np.ones((4, 4), np.float32), races=True)
    assert str(caught.value) == message


def test_a_race_is_found_whatever_the_order() -> None:
    function = parse("""
def shift(A: f32[3, 3]):
    for i in parallel(2):
        for j in serial(2):
            A[i + 1, j] = A[i, j + 1]
""")
    messages = set()
    for seed in range(8):
        with pytest.raises(ExecutionError) as caught:
            interpret(function, np.ones((3, 3), np.float32), races=True, seed=seed)
        messages.add(str(caught.value))
    end = ": the iterations of 'i' are not independent"
    assert messages == {
        f"iteration (i=0, j=1) writes A[1, 1] and (i=1, j=0) reads it{end}",
        f"iteration (i=1, j=0) reads A[1, 1] and (i=0, j=1) writes it{end}",
    }


def test_a_vectorized_loop_may_reduce_into_one_element() -> None:
    text = "def f(A: f32[4], B: f32[1]):\n    for i in vectorized(4):\n        B[0] += A[i]"
    A, B = np.arange(4, dtype=np.float32), np.zeros(1, np.float32)
    interpret(parse(text), A, B, races=True)
    assert B.tolist() == [6.0]
    with pytest.raises(ExecutionError, match="reduces B"):
        interpret(parse(text.replace("vectorized", "parallel")), A, B, races=True)


def test_tile_instructions_mean_their_loops() -> None:
    function = parse("""
def f(A: u8[2, 8], B: s8[2, 16, 4], C: s32[2, 16]):
    for i in serial(2):
        for k in serial(2):
            dot4_u8s8(C[i, 0], A[i, k * 4], B[k, 0, 0])
""")
    A = random.integers(0, 256, (2, 8)).astype(np.uint8)
    B = random.integers(-128, 128, (2, 16, 4)).astype(np.int8)
    C = np.zeros((2, 16), np.int32)
    interpret(function, A, B, C, races=True)
    wanted = np.einsum("ikd,kjd->ij", A.reshape(2, 2, 4).astype(np.int32), B.astype(np.int32))
    np.testing.assert_array_equal(C, wanted)
