"""Tuning: the space of choices, incumbents and noise, real measurements."""

from __future__ import annotations

import itertools
import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tensor_compiler.tuning import (
    GEMM,
    LEGAL,
    REFUSAL,
    each_strategy,
    length_of_text,
    pretend,
    tiles,
)

import tensor_compiler as tc
from tensor_compiler import Function, Schedule, Target, parse, replay
from tensor_compiler.primitives import PRIMITIVES
from tensor_compiler.statement import For, Store
from tensor_compiler.traversal import map_statements
from tensor_compiler.tuning import (
    Choose,
    Outcome,
    Random,
    Record,
    Space,
    Strategy,
    Task,
    best_schedules,
    load,
    measure,
    tune,
    workload,
)
from tensor_compiler.tuning.clock import verdict
from tensor_compiler.tuning.tuner import REFUSALS


@each_strategy
@pytest.mark.parametrize("seed", range(3))
def test_every_candidate_is_proposed_once_and_an_illegal_one_never_again(
    strategy: Strategy, seed: int
) -> None:
    tuned = tune(
        parse(GEMM), tiles, trials=100, strategy=strategy, seed=seed, measure=pretend(length_of_text)
    )
    refused = [record for record in tuned.records if record.verdict == "refused"]
    assert [(each.choices, each.reason) for each in refused] == [({"rows": 6}, REFUSAL)]
    legal = [record.choices for record in tuned.records if record.verdict != "refused"]
    assert sorted(map(str, legal)) == sorted(map(str, LEGAL))
    assert legal[0] == {"rows": 2, "order": [0, 1], "unroll": False}  # what is listed first


def test_a_space_is_a_tree_whose_branches_close() -> None:
    asked: list[tuple[str, ...]] = []

    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        first = choose("first", ("a", "b"))
        asked.append((first,) if first == "a" else (first, choose("second", ("c", "d"))))

    space = Space(parse(GEMM), rule, tc.host_target())
    drawn = [space.take(lambda name, options: options[-1]) for _ in range(4)]
    assert [each.choices for found in drawn for each in found] == [
        {"first": "b", "second": "d"}, {"first": "b", "second": "c"}, {"first": "a"},
    ]  # fmt: skip
    assert space.exhausted
    assert asked == [("b", "d"), ("b", "c"), ("a",)]


def test_choice_points_that_are_none_are_refused() -> None:
    def twice(schedule: Schedule, target: Target, choose: Choose) -> None:
        choose("rows", (1, 2))
        choose("rows", (1, 2))

    def empty(schedule: Schedule, target: Target, choose: Choose) -> None:
        choose("rows", ())

    with pytest.raises(ValueError, match=r"^'rows' is chosen twice: give each choice point its own name$"):
        tune(parse(GEMM), twice)
    with pytest.raises(ValueError, match=r"^'rows' has no options: give at least one$"):
        tune(parse(GEMM), empty)


def test_the_incumbent_changes_only_beyond_noise_and_drift_cancels() -> None:
    """Candidates by their number of rows: 4 is a fifth faster, 8 is faster within noise."""
    speed = {2: 10.0, 4: 8.0, 8: 7.9}

    def rows_of(function: Function) -> int:
        return next(n for n in speed if f"i_i in serial({n})" in tc.show(function))

    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        schedule.split("i", choose("rows", (2, 4, 8)))

    def clock(task: Task) -> Outcome:
        mine, its = rows_of(task.candidate), rows_of(task.incumbent or task.candidate)
        noise = itertools.cycle((0.9, 1.1) if mine == 8 else (1.0,))
        drift = 10.0 ** rows_of(task.candidate)  # the machine is in another mood each time
        pairs = tuple((speed[mine] * drift * next(noise), speed[its] * drift) for _ in range(15))
        return Outcome(verdict(pairs) if task.incumbent else "first", pairs)

    tuned = tune(parse(GEMM), rule, batch=1, strategy=Fixed(), measure=clock)
    assert [(each.choices["rows"], each.verdict) for each in tuned.records] == [
        (2, "first"), (4, "faster"), (8, "tie"),
    ]  # fmt: skip
    assert tuned.best is not None
    assert tuned.best.choices == {"rows": 4}
    first, second = tuned.records[:2]
    assert second.seconds / first.seconds == pytest.approx(0.8)
    assert str(tuned) == f"gemm: {second.seconds:.3g} s with {{'rows': 4}} (1 first, 1 faster, 1 tie)"


