"""The C against the interpreter, its functions against float64, and its text."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tensor_compiler.programs import arrays_for, programs

from tensor_compiler import Function, interpret, parse
from tensor_compiler.c_statement import Unsupported, c_source
from tensor_compiler.kernel import compile_function
from tensor_compiler.target import Target, host_target

EXACT = host_target().strict()
WIDTHS = [width for width in (16, 32, 64) if width <= EXACT.vector_bytes]
AVX512 = Target("gcc", "gcc", 64, (), frozenset())  # for texts, which are the same everywhere
slow_machine = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def agree(program: Function, target: Target, seed: int, **tolerance: float) -> None:
    wanted, found = arrays_for(program, seed), arrays_for(program, seed)
    interpret(program, *wanted)
    compile_function(program, target, threads=2)(*found)
    for one, other in zip(wanted, found, strict=True):
        if one.dtype == np.uint16:  # bf16
            one, other = ((a.astype(np.uint32) << 16).view(np.float32) for a in (one, other))
        np.testing.assert_allclose(other, one, **{"rtol": 0, "atol": 0, **tolerance}, err_msg=str(program))


@slow_machine
@given(programs(calls=False), st.sampled_from(WIDTHS), st.integers(0, 9))
def test_c_gives_the_bits_of_the_interpreter(program: Function, width: int, seed: int) -> None:
    agree(program, replace(EXACT, vector_bytes=width), seed)


@slow_machine
@given(programs(calls=True), st.sampled_from(WIDTHS))
def test_with_functions_c_is_close_to_the_interpreter(program: Function, width: int) -> None:
    has_bf16 = any(buffer.dtype.name == "bf16" for buffer in program.buffers) or "bf16" in repr(program.body)
    size = 0.1 if has_bf16 else 1e-4
    agree(program, replace(host_target(), vector_bytes=width), 1, rtol=size, atol=size)


def test_every_kind_of_access_in_one_program() -> None:
    """Strides, gathers, per-lane choices, reductions across lanes, tails, symbolic extents, all dtypes."""
    program = parse("""
def everything(n: s64, scale: f32, X: f32[n, 37], I: s32[37], D: f64[n], H: f16[n, 37], Q: u8[n],
               Y: f32[n, 37], P: f32[37, n], S: f32[n, 4], R: s8[n]):
    for i in parallel(n):
        total = registers(f32[()])
        total[()] = 0.0
        low = registers(f32[1])
        low[0] = inf
        for j in vectorized(37):
            total[()] += X[i, j] * scale
            low[0] = min(low[0], X[i, j])
            t = X[i, 36 - j] if j % 3 < 2 else X[i, s64(I[j])]
            Y[i, j]: non_temporal = t - f32(H[i, j])
            P[j, i] = abs(t) + f32(j)
        S[i, 0] = total[()]
        S[i, 1] = low[0]
        S[i, 2] = f32(D[i]) if i > 0 else -1.0
        S[i, 3] = sqrt(abs(total[()]))
        H[i, 0] = f16(total[()] / 3.0)
    for m in vectorized(n):
        R[m] = s8(Q[m]) * s8(3)
        D[m] = D[m] * 2 if m > 1 and D[m] > 0 else -D[m]
    for r in vectorized(1, n):
        for q in serial(4):
            S[r, q] *= f32(r)
""")
    random = np.random.default_rng(0)
    n = 23
    X = random.integers(-8, 8, (n, 37)).astype(np.float32)  # integers: sums are exact in any order
    inputs: list[Any] = [
        2.0, X, random.integers(0, 37, 37).astype(np.int32), random.standard_normal(n),
        random.standard_normal((n, 37)).astype(np.float16), random.integers(0, 256, n).astype(np.uint8),
        np.zeros((n, 37), np.float32), np.zeros((37, n), np.float32), np.zeros((n, 4), np.float32),
        np.zeros(n, np.int8),
    ]  # fmt: skip
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in inputs]
    interpret(program, *inputs, races=True)
    compile_function(program, EXACT, threads=2)(*copies)
    for one, other in zip(inputs[1:], copies[1:], strict=True):
        np.testing.assert_array_equal(other, one)


CARRIED = """
def carried(A: f32[5, 8], C: f32[8]):
    for i in serial(4):
        for j in serial(6):
            A[i + 1, j + 2] = A[i, j + 1] + C[j + 1]
