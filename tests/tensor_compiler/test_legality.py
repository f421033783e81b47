"""The integer solver and the dependence test against enumeration, and what they say."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tensor_compiler import fuzz

from tensor_compiler import Function, Refused, parse, show, system
from tensor_compiler.access import Access, accesses
from tensor_compiler.affine import evaluate
from tensor_compiler.dependence import AFTER, BEFORE, EQUAL, Relation, independent_iterations, meet
from tensor_compiler.primitives import parallel, reorder, vectorize
from tensor_compiler.statement import For
from tensor_compiler.system import Form, Undecided, solve
from tensor_compiler.traversal import find_loop, walk

NAMES = ("x", "y", "z")
coefficients = st.integers(-5, 5)
forms = st.fixed_dictionaries({"": st.integers(-12, 12), **dict.fromkeys(NAMES, coefficients)})
BOX = range(-4, 5)


def holds(values: dict[str, int], zero: list[Form], nonnegative: list[Form]) -> bool:
    def value(form: Form) -> int:
        return sum(factor * values.get(name, 1) for name, factor in form.items())

    return all(value(form) == 0 for form in zero) and all(value(form) >= 0 for form in nonnegative)


@settings(max_examples=400, deadline=None)
@given(st.lists(forms, max_size=2), st.lists(forms, max_size=3))
def test_the_solver_agrees_with_trying_all_integers_of_a_box(zero: list[Form], rest: list[Form]) -> None:
    box: list[Form] = [{name: sign, "": 4} for name in NAMES for sign in (1, -1)]
    points = (dict(zip(NAMES, point, strict=True)) for point in itertools.product(BOX, repeat=3))
    exists = any(holds(point, zero, rest) for point in points)
    solution = solve(zero, rest + box)
    assert (solution is not None) == exists
    if solution is not None:
        assert holds({name: solution.get(name, 0) for name in NAMES}, zero, rest + box)


@pytest.mark.parametrize(
    ("zero", "nonnegative"),
    [
        ([{"x": 2, "y": -4, "": 1}], []),  # even is not odd
        ([], [{"x": 3, "": -1}, {"x": -3, "": 2}]),  # no integer between 1/3 and 2/3
        ([{"x": 8, "y": 1, "u": -8, "v": -1}],  # two numbers in base 8 are equal, and their first digits not
         [{"y": 1}, {"y": -1, "": 7}, {"v": 1}, {"v": -1, "": 7}, {"u": 1, "x": -1, "": -1}]),
    ],
)  # fmt: skip
def test_the_solver_proves_without_bounds(zero: list[Form], nonnegative: list[Form]) -> None:
    assert solve(zero, nonnegative) is None


def test_a_search_that_is_cut_short_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    function = parse("def f(A: f32[40]):\n    for i in serial(8):\n        A[i * 3] = A[i * 2 + 1]")
    path, _ = find_loop(function, "i")
    assert independent_iterations(function, path, reductions=False).answer == "refuted"
    monkeypatch.setattr(system, "NODES", 0)
    with pytest.raises(Undecided):
        solve([], [{"x": 1}])
    assert independent_iterations(function, path, reductions=False).answer == "unknown"


def instances(access: Access) -> list[tuple[dict[str, int], tuple[int, ...]]]:
    """Each iteration of the loops around `access`, and the element it touches."""
    rows: list[dict[str, int]] = [{}]
    for loop in access.loops:
        rows = [
            {**row, loop.name: value}
            for row in rows
            for value in range(evaluate(loop.lower, row), evaluate(loop.upper, row))
        ]
    return [(row, tuple(evaluate(index, row) for index in access.indices)) for row in rows]


def related(one: dict[str, int], other: dict[str, int], relations: dict[str, Relation]) -> bool:
    signs = {EQUAL: lambda a, b: a == b, BEFORE: lambda a, b: a < b, AFTER: lambda a, b: a > b}
    return all(signs[sign](one[loop], other[loop]) for loop, sign in relations.items())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.data())
def test_accesses_meet_where_enumeration_says_so(seed: int, data: Any) -> None:
    function = fuzz.Programs(random.Random(seed)).program()
    touching = [access for access in accesses(function) if not access.conditions]
    pairs = [
        (a, b) for a in touching for b in touching if a.buffer == b.buffer and a.buffer in function.buffers
    ]
    if not pairs:
        return
    first, second = data.draw(st.sampled_from(pairs))
    shared = [name for name in first.names if name in second.names]
    relations = {name: data.draw(st.sampled_from([EQUAL, BEFORE, AFTER])) for name in shared}
    elements: dict[tuple[int, ...], list[dict[str, int]]] = {}
    for row, element in instances(first):
        elements.setdefault(element, []).append(row)
    exists = any(
        related(row, other, relations)
        for other, element in instances(second)
        for row in elements.get(element, [])
    )
    verdict = meet(function, first, second, relations)
    assert verdict.answer == ("refuted" if exists else "proved"), f"{verdict}\n{show(function)}"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_verdicts_about_loops_agree_with_runs_that_watch_for_races(seed: int) -> None:
    counts: Any = fuzz.Counter()
    fuzz.check_dependences(fuzz.Programs(random.Random(seed)).program(), seed, counts)
    assert not counts["loop unknown"]


UNKNOWN = """
def gather(I: s32[8], Y: f32[8]):
    for i in serial(8):
        Y[s64(I[i])] = 1.0
