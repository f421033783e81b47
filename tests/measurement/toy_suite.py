"""A suite without a framework: `double` on a device that is made up, with each way not to be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from measurement.record import CannotRun, Case, NoDevice, Peaks, Stopwatch, Suite, Work

SECONDS = 40e-6
BYTES = 1_000_000  # 10 us at 100 GB/s


def double(x: np.ndarray) -> np.ndarray:
    return 2 * x


class ToyDevice:
    """Its clock always says SECONDS; `timed` counts what it was asked to time."""

    name, driver, toolkit = "Toy GPU 80GB", "1.2", "TOY 3.4"

    def __init__(self) -> None:
        self.timed = 0

    def synchronise(self) -> None:
        pass

    def stopwatch(self, runtime: str) -> Stopwatch:
        return Stopwatch(f"the clock of {runtime}", self._time)

    def peaks(self) -> Peaks:
        return Peaks(100.0, {"float32": 1000.0}, "made up")

    def _time(self, work: Callable[[], object]) -> float:
        self.timed += 1
        work()
        return SECONDS


def case(name: str, function: Callable[[np.ndarray], np.ndarray] = double) -> Case:
    def prepare(arrays: list[np.ndarray]) -> Work:
        latest: list[np.ndarray] = []

        def run() -> None:
            latest[:] = [function(*arrays)]

        return Work(run, lambda: latest[0].astype(np.float64))

    return Case(
        name=name,
        title="twice an array",
        kernel="tests.measurement.toy_suite:double",
        runtime="toy",
        arithmetic="float32",
        flops=1000,
        moved=BYTES,
        tolerance=1e-6,
        arrays=lambda: [np.arange(1, 9, dtype=np.float32)],
        oracle=lambda x: 2 * x,
        prepare=prepare,
    )


def one_too_few(x: np.ndarray) -> np.ndarray:
    result = 2 * x
    result[5] = 11
    return result


def unfinished(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x)) < 7, 2 * x, np.nan)


def raising(x: np.ndarray) -> np.ndarray:
    raise RuntimeError("\nout of shared memory\nand more")


class Accumulating:
    """Right once: it adds to what it wrote before."""

    def __init__(self) -> None:
        self.result: np.ndarray | float = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.result = self.result + 2 * x
        return np.asarray(self.result)


def elsewhere(arrays: list[np.ndarray]) -> Work:
    raise CannotRun("it is written for another generation")


def broken() -> Suite:
    """A case for each way not to be right, and one that is."""
    cases = [
        case("toy/right"),
        case("toy/wrong", one_too_few),
        case("toy/unfinished", unfinished),
        case("toy/shape", lambda x: x[:3]),
        case("toy/second", Accumulating()),
        case("toy/raising", raising),
        replace(case("toy/elsewhere"), prepare=elsewhere),
    ]
    return Suite(cases, ToyDevice, ("numpy", "no-such-distribution"))


def kernels() -> Suite:
    """All right."""
    return Suite([case("toy/double"), case("toy/again")], ToyDevice, ("numpy",))


def regressed() -> Suite:
    """The same cases, of which one became wrong."""
    return Suite([case("toy/double", one_too_few), case("toy/again")], ToyDevice, ("numpy",))


def interrupted() -> Suite:
    """The same cases, of which the second never ends."""

    def never(x: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    return Suite([case("toy/double"), case("toy/again", never)], ToyDevice, ("numpy",))


def absent() -> Suite:
    """The same cases without their device."""

    def no_device() -> ToyDevice:
        raise NoDevice("there is no toy here; buy one")

    return Suite([case("toy/double"), case("toy/again")], no_device, ("numpy",))


def nothing() -> int:
    return 0
