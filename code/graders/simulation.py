"""A simulated machine on which benchmarks are graded: every true cost is known, nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MS = 1_000_000  # nanoseconds
COMPILATION = 400 * MS


@dataclass
class Machine:
    """A clock in nanoseconds that only work advances, slowed by `drift` of the present time."""

    drift: Callable[[int], float] = lambda now: 1.0
    now: int = 0

    def clock(self) -> int:
        return self.now

    def work(self, nanoseconds: float) -> None:
        self.now += round(nanoseconds * self.drift(self.now))


@dataclass
class Pending:
    """The result of work that a device has been asked to do."""

    machine: Machine
    done_at: int

    def block_until_ready(self) -> Pending:
        self.machine.now = max(self.machine.now, self.done_at)
        return self


@dataclass
class Device:
    """Takes orders in `dispatch` nanoseconds each and works on them one after the other."""

    machine: Machine
    cost: int
    dispatch: int = 5_000
    free_at: int = 0
    orders: int = 0

    def __call__(self) -> Pending:
        self.orders += 1
        self.machine.work(self.dispatch)
        self.free_at = max(self.free_at, self.machine.now) + self.cost
        return Pending(self.machine, self.free_at)


@dataclass
class Compiled:
    """A function whose first calls also compile: `compilations` of them, then it costs `cost`."""

    machine: Machine
    cost: int
    compilations: int = 1
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        self.machine.work(self.cost + (COMPILATION if self.calls <= self.compilations else 0))


@dataclass
class Framework:
    """A compiler: what takes no argument is computed at compile time, once."""

    machine: Machine
    compilations: int = 0

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        compiled = False

        def call(*arguments: Any) -> Any:
            nonlocal compiled
            if not compiled:
                compiled = True
                self.compilations += 1
                self.machine.work(COMPILATION)
            before = self.machine.now
            result = function(*arguments)
            if not arguments:  # a constant: its work was done by the compiler
                self.machine.now = before
            self.machine.work(1_000)
            return result

        return call


@dataclass
class OrderEffect:
    """Every second program to run pays `bonus` more: the one that runs second in a pair."""

    machine: Machine
    bonus: float
    runs: int = 0

    def program(self, cost: int) -> Callable[[], None]:
        def run() -> None:
            self.runs += 1
            self.machine.work(cost * (1 + self.bonus * (self.runs % 2 == 0)))

        return run
