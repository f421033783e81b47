"""Index arithmetic against evaluation at every point."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_compiler import parse, show
from tensor_compiler.affine import Linear, evaluate, interval, linear, loop_ranges, within
from tensor_compiler.dtype import boolean
from tensor_compiler.expression import Binary, Constant, Expression, Select, Unary, Variable
from tensor_compiler.simplify import simplify
from tensor_compiler.statement import Let
from tensor_compiler.traversal import find_loop

NAMES = ("i", "j", "k")
RANGES = {"i": (0.0, 4.0), "j": (-2.0, 3.0), "k": (1.0, 3.0)}
atoms = st.sampled_from(NAMES).map(Variable) | st.integers(-5, 5).map(Constant)


def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    divisors = st.integers(1, 4).map(Constant)
    pairs = st.tuples(st.sampled_from("+-*").flatmap(st.just), inner, inner).map(lambda t: Binary(*t))
    divided = st.tuples(st.sampled_from(["//", "%"]), inner, divisors).map(lambda t: Binary(*t))
    extremes = st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: Binary(*t))
    return pairs | divided | extremes | inner.map(lambda operand: Unary("-", operand))


integers = st.recursive(atoms, grow, max_leaves=6)
conditions = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), integers, integers).map(
    lambda t: Binary(*t)
)


def points() -> list[dict[str, int]]:
    spans = [range(int(low), int(high) + 1) for low, high in RANGES.values()]
    return [dict(zip(NAMES, values, strict=True)) for values in itertools.product(*spans)]


def python(expression: Expression, point: dict[str, int]) -> int:
    """The value, by Python's own arithmetic on the text."""
    return int(eval(show(expression), {"min": min, "max": max, "s64": int}, point))


@settings(max_examples=200, deadline=None)
@given(integers)
def test_simplifying_keeps_the_value_and_settles(expression: Expression) -> None:
    simple = simplify(expression, RANGES)
    assert simplify(simple, RANGES) == simple
    low, high = interval(expression, RANGES)
    form = linear(expression).expression()
    for point in points():
        value = python(expression, point)
        assert python(simple, point) == value
        assert python(form, point) == value
        assert low <= value <= high


@settings(max_examples=100, deadline=None)
@given(conditions)
def test_comparisons_are_decided_only_if_they_always_hold(condition: Expression) -> None:
    simple = simplify(condition, RANGES)
    for point in points():
        assert bool(python(simple, point)) == bool(python(condition, point))


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("(i * 8 + 3) // 8", "i"),
        ("(i * 8 + 3) % 8", "3"),
        ("(i * 8 + j * 4 + k) // 2", "i * 4 + j * 2 + k // 2"),
        ("(i * 8 + j) % 8", "j % 8"),
        ("i + j - i", "j"),
        ("3 * (i + 2) - 6", "i * 3"),
        ("j * 2 - i", "j * 2 - i"),
        ("2 - i", "-i + 2"),
        ("min(i, 4)", "i"),
        ("max(i, 5)", "5"),
        ("(i if i < 5 else j)", "i"),
        ("i * j + j * i", "i * j + j * i"),
    ],
)
def test_what_simplifying_leaves(text: str, simple: str) -> None:
    assert show(simplify(expression(text), RANGES)) == simple


def expression(text: str) -> Expression:
    statement = parse(f"def f(i: s64, j: s64, k: s64):\n    v = {text}").body[0]
    assert isinstance(statement, Let)
    return statement.value


def test_logic_folds() -> None:
    true, other = Constant(True, boolean), expression("i < k")
    assert simplify(Binary("and", true, other)) == other
    assert simplify(Binary("or", other, true)) == true
    assert simplify(Unary("not", true)) == Constant(False, boolean)
    assert simplify(Select(true, Variable("i"), Variable("j"))) == Variable("i")


def test_coefficients_see_through_sums_but_not_through_atoms() -> None:
    form = linear(expression("i * 8 + j - 3 + k // 2"))
    assert [form.coefficient(name) for name in ("i", "j", "k", "m")] == [8, 1, None, 0]
    assert show(form.without("i").expression()) == "j + k // 2 - 3"
    assert linear(Constant(4)) == Linear((), 4)


TRIANGLE = parse("""
def triangle(n: s64, A: f32[64, n]):
    for i in serial(64):
        for j in serial(i, 64):
            for k in serial(i // 2, n):
                A[j - i, k] = 0.0
""")


def test_ranges_of_triangles() -> None:
    loops = [find_loop(TRIANGLE, name)[1] for name in ("i", "j", "k")]
    ranges = loop_ranges(loops)
    assert ranges == {"i": (0, 63), "j": (0, 63), "k": (0, math.inf)}
    assert within(Variable("i"), Constant(64), ranges)
    assert not within(Variable("i") + 1, Constant(64), ranges)
    assert within(Variable("j") % 8, Constant(8), ranges)
    assert not within(Variable("k"), Variable("n"), ranges)


def test_extents_are_evaluated_once_sizes_are_known() -> None:
    assert evaluate(expression("i * 2 + j // 3"), {"i": 4, "j": 7}) == 10
    with pytest.raises(
        ValueError, match=r"'i' has no value before the loops run: make it of sizes and numbers"
    ):
        evaluate(Variable("i"), {})
