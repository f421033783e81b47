"""Schedules: steps as data, replay, names, and random ones."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tensor_compiler import fuzz
from tests.tensor_compiler.programs import arrays_for, programs
from tests.tensor_compiler.rewriting import assert_same, interpreted

from tensor_compiler import Function, Refused, Schedule, Step, parse, replay, show, verify

GEMM = """
def gemm(A: f32[16, 24], B: f32[24, 64], C: f32[16, 64]):
    for i in serial(16):
        for j in serial(64):
            C[i, j] = 0.0
            for k in serial(24):
                C[i, j] += A[i, k] * B[k, j]
"""


def gemm() -> Schedule:
    schedule = Schedule(parse(GEMM))
    i_o, j_o, i_i, j_i = schedule.tile(["i", "j"], [8, 32])
    schedule.reorder(j_o, i_o)
    rows, lanes = schedule.decompose_reduction("k", i_i)
    schedule.reorder("k", i_i, j_i)
    out_rows, out_lanes = schedule.cache_write("C", i_o)
    _, pack = schedule.cache_read("B", j_o)
    schedule.unroll(i_i, rows, out_rows).vectorize(j_i, lanes, out_lanes, pack)
    return schedule.parallel(j_o)


def test_methods_give_the_names_that_the_next_step_needs() -> None:
    schedule = gemm()
    assert "C_c = registers(f32[8, 32])" in schedule.show()
    assert len(schedule.history) == len(schedule.trace) + 1
    assert [step.primitive for step in schedule.trace[:3]] == ["tile", "reorder", "decompose_reduction"]
    short = Schedule(parse("def f(n: s64, A: f32[n]):\n    for i in serial(n):\n        A[i] = 0.0"))
    assert short.split("i", 4, "cut") == ("i_o", "i_i", "i_t")
    assert short.fuse("i_o", "i_i", "again") == "again"
    assert short.loops == ("again", "i_t")


def test_a_trace_replays_to_the_identical_program() -> None:
    schedule = gemm()
    again = replay(parse(GEMM), schedule.json())
    assert again.function == schedule.function
    assert again.show() == schedule.show()
    assert again.json() == schedule.json()
    assert replay(parse(GEMM), schedule.trace).function == schedule.function
    assert json.loads(schedule.json())[0] == {
        "primitive": "tile",
        "arguments": {"loops": ["i", "j"], "factors": [8, 32]},
    }


def test_history_is_kept_and_steps_are_taken_back() -> None:
    schedule = gemm()
    last = schedule.history[-2]
    assert schedule.undo().function == last
    while schedule.trace:
        schedule.undo()
    assert schedule.function == parse(GEMM)
    with pytest.raises(ValueError, match=r"^there is no step to take back$"):
        schedule.undo()


def test_every_function_of_a_history_is_valid_and_has_a_text() -> None:
    for function in gemm().history:
        assert parse(show(verify(function))) == function


def test_trust_leaves_a_mark_that_survives_replay() -> None:
    function = parse("def f(I: s32[8], Y: f32[8]):\n    for i in serial(8):\n        Y[s64(I[i])] = 1.0")
    schedule = Schedule(function).parallel("i", trust=True)
    mark = "# not proved, trusted: parallel(loop='i', trust=True)"
    assert schedule.show().splitlines()[0] == mark
    assert replay(function, schedule.json()).show() == schedule.show()
    assert parse(schedule.show()) == schedule.function
    assert "trusted" not in gemm().show()


def test_what_is_no_step_is_refused() -> None:
    schedule = Schedule(parse(GEMM))
    with pytest.raises(
        ValueError, match=r"^'vectorise' is no primitive: choose one of split, fuse, reorder, "
    ):
        schedule.step(Step("vectorise", {"loop": "i"}))
    with pytest.raises(ValueError, match=r"^'fuse' takes outer, inner, name, not 'loop'$"):
        schedule.step(Step("fuse", {"loop": "i"}))
    assert schedule.trace == ()


@settings(max_examples=80, deadline=None)
@given(programs(), st.integers(0, 10**6))
def test_random_schedules_of_random_programs_of_floats_compute_the_same(program: Function, seed: int) -> None:
    order = fuzz.random.Random(seed)
    schedule = Schedule(program)
    for _ in range(6):
        primitive, arguments = fuzz.random_step(schedule, order)
        try:
            schedule.do(primitive, **arguments)
        except (Refused, LookupError, ValueError):
            continue
    given = arrays_for(program, seed)
    reassociating = {"rfactor", "vectorize", "reorder", "tile", "online", "merge", "decompose_reduction"}
    exact = not reassociating & {step.primitive for step in schedule.trace}
    assert_same(interpreted(schedule.function, given, seed), interpreted(program, given), exact)
    assert replay(program, schedule.json()).function == schedule.function


def test_the_fuzz_finds_nothing_in_some_programs() -> None:
    counts = fuzz.fuzz(iter(range(150)), every=50)
    assert counts["schedules"] == 150
    assert counts["steps accepted"] > 200
    assert counts["compiled"] == 3
    assert counts["loop unknown"] == 0


def test_the_fuzz_reaches_each_primitive() -> None:
    counts = fuzz.Counter()
    wanted = set(fuzz.PRIMITIVES) - {"online", "trim", "replace_with"}  # their forms are too rare to draw
    for seed in itertools.count(1000):
        counts += fuzz.fuzz(iter([seed]))
        if all(counts[f"accepted {name}"] for name in wanted):
            break
        assert seed < 2000, {name for name in wanted if not counts[f"accepted {name}"]}