class Fixed:
    """The options in the order they are listed."""

    def propose(
        self, space: Space, records: Sequence[Record], count: int, dice: random.Random
    ) -> list[tc.tuning.Candidate]:
        return space.take(lambda name, options: options[0])


def test_a_batch_meets_one_incumbent_and_the_fastest_of_it_wins() -> None:
    tasks: list[Task] = []

    def clock(task: Task) -> Outcome:
        tasks.append(task)
        return pretend(length_of_text)(task)

    tuned = tune(parse(GEMM), tiles, trials=9, batch=4, strategy=Random(), measure=clock)
    assert len({id(task.incumbent) for task in tasks[1:5]}) == 1
    assert tuned.best is not None
    assert tuned.best.seconds == min(length_of_text(task.candidate) for task in tasks)


def test_a_real_search_keeps_what_replays(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tuned = tune(parse(GEMM), tiles, trials=5, records=path, threads=1)
    assert load(path) == list(tuned.records)
    assert tuned.best is not None
    measured = [record for record in tuned.records if record.verdict != "refused"]
    assert len(measured) == 5
    for record in measured:
        assert record.verdict in ("first", "faster", "slower", "tie")
        assert len(record.pairs) in (3, 15)
        assert record.seconds > 0
        again = replay(parse(GEMM), record.json)
        rebuilt = Schedule(parse(GEMM))
        tiles(rebuilt, tc.host_target(), lambda name, options, record=record: options[
            [json.loads(json.dumps(each)) for each in options].index(record.choices[name])])  # fmt: skip
        assert again.function == rebuilt.function
        assert (again.json(), again.show()) == (rebuilt.json(), rebuilt.show())
        assert record.workload == workload(parse(GEMM))
        assert (record.compiler, record.threads) == (tc.host_target().version, 1)
    assert tuned.schedule.json() == tuned.best.json


def product(a: Any, b: Any) -> Any:
    return a @ b


def test_the_best_record_is_applied_by_compile(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    a, b = (np.random.default_rng(n).random((32, 32), np.float32) for n in range(2))
    (group,) = tc.compile(product, a, b, backend="interpreter").programs[0].groups
    tuned = tune(group.function, tiles, trials=3, records=path, threads=1)
    compiled = tc.compile(product, a, b, threads=1, schedules=best_schedules(path, threads=1))
    assert compiled.programs[0].schedules[0].json() == tuned.schedule.json()
    np.testing.assert_allclose(compiled(a, b), a @ b, rtol=1e-5)
    usual = tc.compile(product, a, b).programs[0].schedules[0].json()
    for schedules in (best_schedules(path, threads=7), best_schedules(tmp_path / "none.jsonl")):
        other = tc.compile(product, a, b, schedules=schedules)
        assert other.programs[0].schedules[0].json() == usual
    wider = np.random.default_rng(2).random((32, 48), np.float32)
    other = tc.compile(product, a, wider, threads=1, schedules=best_schedules(path, threads=1))
    np.testing.assert_allclose(other(a, wider), a @ wider, rtol=1e-5)


def test_a_record_that_no_longer_replays_is_passed_over_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tuned = tune(parse(GEMM), tiles, trials=3, records=path, measure=pretend(length_of_text))
    steps = [{"primitive": "mend", "arguments": {}}]
    stale = [replace(each, trace=steps) if each.seconds else each for each in tuned.records]
    path.write_text("".join(json.dumps(vars(each)) + "\n" for each in stale))
    said = f"a record of {stale[0].workload} no longer replays, tune again: 'mend' is no primitive: choose"
    with pytest.warns(UserWarning, match=rf"^{said}"):
        again = tune(parse(GEMM), tiles, trials=2, records=path, measure=pretend(length_of_text))
    assert [each.verdict for each in again.records if each.seconds][:1] == ["first"]


@contextmanager
def primitive(name: str, rewrite: Callable[[Function], Function]) -> Iterator[None]:
    """A primitive that nobody checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRIMITIVES, name, rewrite)
        yield


def one_round_less(function: Function) -> Function:
    return map_statements(
        lambda each: (
            replace(each, upper=each.upper - 1) if isinstance(each, For) and each.name == "j" else each
        ),
        function,
    )


def half(function: Function) -> Function:
    return map_statements(
        lambda each: replace(each, value=each.value + 0.5) if isinstance(each, Store) else each, function
    )


@pytest.mark.parametrize(("wrong", "where"), [(one_round_less, r"C\[0, 63\]"), (half, r"C\[0, 0\]")])
def test_a_wrong_candidate_is_rejected_before_it_is_timed(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Function], Function], where: str
) -> None:
    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        if choose("cheat", (False, True)):
            schedule.do("cheat")

    clocked: list[Function] = []
    clock = sys.modules["tensor_compiler.tuning.clock"].timed

    def watched(candidate: Any, *rest: Any) -> Any:
        clocked.append(candidate.function)
        return clock(candidate, *rest)

    monkeypatch.setattr("tensor_compiler.tuning.clock.timed", watched)
    with primitive("cheat", wrong):
        tuned = tune(parse(GEMM), rule)
        assert [record.verdict for record in tuned.records] == ["first", "wrong"]
        assert re.fullmatch(rf"{where} is \S+, the naive loops give \S+", tuned.records[1].reason)
        assert clocked == [parse(GEMM)]
        assert tuned.best == tuned.records[0]

        def cheat(schedule: Schedule, target: Target, choose: Choose) -> None:
            schedule.do("cheat")

        alone = tune(parse(GEMM), cheat)
    assert (alone.best, alone.schedule.function) == (None, parse(GEMM))
    assert str(alone) == "gemm: no candidate runs (1 wrong)"


def test_a_candidate_that_c_cannot_say_fails_with_the_reason() -> None:
    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        if choose("registers", (False, True)):
            schedule.cache_write("C", "i", "registers")

    tuned = tune(parse(GEMM), rule)
    assert [record.verdict for record in tuned.records] == ["first", "failed"]
    assert "C_c" in tuned.records[1].reason
    assert tuned.records[1].pairs == []


COPIES = """
def copies(a: bf16[8], b: f16[8], c: s8[8], d: u8[8], e: s32[8], f: f64[8], y: f32[8], z: s32[8]):
    for i in serial(8):
        y[i] = f32(a[i]) + f32(b[i]) + f32(f[i])
        z[i] = s32(c[i]) + s32(d[i]) + e[i]
        a[i] = bf16(f32(a[i]) * 2.0)
"""


def test_random_arguments_of_every_dtype_and_arrays_that_are_read_and_written() -> None:
    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        if choose("unroll", (False, True)):
            schedule.unroll("i")

    tuned = tune(parse(COPIES), rule)
    assert [record.verdict for record in tuned.records][:1] == ["first"]
    assert tuned.records[1].verdict in ("faster", "slower", "tie"), tuned.records[1].reason


ROWS = """
def rows(n: s64, x: f32[n, 8], which: s32[4], y: f32[4, 8]):
    for i in serial(4):
        for j in serial(8):
            y[i, j] = x[s64(which[i]), j]
"""


def row_arguments() -> list[Any]:
    draw = np.random.default_rng(5)
    return [draw.random((6, 8), np.float32), np.array([5, 0, 3, 3], np.int32), np.zeros((4, 8), np.float32)]


def test_what_cannot_be_drawn_is_asked_for() -> None:
    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        if choose("vectors", (False, True)):
            schedule.vectorize("j")

    said = r"^'{}' of 'rows' cannot be drawn at random: pass inputs=, a function that gives the arguments$"
    with pytest.raises(ValueError, match=said.format("n")):
        tune(parse(ROWS), rule)
    with pytest.raises(ValueError, match=said.format("which")):
        tune(parse(ROWS.replace("n: s64, ", "").replace("[n,", "[6,")), rule)
    with pytest.raises(ValueError, match=r"^7 pairs show no difference beyond noise: take at least 8$"):
        tune(parse(ROWS), rule, inputs=row_arguments, pairs=7)
    tuned = tune(parse(ROWS), rule, inputs=row_arguments, pairs=8)
    assert [record.verdict for record in tuned.records][:1] == ["first"]
    assert tuned.records[1].verdict in ("faster", "slower", "tie"), tuned.records[1].reason


def test_measuring_runs_nothing_that_was_not_checked() -> None:
    """The numbers come first even for the first candidate, which has no rival."""
    naive = parse(GEMM)
    outcome = measure(Task(naive, half(naive), None, tc.host_target(), 1))
    assert (outcome.verdict, outcome.pairs) == ("wrong", ())


def test_a_search_of_refusals_ends() -> None:
    def rule(schedule: Schedule, target: Target, choose: Choose) -> None:
        schedule.split("i", choose("factor", range(17, 1000)))

    tuned = tune(parse(GEMM), rule, trials=2)
    assert {record.verdict for record in tuned.records} == {"refused"}
    assert 2 < len(tuned.records) <= 2 * REFUSALS