"""


def test_what_one_iteration_stores_reaches_another() -> None:
    """GCC 12.2 at -O3 takes these iterations for independent, unless the loop says that it runs in order."""
    function = parse(CARRIED)
    kernel = compile_function(function)
    assert kernel.source.count("IN_ORDER;") == 1
    given = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32), np.ones(8, np.float32)
    expected, result = given[0].copy(), given[0].copy()
    interpret(function, expected, given[1])
    kernel(result, given[1])
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("update", ["A[i, j] + C[j]", "C[j] * C[j + 1]"])
def test_the_c_compiler_is_left_free_where_nothing_is_carried(update: str) -> None:
    free = parse(CARRIED.replace("A[i + 1, j + 2]", "A[i, j]").replace("A[i, j + 1] + C[j + 1]", update))
    assert "IN_ORDER" not in c_source(free, host_target())


def test_names_introduced_under_an_unrolled_loop_stay_apart() -> None:
    program = parse("""
def copies(n: s64, X: f32[2, n], Y: f32[2, n]):
    for i in unrolled(2):
        t = scratch(f32[n])
        for j in vectorized(n):
            t[j] = X[i, j] + 1.0
        for k in vectorized(n):
            v = t[k]
            Y[i, k] = v * v
""")
    X, wanted = np.arange(46, dtype=np.float32).reshape(2, 23), np.zeros((2, 23), np.float32)
    found = wanted.copy()
    interpret(program, X, wanted)
    compile_function(program, EXACT)(X, found)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(found, (X + 1) ** 2)


FUNCTIONS = {
    "exp": (np.exp, -87.33, 88.72, 2.0),
    "tanh": (np.tanh, -12.0, 12.0, 4.0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -80.0, 80.0, 4.0),
    "sqrt": (np.sqrt, 0.0, 1e30, 0.51),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1e-30, 1e30, 2.0),
    "abs": (np.abs, -5.0, 5.0, 0.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vector_functions_keep_their_stated_accuracy(name: str) -> None:
    meaning, lower, upper, ulp = FUNCTIONS[name]
    x = np.linspace(lower, upper, 1 << 16).astype(np.float32)
    x = np.concatenate([x, np.float32(lower) + np.geomspace(1e-6, upper - lower, 1 << 16).astype(np.float32)])
    x = x[(x >= lower) & (x <= upper)]
    y = apply(name, x)
    wanted = meaning(x.astype(np.float64))
    error = np.abs(y - wanted) / np.spacing(np.abs(wanted).astype(np.float32)).astype(np.float64)
    assert error.max() <= ulp


def apply(name: str, x: Any) -> Any:
    text = f"def f(n: s64, X: f32[n], Y: f32[n]):\n    for i in vectorized(n):\n        Y[i] = {name}(X[i])"
    y = np.empty_like(x)
    compile_function(parse(text))(x, y)
    return y


def test_vector_functions_at_the_ends() -> None:
    infinite = np.float32(np.inf)
    x = np.array([-infinite, -200, -88, 0, 89, infinite, np.nan] * 16, np.float32)
    y = apply("exp", x)[:7]
    assert y[2] in (0, np.exp(np.float32(-88)))  # below the least normal number
    np.testing.assert_array_equal(
        y[[0, 1, 3, 4, 5, 6]], np.array([0, 0, 1, infinite, infinite, np.nan], np.float32)
    )
    np.testing.assert_array_equal(apply("tanh", x)[:7], np.array([-1, -1, -1, 0, 1, 1, np.nan], np.float32))
    np.testing.assert_array_equal(apply("sigmoid", x)[[0, 3, 5]], np.array([0, 0.5, 1], np.float32))


def test_gelu_keeps_its_stated_accuracy() -> None:
    x = np.linspace(-10, 10, 1 << 17).astype(np.float32)
    wide = x.astype(np.float64)
    wanted = 0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
    np.testing.assert_allclose(apply("gelu", x), wanted, rtol=1e-6, atol=1e-7)


TILE = """
def tile(A: f32[4, 6], B: f32[6, 32], C: f32[4, 32]):
    for io in parallel(2):
        acc = registers(f32[2, 32])
        for i0 in unrolled(2):
            for j0 in vectorized(32):
                acc[i0, j0] = 0.0
        for k in serial(6):
            for i1 in unrolled(2):
                for j1 in vectorized(32):
                    acc[i1, j1] += A[io * 2 + i1, k] * B[k, j1]
        for i2 in unrolled(2):
            for j2 in vectorized(32):
                C[io * 2 + i2, j2] = max(acc[i2, j2], 0.0)
