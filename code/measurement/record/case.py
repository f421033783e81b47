"""A kernel to be recorded, as data: its arguments, its oracle, what it costs, how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from measurement.record.device import Device


class CannotRun(Exception):
    """The case is not for this machine; one sentence that says why and what would help."""


@dataclass(frozen=True)
class Work:
    """A case on the device. `run` launches it once and may return before it is done.

    `result` fetches what the last run wrote as float64 of the oracle's shape.
    """

    run: Callable[[], object]
    result: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Case:
    """One kernel on one input.

    `name` is unique ("triton/rmsnorm"), `title` says what is computed at which sizes, `kernel` is
    "module:object" of the source. `runtime` chooses the device's stopwatch, `arithmetic` its ceiling.
    `flops` and `moved` (bytes) are what the task asks for, not what the kernel happens to do.
    `tolerance` bounds the error of an element, relative to the largest element of the oracle's result.
    `arrays` makes the arguments, the same in every process; `oracle` takes them in float64; `prepare`
    takes them to the device and compiles, and may raise CannotRun.
    """

    name: str
    title: str
    kernel: str
    runtime: str
    arithmetic: str
    flops: int
    moved: int
    tolerance: float
    arrays: Callable[[], list[np.ndarray]]
    oracle: Callable[..., np.ndarray]
    prepare: Callable[[list[np.ndarray]], Work]


@dataclass(frozen=True)
class Suite:
    """Cases that are recorded together, the device that runs them, and the distributions they stand on.

    `device` raises NoDevice where there is none, so that the cases can be listed without one.
    """

    cases: Sequence[Case]
    device: Callable[[], Device]
    distributions: Sequence[str]

    def __post_init__(self) -> None:
        names = [case.name for case in self.cases]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two cases are called {', '.join(doubled)}")

    def chosen(self, patterns: Sequence[str]) -> list[Case]:
        """The cases whose name matches one of `patterns` ("triton/*"), all without a pattern.

        Raises ValueError for a pattern that matches none.
        """
        for pattern in patterns:
            if not any(fnmatchcase(case.name, pattern) for case in self.cases):
                known = ", ".join(case.name for case in self.cases)
                raise ValueError(f"no case is called {pattern!r}; choose of {known}")
        return [
            case
            for case in self.cases
            if not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)
        ]


def relative_error(found: Any, expected: np.ndarray) -> tuple[float, str]:
    """The largest error of an element relative to the largest of `expected`, and a sentence on that element.

    A result of another shape is off by inf, and so is an element that is not finite.
    """
    found = np.asarray(found, dtype=np.float64)
    if found.shape != expected.shape:
        return np.inf, f"the result has the shape {found.shape}, the oracle's {expected.shape}"
    errors = np.abs(found - expected) / np.abs(expected).max()
    errors = np.where(np.isfinite(found), errors, np.inf)
    worst = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
    sentence = f"element {list(worst)} is {found[worst]:.8g}, the oracle says {expected[worst]:.8g}"
    return float(errors[worst]), sentence