"""


def test_data_dependent_accesses_are_unknown_and_can_be_trusted() -> None:
    function = parse(UNKNOWN)
    verdict = independent_iterations(function, find_loop(function, "i")[0], reductions=False)
    assert verdict.answer == "unknown"
    with pytest.raises(Refused, match="or pass trust=True if you know"):
        parallel(function, "i")
    assert "parallel(8)" in show(parallel(function, "i", trust=True))


def test_trust_overrules_no_witness() -> None:
    function = parse("def f(A: f32[9]):\n    for i in serial(8):\n        A[i + 1] = A[i]")
    with pytest.raises(Refused, match=r"iteration \(i=0\) writes A\[1\] and \(i=1\) reads it"):
        parallel(function, "i", trust=True)


def test_a_witness_is_real() -> None:
    """A bound that the system only approximates gives no witness that is not one."""
    function = parse("""
def f(A: f32[20]):
    for i in serial(4):
        if i != 1 and i != 2:
            for j in serial(max(1, 3 - i)):
                A[i * 2 + j] = A[i * 2 + j + 1]
""")
    path, _ = find_loop(function, "i")
    verdict = independent_iterations(function, path, reductions=False)
    assert verdict.answer == "unknown"  # i = 0 reaches A[3], i = 3 starts at A[6]; with i = 1 they would meet


def test_memory_of_an_iteration_carries_nothing_and_reductions_are_free_in_vectors() -> None:
    function = parse("""
def f(A: f32[4, 4], B: f32[4], S: f32[1]):
    for i in serial(4):
        t = stack(f32[4])
        for j in serial(4):
            t[j] = A[i, j]
        for k in serial(4):
            S[0] += t[k]
            B[i] = max(B[i], t[k])
""")
    with pytest.raises(Refused, match=r"iteration \(i=0, k=0\) reduces S\[0\] and \(i=1, k=0\) reduces it"):
        parallel(function, "i")
    assert "vectorized(4)" in show(vectorize(function, "k"))
    assert "parallel(4)" in show(parallel(function, "j"))


def test_a_proof_holds_for_all_sizes() -> None:
    function = parse("""
def f(n: s64, A: f32[n, n]):
    for i in serial(n):
        for j in serial(i):
            A[i, j] = A[j, i]
""")
    for name in ("i", "j"):
        assert f"for {name} in parallel" in show(parallel(function, name))
    with pytest.raises(Refused, match="depend on 'i'"):
        reorder(function, ["j", "i"])


def test_no_loop_of_the_random_programs_is_empty_of_meaning() -> None:
    """The programs that the tests draw hold dependences and their absence, triangles, and allocations."""
    functions = [fuzz.Programs(random.Random(seed)).program() for seed in range(60)]
    text = "\n".join(map(show, functions))
    for part in ("stack(", "max(", " + 1):", "% 4", "// 2", "if ", "+="):
        assert part in text, part
    answers = {answer(function) for function in functions}
    assert answers == {"proved", "refuted"}


def answer(function: Function) -> str:
    path = next(path for path, each in walk(function) if isinstance(each, For))
    return independent_iterations(function, path, reductions=False).answer