"""

SOFTMAX = """
def softmax(n: s64, X: f32[n, 100], Y: f32[n, 100]):
    for i in parallel(n):
        row = stack(f32[100])
        peak = registers(f32[16])
        for l0 in vectorized(16):
            peak[l0] = -inf
        for j0 in serial(6):
            for l1 in vectorized(16):
                peak[l1] = max(peak[l1], X[i, j0 * 16 + l1])
        top = registers(f32[1])
        top[0] = -inf
        for l2 in vectorized(16):
            top[0] = max(top[0], peak[l2])
        for l3 in vectorized(96, 100):
            top[0] = max(top[0], X[i, l3])
        total = registers(f32[1])
        total[0] = 0.0
        for j1 in vectorized(100):
            e = exp(X[i, j1] - top[0])
            row[j1] = e
            total[0] += e
        inverse = 1.0 / total[0]
        prefetch(X[i + 1, 0])
        for j2 in vectorized(100):
            Y[i, j2]: non_temporal = row[j2] * inverse
"""

BF16 = """
def dot(A: bf16[1, 8], B: bf16[4, 16, 2], C: f32[1, 16]):
    acc = registers(f32[16])
    for l0 in vectorized(16):
        acc[l0] = C[0, l0]
    for k in serial(4):
        dot2_bf16(acc[0], A[0, 2 * k], B[k, 0, 0])
    for l1 in vectorized(16):
        C[0, l1] = acc[l1]
"""

INT8 = """
def dot(A: u8[1, 16], B: s8[4, 16, 4], C: s32[1, 16]):
    acc = registers(s32[16])
    for l0 in vectorized(16):
        acc[l0] = C[0, l0]
    for k in serial(4):
        dot4_u8s8(acc[0], A[0, 4 * k], B[k, 0, 0])
    for l1 in vectorized(16):
        C[0, l1] = acc[l1]
"""
GOLDENS = {"tile": TILE, "softmax": SOFTMAX}


@pytest.mark.parametrize("name", GOLDENS)
def test_text_of_the_c(name: str) -> None:
    golden = Path(__file__).with_name("goldens") / f"{name}.c"
    assert c_source(parse(GOLDENS[name]), AVX512) == golden.read_text()


def test_the_golden_tile_multiplies() -> None:
    random = np.random.default_rng(0)
    A, B = (random.standard_normal(shape).astype(np.float32) for shape in ((4, 6), (6, 32)))
    C = np.empty((4, 32), np.float32)
    for width in WIDTHS:
        compile_function(parse(TILE), replace(host_target(), vector_bytes=width), threads=2)(A, B, C)
        np.testing.assert_allclose(C, np.maximum(A @ B, 0), rtol=1e-5, atol=1e-6)


def test_the_golden_softmax_normalises() -> None:
    X = np.random.default_rng(0).standard_normal((5, 100)).astype(np.float32) * 10
    Y = np.empty_like(X)
    wanted = np.exp(X - X.max(1, keepdims=True))
    for width in WIDTHS:
        compile_function(parse(SOFTMAX), replace(host_target(), vector_bytes=width), threads=2)(X, Y)
        np.testing.assert_allclose(Y, wanted / wanted.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("width", WIDTHS)
def test_tile_instructions_agree_with_their_loops(width: int) -> None:
    random = np.random.default_rng(0)
    target = replace(host_target(), vector_bytes=width)
    A, B = (
        random.integers(0, 256, (1, 16)).astype(np.uint8),
        random.integers(-128, 128, (4, 16, 4)).astype(np.int8),
    )
    wanted, found = np.ones((1, 16), np.int32), np.ones((1, 16), np.int32)
    interpret(parse(INT8), A, B, wanted)
    compile_function(parse(INT8), target)(A, B, found)
    np.testing.assert_array_equal(found, wanted)
    pair = [random.integers(0x3F00, 0x4100, shape).astype(np.uint16) for shape in ((1, 8), (4, 16, 2))]
    sums, totals = np.ones((1, 16), np.float32), np.ones((1, 16), np.float32)
    interpret(parse(BF16), *pair, sums)
    compile_function(parse(BF16), target)(*pair, totals)
    np.testing.assert_allclose(totals, sums, rtol=1e-6)


def test_a_target_with_the_instruction_gets_it() -> None:
    able = Target("gcc", "gcc", 64, (), frozenset({"__AVX512VNNI__"}))
    assert "acc_0 = dot4_u8s8(acc_0, A + k * 4, B + k * 64);" in c_source(parse(INT8), able)
    assert "dot4_u8s8" not in c_source(parse(INT8), AVX512)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(A: f32[8]):\n    acc = registers(f32[8])\n    for k in serial(8):\n        acc[k] = A[k]",
         "'acc' is in registers but indexed by k: unroll the loop, or allocate the buffer on the stack"),
        ("def f(A: f32[8]):\n    row = stack(f32[100000])\n    row[0] = A[0]",
         "'row' is too large for the stack or of unknown size: allocate scratch"),
        ("def f(n: s64, A: f32[n]):\n    row = stack(f32[n])\n    row[0] = A[0]",
         "'row' is too large for the stack or of unknown size: allocate scratch"),
        ("def f(A: f32[8]):\n    for k in vectorized(8):\n        A[0] = f32(k)",
         "all lanes of 'k' write one A: make 'k' serial"),
        ("def f(A: f16[8]):\n    A[0] = A[1]", "gcc has no f16: take a newer one, or use bf16"),
    ],
)  # fmt: skip
def test_what_has_no_c_is_refused(text: str, message: str) -> None:
    with pytest.raises(Unsupported) as caught:
        c_source(parse(text), AVX512)
    assert str(caught.value) == message


SANITIZED = """
import numpy as np
from tensor_compiler import parse
from tensor_compiler.kernel import compile_function
from tensor_compiler.target import host_target
from tests.tensor_compiler.sanitizers import sanitized
from tests.tensor_compiler.programs import arrays_for
import sys
for text in sys.stdin.read().split("----"):
    program = parse(text)
    compile_function(program, sanitized(host_target()), threads=2)(*arrays_for(program, 0))
    print("ran", program.name)
