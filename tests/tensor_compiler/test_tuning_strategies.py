"""Strategies on a made-up clock, and the features of the model."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tests.tensor_compiler.tuning import (
    GEMM,
    choices,
    each_strategy,
    pretend,
)

import tensor_compiler as tc
from tensor_compiler import Function, Schedule, Target, parse
from tensor_compiler.expression import Constant
from tensor_compiler.statement import For
from tensor_compiler.tuning import (
    Choose,
    Evolutionary,
    Guided,
    Outcome,
    Random,
    Space,
    Strategy,
    Task,
    features,
    tune,
)
from tensor_compiler.tuning.cost import NAMES

WIDE = parse("def f(A: f32[64, 64, 64]):\n    for i in serial(64):\n        for j in serial(64):\n"
             "            for k in serial(64):\n                A[i, j, k] = 1.0")  # fmt: skip
POWERS = (2, 4, 8, 16, 32)


def splits(schedule: Schedule, target: Target, choose: Choose) -> None:
    for loop in "ijk":
        schedule.split(loop, choose(loop, POWERS))


def bowl(function: Function) -> float:
    """Least at splits by 16, 4 and 8, and more with each step away from there."""
    inner = [tc.Schedule(function).loops.index(f"{loop}_i") for loop in "ijk"]
    factors = [extents(function)[n] for n in inner]
    return 1 + sum((math.log2(a) - math.log2(b)) ** 2 for a, b in zip(factors, (16, 4, 8), strict=True))


def extents(function: Function) -> list[int]:
    loops = [function.body[0]]
    while isinstance(loops[-1], For):
        loops.append(loops[-1].body[0])
    return [
        int(each.upper.value) for each in loops if isinstance(each, For) if isinstance(each.upper, Constant)
    ]


def vectors(schedule: Schedule, target: Target, choose: Choose) -> None:
    for loop in "jk":
        _, inner = schedule.split(loop, choose(loop, POWERS))
        kind = choose(f"kind of {loop}", ("serial", "unroll", "vectorize"))
        if kind != "serial":
            schedule.do(kind, loop=inner)


def pipeline(function: Function) -> float:
    """Cycles of a simple machine: a store for each vector of 16, two for each round of a loop, and a cache of
    instructions that holds 64 statements.
    """

    def cycles(statements: Sequence[Any]) -> tuple[float, float]:
        total, code = 0.0, 0.0
        for each in statements:
            if not isinstance(each, For):
                total, code = total + 1, code + 1
                continue
            inside, written = cycles(each.body)
            rounds = int(each.upper.value)  # type: ignore[attr-defined]
            vector = each.kind == "vectorized" and not isinstance(each.body[0], For)
            rounds = -(-rounds // 16) if vector else rounds
            total += rounds * (inside + 2 * (each.kind not in ("unrolled", "vectorized")))
            code += written * (rounds if each.kind == "unrolled" else 1)
        return total, code

    total, code = cycles(function.body)
    return total * (1 + max(0, code - 64) / 64)


def trials_until(strategy: Strategy, rule: Any, cost: Any, goal: float, seed: int) -> int:
    """How many candidates are measured until one costs no more than `goal`."""

    def clock(task: Task) -> Outcome:
        if cost(task.candidate) <= goal:
            raise KeyboardInterrupt
        return pretend(cost)(task)

    tuned = tune(WIDE, rule, trials=1000, strategy=strategy, seed=seed, batch=4, measure=clock)
    assert tuned.interrupted
    return 1 + sum(record.verdict != "refused" for record in tuned.records)


@pytest.mark.slow
def test_evolution_finds_the_optimum_of_a_smooth_cost_sooner_than_chance() -> None:
    chance, bred = (
        [trials_until(strategy, splits, bowl, 1.0, seed) for seed in range(12)]
        for strategy in (Random(), Evolutionary())
    )
    assert statistics.mean(bred) <= 0.65 * statistics.mean(chance), (bred, chance)
    assert sum(n <= 40 for n in bred) > sum(n <= 40 for n in chance)


@pytest.mark.slow
def test_the_model_finds_the_best_loops_sooner_than_chance() -> None:
    goal = 1.01 * min(pipeline(each) for each in every(vectors))
    chance, guided = (
        [trials_until(strategy, vectors, pipeline, goal, seed) for seed in range(12)]
        for strategy in (Random(), Guided())
    )
    assert statistics.mean(guided) <= 0.65 * statistics.mean(chance), (guided, chance)
    assert sum(n <= 20 for n in guided) > sum(n <= 20 for n in chance)


def every(rule: Any) -> Iterator[Function]:
    """Where all legal choices lead."""
    space = Space(WIDE, rule, tc.host_target())
    while found := space.take(lambda name, options: options[0]):
        if not found[0].refusal:
            yield found[0].schedule.function


@each_strategy
def test_the_seed_decides_everything_but_the_clock(strategy: Strategy) -> None:
    def search(seed: int, executor: Executor | None = None) -> list[dict[str, Any]]:
        clock = pretend(pipeline)
        return choices(
            tune(WIDE, vectors, trials=20, strategy=strategy, seed=seed, measure=clock, executor=executor)
        )

    with ThreadPoolExecutor(4) as pool:
        assert search(1) == search(1) == search(1, pool)
    assert search(1) != search(2)


def test_features_are_the_counts_that_they_are_named_after() -> None:
    def counts(schedule: Schedule) -> dict[str, float]:
        return dict(zip(NAMES, np.expm1(features(schedule.function)).round(6).tolist(), strict=True))

    schedule = Schedule(parse(GEMM))
    iterations = 16 * 64 * 32
    naive = counts(schedule)
    assert naive == {
        "operations": 2 * iterations, "operations outside of vectors": 2 * iterations,
        "operations outside of threads": 2 * iterations, "lanes": 1,
        "iterations": 16 + 16 * 64 + iterations, "statements when unrolled": 2, "parallel iterations": 1,
        "loads and stores": 3 * iterations + 16 * 64, **dict.fromkeys(["bytes into L1", "bytes into L2",
        "bytes into L3"], 4 * (16 * 32 + 32 * 64 + 2 * 16 * 64)),
    }  # fmt: skip
    schedule.decompose_reduction("k", "j")
    schedule.reorder("k", "j")
    schedule.split("j", 16)
    schedule.vectorize("j_i").unroll("j_o").parallel("i")
    after = counts(schedule)
    assert after["operations outside of vectors"] == after["operations outside of threads"] == 0
    assert (after["lanes"], after["parallel iterations"], after["operations"]) == (16, 16, 2 * iterations)
    assert after["statements when unrolled"] == 1 + 4


def test_tiles_bring_fewer_bytes_into_a_cache() -> None:
    schedule = Schedule(parse(GEMM.replace("16", "512").replace("32]", "512]").replace("64", "512")
                        .replace("f32[32,", "f32[512,").replace("(32)", "(512)")))  # fmt: skip
    naive = np.expm1(features(schedule.function))[NAMES.index("bytes into L1")]
    schedule.tile(["i", "j"], [8, 4])
    tiled = np.expm1(features(schedule.function))[NAMES.index("bytes into L1")]
    assert naive > 512 * 512 * 512 * 4  # B does not fit: all of it again for each row
    assert tiled < naive / 4  # rows of A for four columns, columns of B for eight rows


@pytest.mark.parametrize(("index", "elements"), [("i * 8", 4), ("i + j", 7), ("i * 4 + j", 16), ("j", 4)])
def test_bytes_are_those_of_the_elements_that_loops_touch_together(index: str, elements: int) -> None:
    text = "def f(x: f32[64], y: f32[4, 4]):\n    for i in serial(4):\n        for j in serial(4):\n"
    text += f"            y[i, j] = x[{index}]"
    found = np.expm1(features(parse(text)))[NAMES.index("bytes into L1")]
    assert found == pytest.approx(4 * (16 + elements))
