"""The protocol on simulated clocks: what is true is known, and only one child process takes real time."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from measurement import CPU_TIME, CPU_TIME_WITH_CHILDREN, Clock, compare
from measurement.comparison import median_with_interval

MS = 1_000_000


@dataclass
class SimulatedMachine:
    """A clock that advances by what the simulated programs cost, slowed by the machine's drift."""

    drift: Callable[[int], float] = lambda now: 1.0
    noise: float = 0.0
    outliers: float = 0.0
    now: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def clock(self) -> Clock:
        return Clock("simulated", lambda: self.now)

    def program(self, cost: int) -> Callable[[], None]:
        def run() -> None:
            slow = 50 if self.random.random() < self.outliers else 1
            self.now += int(cost * self.drift(self.now) * self.random.lognormvariate(0, self.noise) * slow)

        return run


def test_a_known_ratio_is_found_exactly_without_noise() -> None:
    machine = SimulatedMachine()
    found = compare(machine.program(6 * MS), machine.program(2 * MS), clock=machine.clock)
    assert found.median == pytest.approx(3)
    assert found.interval == pytest.approx((3, 3))
    assert not found.tie
    assert found.verdict.endswith("takes 3 times less than run")


def test_drift_cancels_in_pairs_and_not_in_blocks() -> None:
    """A machine that becomes four times slower over the experiment."""

    def drift(now: int) -> float:
        return 1 + 3 * now / (1000 * MS)

    machine = SimulatedMachine(drift)
    paired = compare(machine.program(2 * MS), machine.program(2 * MS), clock=machine.clock, pairs=60)
    assert paired.median == pytest.approx(1, abs=0.02)

    machine = SimulatedMachine(drift)
    blocks = []
    for program in (machine.program(2 * MS), machine.program(2 * MS)):
        began = machine.now
        for _ in range(60):
            program()
        blocks.append(machine.now - began)
    assert blocks[1] / blocks[0] > 1.3


def test_outliers_do_not_move_the_median() -> None:
    machine = SimulatedMachine(noise=0.01, outliers=0.05)
    found = compare(machine.program(4 * MS), machine.program(2 * MS), clock=machine.clock, pairs=100)
    assert found.median == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("true_ratio", [1.0, 1.3])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(true_ratio: float) -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        ratios = true_ratio * generator.lognormal(0, 0.2, size=40)
        _, (low, high) = median_with_interval(ratios, seed=trial)
        covered += low <= true_ratio <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_equal_programs_tie() -> None:
    machine = SimulatedMachine(noise=0.1)
    found = compare(machine.program(2 * MS), machine.program(2 * MS), clock=machine.clock, names=("A", "B"))
    assert found.tie
    assert found.verdict == "A and B tie"


def test_short_programs_are_repeated_within_a_sample() -> None:
    machine = SimulatedMachine()
    calls = 0

    def short() -> None:
        nonlocal calls
        calls += 1
        machine.now += 1000

    compare(short, short, clock=machine.clock, pairs=10)
    assert calls >= 2 * 10 * 1000


def test_warm_up_keeps_compilation_out() -> None:
    machine = SimulatedMachine()
    compiled = False

    def with_compilation() -> None:
        nonlocal compiled
        machine.now += 2 * MS if compiled else 900 * MS
        compiled = True

    found = compare(with_compilation, machine.program(2 * MS), clock=machine.clock)
    assert found.median == pytest.approx(1)


def test_a_comparison_is_no_bare_number() -> None:
    machine = SimulatedMachine()
    found = compare(machine.program(2 * MS), machine.program(2 * MS), clock=machine.clock)
    with pytest.raises(TypeError) as refusal:
        float(found)
    assert str(refusal.value) == (
        "a comparison is a ratio with an interval, not a number: print it, quote its .ratio, "
        "or state .median and .interval together"
    )


def test_a_printed_comparison_says_how_it_was_made() -> None:
    machine = SimulatedMachine()
    text = str(
        compare(machine.program(6 * MS), machine.program(2 * MS), clock=machine.clock, names=("A", "<B>"))
    )
    assert text.startswith(
        "A / <B> = 3 [3, 3]: <B> takes 3 times less than A\n  simulated, 40 interleaved pairs"
    )
    assert "threads" in text
    assert "cores" in text


def test_html_is_escaped() -> None:
    machine = SimulatedMachine()
    found = compare(machine.program(2 * MS), machine.program(2 * MS), clock=machine.clock, names=("A", "<B>"))
    assert "&lt;B&gt;" in found._repr_mimebundle_()["text/html"]


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="9 pairs cannot give an interval; use at least 10"):
        compare(lambda: None, lambda: None, pairs=9)


def test_the_clock_with_children_counts_what_an_ended_child_used() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(time.process_time())"
    before, without = CPU_TIME_WITH_CHILDREN.read(), CPU_TIME.read()
    child = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True)
    used = CPU_TIME_WITH_CHILDREN.read() - before - (CPU_TIME.read() - without)
    assert used >= 0.9e9 * float(child.stdout)
