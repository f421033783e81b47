"""The text of loop functions: it round-trips, and what is wrong with it is said under a caret."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.tensor_compiler.programs import programs

from tensor_compiler import InvalidProgram, parse, show, verify
from tensor_compiler.dtype import f16, f32, f64, s32, s64
from tensor_compiler.expression import Binary, Buffer, Cast, Constant, Expression, Select, Unary, Variable
from tensor_compiler.statement import For, Function, Let, Reduce, Store
from tensor_compiler.traversal import find_loop

MATMUL = """\
def matmul(A: f32[4, 8], B: f32[8, 16], C: f32[4, 16]):
    for i in parallel(4):
        for j in vectorized(16):
            C[i, j] = 0.0
            for k in serial(8):
                C[i, j] += A[i, k] * B[k, j]"""

EVERYTHING = """\
def everything(n: s64, scale: f32, X: bf16[n, 8], Q: s8[n, 8], Y: f32[n, 8], Z: s32[()]):
    Z[()] = s32(0)
    for i in parallel(n):
        row = stack(f32[8])
        peak = registers(f32[1])
        peak[0] = -inf
        for j in vectorized(8):
            row[j] = f32(X[i, j]) * scale
            peak[0] = max(peak[0], row[j])
        prefetch(X[i + 1, 0])
        for k in serial(i // 2, 8):
            if k < 4 and not (i == k or i > 2 * k):
                half = 0.5 * -row[k]
                Y[i, k]: non_temporal = exp((half if k % 2 == 0 else row[k] - (half - 1.0)))
            else:
                pass
        dot4(row[0], Q[i, 0])"""


@pytest.mark.parametrize(
    "text", [MATMUL, EVERYTHING.replace("            else:\n                pass\n", "")]
)
def test_text_is_its_own_fixed_point(text: str) -> None:
    function = verify(parse(text))
    assert show(function) == text
    assert parse(show(function)) == function


@settings(max_examples=300, deadline=None)
@given(programs())
def test_random_programs_round_trip(program: Function) -> None:
    verify(program)
    assert parse(show(program)) == program


x, n = Variable("x", f32), Variable("n")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Unary("-", Constant(2)), "-s64(2)"),
        (Constant(-2), "-2"),
        (Cast(f32, Constant(2)), "f32(s64(2))"),
        (Constant(2, f32), "2.0"),
        (Constant(0.1, f32), "0.1"),
        (Constant(0.1, f64), "f64(0.1)"),
        (Constant(0.1, f16), "f16(0.0999755859375)"),
        (Constant(7, s32), "s32(7)"),
        (Constant(float("-inf"), f32), "-inf"),
        (n - (n - n), "n - (n - n)"),
        (n - n - n, "n - n - n"),
        (n * (n + 1) // 2, "n * (n + 1) // 2"),
        (Binary("<", n % 4, -2 * n), "n % 4 < -2 * n"),
        (Unary("-", Unary("-", n * n)), "--(n * n)"),
        (
            Select(Binary("<", n, n), x, Select(Binary("<", n, n), x, x)),
            "(x if n < n else (x if n < n else x))",
        ),
    ],
)
def test_expressions_read_back(expression: Expression, text: str) -> None:
    assert show(expression) == text
    wanted = Function("f", (x, n), (Let("v", expression),))
    assert parse(f"def f(x: f32, n: s64):\n    v = {text}") == wanted


def test_a_bare_number_takes_the_dtype_of_its_neighbour() -> None:
    function = parse("def f(A: f64[4], B: s32[4]):\n    A[0] = 2 * A[1]\n    B[0] = 0")
    assert show(function).endswith("A[0] = f64(2.0) * A[1]\n    B[0] = s32(0)")


def test_marks_stand_before_the_guilty_lines() -> None:
    function = parse(MATMUL)
    assert show(function, {find_loop(function, "k")[0]: "reads C", (0, 0, 0): ""}) == (
        "  def matmul(A: f32[4, 8], B: f32[8, 16], C: f32[4, 16]):\n"
        "      for i in parallel(4):\n"
        "          for j in vectorized(16):\n"
        ">             C[i, j] = 0.0\n"
        ">             for k in serial(8):  # reads C\n"
        "                  C[i, j] += A[i, k] * B[k, j]"
    )


HEAD = "def f(A: f32[4], B: bf16[4], N: s32[4]):\n"
REFUSED = [
    ("A[k] = 1.0", "line 2: 'k' is no loop, size or value in scope here: introduce it above", 6),
    ("for i in range(3):\n        A[i] = 1.0",
     "line 2: a loop runs over serial, parallel, vectorized, unrolled: write serial(8) or serial(2, 8)", 13),
    ("A[0] = N[0] + A[1]", "line 2: '+' has s32 on its left and f32 on its right: cast one", 11),
    ("A[0] = f32(B[0] * B[1])", "line 2: '*' is not defined on bf16: cast to f32 first", 15),
    ("A[0] = N[1]", "line 2: 'A' holds f32, the value is s32: write f32(...)", 11),
    ("A[0, 1] = 1.0", "line 2: 'A' has 1 dimension(s), not 2", 4),
    ("A[N[0]] = 1.0", "line 2: an index of 'A' is s64, not s32: cast it with s64(...)", 4),
    ("C[0] = 1.0", "line 2: 'C' is no buffer in scope here: declare it above this line", 4),
    ("B[0] += bf16(1.0)", "line 2: 'B' is bf16, which only stores: reduce in f32", 12),
    ("A[0] = exp(A[0], A[1])", "line 2: 'exp' takes 1 argument(s), not 2", 11),
    ("A[0] = erf(A[0])",
     "line 2: 'erf' is no function: "
     "choose one of exp, tanh, sigmoid, gelu, sqrt, rsqrt, abs, fma, max, min", 11),
    ("A[0] = A[1] / 2 if A[1] else A[2]",
     "line 2: a condition is bool, this one is f32: compare it with something", 11),
    ("N[0] = 2.5", "line 2: s32 does not hold 2.5", 11),
    ("N[0] = 2147483648", "line 2: s32 does not hold 2147483648", 11),
    ("A = 1.0", "line 2: 'A' is introduced on line 1 already: choose another name", 4),
    ("double = 1.0", "line 2: 'double' means something else here or in C: choose another name", 4),
    ("while True:\n        pass",
     "line 2: this is no statement of the loop language: "
     "write for, if, an assignment, prefetch or a call", 4),
    ("A[0] = A[1] ** 2",
     "line 2: 'A[1] ** 2' is no expression of the loop language: write it with + - * / // %", 11),
    ("A[0]: streaming = 1.0", "line 2: a store is annotated with 'non_temporal' or with nothing", 10),
    ("A[0] = = 1.0", "line 2: Python cannot read this (invalid syntax)", 11),
]  # fmt: skip


@pytest.mark.parametrize(("line", "sentence", "column"), REFUSED)
def test_errors_stand_under_a_caret(line: str, sentence: str, column: int) -> None:
    text = f"{HEAD}    {line}"
    with pytest.raises(InvalidProgram) as caught:
        parse(text)
    shown = text.split("\n")[1]
    assert str(caught.value) == f"{sentence}\n    {shown}\n    {' ' * column}^"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "line 1: a loop function is one 'def': write def name(A: f32[4], ...):"),
        ("def f(A):\n    pass", "line 1: 'A' lacks a type: write f32[4, 4], or s64 for a size"),
        ("def f(A=1):\n    pass",
         "line 1: parameters are plain names with types: write A: f32[4, 4] or n: s64"),
        ("def f(A: f32[n]):\n    pass",
         "line 1: 'n' is no loop, size or value in scope here: introduce it above"),
        ("def f(A: bool[4]):\n    pass", "line 1: a buffer holds numbers, not bool: use u8"),
        ("def f(A: f8[4]):\n    pass",
         "line 1: a buffer's type is a dtype with a shape: write f32[4, 4] "
         "(f64, f32, f16, bf16, s64, s32, s8, u8, bool)"),
    ],
)  # fmt: skip
def test_signatures_are_checked(text: str, sentence: str) -> None:
    with pytest.raises(InvalidProgram) as caught:
        parse(text)
    assert str(caught.value).split("\n")[0] == sentence


A = Buffer("A", f32, (4,))
one = Constant(1, f32)
i = Variable("i")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ((Store(A, (i,), one),), "'i' is not in scope as s64\n    A[i] = 1.0"),
        ((For("i", 0, 2, "serial", ()), Store(A, (i,), one)), "'i' is not in scope as s64\n    A[i] = 1.0"),
        ((For("i", 0, 2, "serial", (For("i", 0, 2, "serial", ()),)),),
         "'i' is introduced twice: rename one of the two\n    for i in serial(2):"),
        ((For("A", 0, 2, "serial", ()),),
         "'A' is introduced twice: rename one of the two\n    for A in serial(2):"),
        ((For("int", 0, 2, "serial", ()),),
         "'int' means something else here or in C: rename it\n    for int in serial(2):"),
        ((Store(Buffer("A", f32, (5,)), (Constant(0),), one),),
         "'A' is not in scope as f32[5] of scope parameter\n    A[0] = 1.0"),
    ],
)  # fmt: skip
def test_verify_finds_what_constructors_cannot(body: tuple[Store | For, ...], message: str) -> None:
    with pytest.raises(InvalidProgram) as caught:
        verify(Function("f", (A,), body))
    assert str(caught.value) == message


def test_a_maximum_over_the_own_element_is_a_reduction() -> None:
    text = "def f(A: f32[4]):\n    A[0] = max(A[0], 1.0)"
    assert parse(text).body == (Reduce(A, (Constant(0, s64),), "max", one),)
    assert show(parse(text)) == text
