"""What a recording asks of a device; an implementation brings its framework along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class NoDevice(Exception):
    """The machine lacks the device; one sentence that says what to do."""


@dataclass(frozen=True)
class Peaks:
    """What the device reached in programs that do nothing else: the ceilings of a roofline.

    `bandwidth` is in GB/s, bytes read and bytes written together; `arithmetic` maps a kind of number
    ("float32", "bfloat16") to the GFLOP/s of its matrix product. `how` says what was run.
    """

    bandwidth: float
    arithmetic: Mapping[str, float]
    how: str

    def shortest(self, flops: int, moved: int, arithmetic: str) -> tuple[float, str]:
        """Seconds below which the roofline allows no program of `flops` operations on `moved` bytes.

        With them comes what sets the limit: "memory" or "arithmetic" (Williams, Waterman and Patterson
        2009). Raises KeyError for a kind of number without a ceiling.
        """
        memory = moved / self.bandwidth / 1e9
        compute = flops / self.arithmetic[arithmetic] / 1e9
        return (memory, "memory") if memory >= compute else (compute, "arithmetic")


@dataclass(frozen=True)
class Stopwatch:
    """A clock for the calls of one runtime; `time` runs `work` once and returns its seconds.

    `name` says what the seconds hold and what was done before: launch or not, cold caches or warm.
    """

    name: str
    time: Callable[[Callable[[], object]], float]


class Device(Protocol):
    """A device that can run cases."""

    @property
    def name(self) -> str:
        """The model, as its driver gives it."""

    @property
    def driver(self) -> str:
        """The version of the driver."""

    @property
    def toolkit(self) -> str:
        """The name and version of what its programs are built with, such as "CUDA 13.0"."""

    def synchronise(self) -> None:
        """Wait until everything that was launched is done; raise what went wrong in it."""

    def stopwatch(self, runtime: str) -> Stopwatch:
        """The clock for calls through `runtime`: each runtime launches on streams of its own."""

    def peaks(self) -> Peaks:
        """Measure the ceilings."""