"""


@pytest.mark.slow
def test_generated_code_runs_clean_under_sanitizers() -> None:
    fixed = SOFTMAX.replace("n: s64, ", "").replace("[n,", "[7,").replace("parallel(n)", "parallel(7)")
    done = run_sanitized([TILE, fixed.replace("X[i + 1, 0]", "X[i, 99]"), TAILS])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == ["ran tile", "ran softmax", "ran tails"]


@pytest.mark.slow
def test_the_sanitizer_sees_an_overrun() -> None:
    done = run_sanitized(
        ["def f(A: f32[8]):\n    row = stack(f32[8])\n    for i in serial(9):\n        row[i] = A[0]"]
    )
    assert done.returncode != 0
    assert "index 8 out of bounds for type 'f32 [8]'" in done.stderr


TAILS = """
def tails(A: f32[3, 45], B: f32[3, 45], S: s32[3, 45]):
    for i in parallel(3):
        t = scratch(f32[45])
        for j in vectorized(45):
            t[j] = exp(A[i, j]) if j > 3 else A[i, j - 1 + 1]
        for k in vectorized(1, 44):
            B[i, k] = t[k - 1] + t[k + 1]
            S[i, k] = S[i, k] // 7 + s32(k) % s32(5)
"""


def run_sanitized(texts: list[str]) -> subprocess.CompletedProcess[str]:
    compiler = host_target().compiler
    asked = [compiler, "-print-file-name=libasan.so"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "LD_PRELOAD": str(Path(library).resolve()),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": f"{root / 'code'}:{root}",
    }
    return subprocess.run(
        [sys.executable, "-c", SANITIZED],
        input="----".join(texts), capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        "i >= j",
        "j < i + 2",
        "j + 3 > i * 2",
        "5 >= i * 2 - j",
        "j == i",
        "i + 1 != j",
        "i * 8589934592 > j",
        "j * 2 > i",
    ],
)
def test_a_mask_by_the_lane_is_what_the_interpreter_says(condition: str) -> None:
    function = parse(f"""
def masked(X: f32[9, 37], Y: f32[9, 37]):
    for i in serial(9):
        for j in vectorized(37):
            Y[i, j] = X[i, j] if {condition} else -0.0
""")
    x = np.arange(1, 9 * 37 + 1, dtype=np.float32).reshape(9, 37)
    wanted, found = np.zeros_like(x), np.zeros_like(x)
    interpret(function, x, wanted)
    compile_function(function)(x, found)
    np.testing.assert_array_equal(found.view(np.uint32), wanted.view(np.uint32))
    wide = "(s32x" in c_source(function, host_target())
    assert wide is (condition not in ("i * 8589934592 > j", "j * 2 > i"))
