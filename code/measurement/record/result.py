"""What became of one case: right with its times, wrong, failed or not run, and then without times."""

from __future__ import annotations

from dataclasses import dataclass

RIGHT, WRONG, FAILED, NOT_RUN = "right", "wrong", "failed", "not run"
STATES = (RIGHT, WRONG, FAILED, NOT_RUN)


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median and its 95 % bootstrap interval over `samples` calls.

    `percent` is the shortest time that the measured peaks allow over the median, times 100; `limit` says
    which peak that is. It exceeds 100 where a kernel beats the program that probed the peak.
    """

    seconds: float
    interval: tuple[float, float]
    samples: int
    clock: str
    percent: float
    limit: str


@dataclass(frozen=True)
class Result:
    """A case with its outcome; `error` is None where no result could be compared, or it was not finite."""

    name: str
    title: str
    kernel: str
    digest: str  # of the kernel's source file when it ran
    state: str
    error: float | None
    tolerance: float
    reason: str  # why it is not right; empty where it is
    timing: Timing | None

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"{self.name}: the state {self.state!r} is none of {', '.join(STATES)}")
        if (self.state == RIGHT) != (self.timing is not None):
            raise ValueError(f"{self.name}: a result has times if and only if it is right")
        if self.state == RIGHT and not (self.error is not None and self.error <= self.tolerance):
            raise ValueError(f"{self.name}: its error exceeds its tolerance, so it is not right")
        if (self.state == RIGHT) == bool(self.reason):
            raise ValueError(f"{self.name}: a result has a reason if and only if it is not right")
