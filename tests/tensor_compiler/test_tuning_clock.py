"""The clock: verdicts beyond noise, turns, what is compared before anything is timed."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from tests.tensor_compiler.tuning import (
    GEMM,
)

import tensor_compiler as tc
from tensor_compiler import parse
from tensor_compiler.tuning.clock import difference, interval, timed, verdict


def test_the_interval_holds_the_median_whatever_the_distribution() -> None:
    draw = np.random.default_rng(3)
    for sample in (draw.lognormal(0, 1, (3000, 15)), draw.standard_cauchy((3000, 15)) + 1):
        held = [low <= 1 <= high for low, high in map(interval, sample.tolist())]
        assert 0.985 < np.mean(held) < 0.998  # 0.9926 in theory
    assert interval([3, 1, 2, 4, 5, 6, 7, 8]) == (1, 8)
    assert interval([1.0] * 7) == (0.0, math.inf)


def test_verdicts() -> None:
    assert verdict([(1.0, 2.0)] * 15) == "faster"
    assert verdict([(2.0, 1.0)] * 15) == "slower"
    assert verdict([(1.0, 2.0)] * 11 + [(9.0, 1.0)] * 4) == "tie"  # four of fifteen were disturbed
    assert verdict([(1.0, 2.0)] * 13 + [(9.0, 1.0)] * 2) == "faster"
    assert verdict([(3.0, 1.0)] * 3) == "slower"  # hopeless: it was not timed further
    assert verdict([(1.5, 1.0)] * 3) == "tie"
    assert verdict([(1.0, 1.0)] * 15) == "tie"


def test_one_thread_is_timed_by_its_own_clock_and_more_by_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def watched(name: str) -> Callable[[], float]:
        clock = getattr(time, name)
        return lambda: (read.append(name), clock())[1]

    for name in ("thread_time", "perf_counter"):
        monkeypatch.setattr(time, name, watched(name))
    naive, target = parse(GEMM), tc.host_target()
    for threads, name in ((1, "thread_time"), (2, "perf_counter")):
        kernels = [tc.compile_function(naive, target, threads) for _ in range(2)]
        arguments = [np.ones(buffer.extents, np.float32) for buffer in naive.buffers]
        read.clear()
        assert len(list(timed(*kernels, arguments, 9))) in (3, 9)
        assert set(read) == {name}


class Stub:
    """A kernel that takes so many seconds on a clock of its own."""

    threads = 1

    def __init__(self, seconds: float, now: list[float]) -> None:
        self.seconds, self.now, self.calls = seconds, now, 0

    def bound(self, *arguments: Any) -> Callable[[], None]:
        def run() -> None:
            self.now[0] += self.seconds
            self.calls += 1

        return run


@pytest.mark.parametrize(
    ("candidate", "incumbent", "turns"), [(3e-4, 1e-4, 3), (1.5e-4, 1e-4, 15), (1e-4, 3e-4, 15)]
)
def test_short_calls_are_repeated_and_a_hopeless_candidate_is_timed_no_further(
    monkeypatch: pytest.MonkeyPatch, candidate: float, incumbent: float, turns: int
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])
    one, other = Stub(candidate, now), Stub(incumbent, now)
    pairs = list(timed(cast(Any, one), cast(Any, other), [], 15))
    assert [first / second for first, second in pairs] == pytest.approx([candidate / incumbent] * turns)
    for stub in (one, other):  # a sample lasts a millisecond; three calls before that said how long one takes
        each, rest = divmod(stub.calls - 3, turns)
        assert rest == 0
        assert 1e-3 <= each * stub.seconds < 1e-3 + 2 * stub.seconds


def test_a_candidate_is_hopeless_only_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])
    one, other = Stub(2e-3, now), Stub(2e-3, now)
    turns = timed(cast(Any, one), cast(Any, other), [], 15)
    ratios = []
    for seconds in itertools.cycle((9e-3, 2e-3)):
        one.seconds = seconds if ratios else 2e-3
        if (pair := next(turns, None)) is None:
            break
        ratios.append(pair[0] / pair[1])
    assert len(ratios) == 15
    assert sum(ratio > 4 for ratio in ratios) == 7


def test_bf16_is_compared_as_numbers() -> None:
    naive = parse("def f(y: bf16[2]):\n    for i in serial(2):\n        y[i] = bf16(1.0)")
    one, two, near = (np.array([0x3F80, bits], np.uint16) for bits in (0x3F80, 0x4000, 0x3F81))
    assert difference(naive, [two], [one]) == "y[1] is 2, the naive loops give 1"
    assert difference(naive, [near], [one]) == ""
