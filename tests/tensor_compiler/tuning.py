"""What the tests of tuning share: a matrix product, a rule with choices, and a clock made of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tensor_compiler as tc
from tensor_compiler import Function, Schedule, Target
from tensor_compiler.tuning import (
    Choose,
    Evolutionary,
    Guided,
    Outcome,
    Random,
    Strategy,
    Task,
    Tuned,
)
from tensor_compiler.tuning.clock import verdict

GEMM = """
def gemm(A: f32[16, 32], B: f32[32, 64], C: f32[16, 64]):
    for i in serial(16):
        for j in serial(64):
            C[i, j] = 0.0
            for k in serial(32):
                C[i, j] += A[i, k] * B[k, j]
"""
STRATEGIES: list[Strategy] = [Random(), Evolutionary(), Guided()]
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: type(each).__name__)


def tiles(schedule: Schedule, target: Target, choose: Choose) -> None:
    """A matrix product: nine candidates are legal, and one refusal stands for three more."""
    i, j, k = schedule.loops
    rows = choose("rows", (2, 4, 8, 6))
    _i_o, _j_o, i_i, j_i = schedule.tile([i, j], [rows, 16])
    start = schedule.decompose_reduction(k, i_i)
    order = choose("order", ((0, 1), (1, 0)))
    schedule.reorder(*[(k, i_i)[n] for n in order], j_i)
    schedule.vectorize(j_i, start[-1])
    if order == (0, 1) and choose("unroll", (False, True)):
        schedule.unroll(i_i)


LEGAL = [{"rows": rows, "order": [1, 0]} for rows in (2, 4, 8)] + [
    {"rows": rows, "order": [0, 1], "unroll": unroll} for rows in (2, 4, 8) for unroll in (False, True)
]
REFUSAL = "'i' runs 16 times, which is not known to be a multiple of 6"


def pretend(cost: Callable[[Function], float]) -> Callable[[Task], Outcome]:
    """A clock that shows `cost`, without noise."""

    def clock(task: Task) -> Outcome:
        pair = (cost(task.candidate), cost(task.incumbent or task.candidate))
        return Outcome(verdict([pair] * 15) if task.incumbent else "first", (pair,) * 15)

    return clock


def length_of_text(function: Function) -> float:
    return float(len(tc.show(function)))


def choices(tuned: Tuned) -> list[dict[str, Any]]:
    return [record.choices for record in tuned.records]
