"""Two programs against each other on one clock.

A machine drifts: its frequency changes, neighbours come and go. Timing all of A and then all of B
puts that drift into the result. Here the two run in pairs, in random order within each pair, and each
pair gives one ratio, in which what slowed both cancels. The median of the ratios ignores the pairs
that something disturbed; a bootstrap over the pairs gives its interval (Singh and Xie, Bootstrap: A
Statistical Method).
"""

from __future__ import annotations

import html
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from measurement.environment import threads_of_this_process
from measurement.machine import describe_machine

SHORTEST_SAMPLE = 1_000_000  # ns; shorter calls are repeated until a sample lasts this long
WARM_UP_CALLS = 20
STEADY = 0.2  # two successive calls this close, relative to the longer, end the warm-up
CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Clock:
    """A clock by name; `read` returns nanoseconds."""

    name: str
    read: Callable[[], int]


# CPU time of all threads leaves out what other processes did; wall time is what a user waits for.
CPU_TIME = Clock("CPU time", time.process_time_ns)
WALL_TIME = Clock("wall time", time.perf_counter_ns)


def _with_children() -> int:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)


# A compiler that starts another one, such as a C compiler, spends most of its time there.
CPU_TIME_WITH_CHILDREN = Clock("CPU time, ended children included", _with_children)


@dataclass(frozen=True)
class Comparison:
    """The time of `first` over the time of `second`: above 1, `second` is the faster one.

    `median` and `interval` (95 % bootstrap) are dimensionless; `pairs` is how many ratios they rest on;
    `spread` is the ratio of the 90th to the 10th percentile of the pairs, the noise of a single one.
    """

    first: str
    second: str
    median: float
    interval: tuple[float, float]
    spread: float
    pairs: int
    clock: str
    threads: str
    machine: str

    @property
    def tie(self) -> bool:
        """Whether the interval covers 1, so that nothing can be said about which is faster."""
        low, high = self.interval
        return low <= 1 <= high

    @property
    def verdict(self) -> str:
        """One clause: who is faster and by what factor, or that it is a tie."""
        if self.tie:
            return f"{self.first} and {self.second} tie"
        fast, slow = (self.second, self.first) if self.median > 1 else (self.first, self.second)
        factor = max(self.median, 1 / self.median)
        return f"{fast} takes {factor:.3g} times less than {slow}"

    @property
    def ratio(self) -> str:
        """The median with its interval, such as "2.31 [2.20, 2.45]": the form that prose quotes."""
        return f"{self.median:.3g} [{self.interval[0]:.3g}, {self.interval[1]:.3g}]"

    def __str__(self) -> str:
        return (
            f"{self.first} / {self.second} = {self.ratio}: {self.verdict}\n"
            f"  {self.clock}, {self.pairs} interleaved pairs, a single pair varies by a factor of "
            f"{self.spread:.2f}\n  {self.threads}; {self.machine}"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<pre>{html.escape(str(self))}</pre>"}

    def __float__(self) -> float:
        raise TypeError(
            "a comparison is a ratio with an interval, not a number: print it, quote its .ratio, "
            "or state .median and .interval together"
        )


def compare(
    first: Callable[[], object],
    second: Callable[[], object],
    *,
    pairs: int = 40,
    clock: Clock = CPU_TIME,
    names: tuple[str, str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Time two functions of no arguments against each other in interleaved pairs.

    Each must wait for its own work (`block_until_ready` under JAX). Both are called until two calls in a
    row take about the same time, so that compilation and cold caches stay outside; calls shorter than a
    millisecond are repeated within a sample. Raises ValueError for fewer than 10 pairs.
    """
    if pairs < 10:
        raise ValueError(f"{pairs} pairs cannot give an interval; use at least 10")
    shortest = min(_warm_up(function, clock) for function in (first, second))
    calls = max(1, -(-SHORTEST_SAMPLE // max(shortest, 1)))
    order = random.Random(seed)
    ratios = []
    for _ in range(pairs):
        sample = {}
        for name, function in order.sample([("first", first), ("second", second)], k=2):
            sample[name] = _sample(function, clock, calls)
        ratios.append(max(sample["first"], 1) / max(sample["second"], 1))
    median, interval = median_with_interval(np.array(ratios), seed)
    tenth, ninetieth = np.percentile(ratios, [10, 90])
    named = names or (_name(first), _name(second))
    return Comparison(
        *named,
        median=median,
        interval=interval,
        spread=float(ninetieth / tenth),
        pairs=pairs,
        clock=clock.name,
        threads=threads_of_this_process(),
        machine=describe_machine(),
    )


def median_with_interval(ratios: np.ndarray, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """The median of `ratios` (n,) and its percentile-bootstrap interval at 95 %."""
    generator = np.random.default_rng(seed)
    resampled = generator.choice(ratios, size=(RESAMPLES, len(ratios)))
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.median(resampled, axis=1), [tail, 100 - tail])
    return float(np.median(ratios)), (float(low), float(high))


def _warm_up(function: Callable[[], object], clock: Clock) -> int:
    """Call until steady; return the nanoseconds of the last call."""
    previous = _sample(function, clock, 1)
    for _ in range(WARM_UP_CALLS):
        current = _sample(function, clock, 1)
        if abs(current - previous) <= STEADY * max(current, previous):
            return current
        previous = current
    return previous


def _sample(function: Callable[[], object], clock: Clock, calls: int) -> int:
    began = clock.read()
    for _ in range(calls):
        function()
    return clock.read() - began


def _name(function: Callable[[], object]) -> str:
    return getattr(function, "__name__", type(function).__name__)
