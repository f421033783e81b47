"""Runs one case on a device: the result is checked, then the clock runs, then the result is checked again."""

from __future__ import annotations

import math

import numpy as np

from measurement.comparison import median_with_interval
from measurement.record.case import CannotRun, Case, Work, relative_error
from measurement.record.device import Device, Peaks
from measurement.record.result import FAILED, NOT_RUN, RIGHT, WRONG, Result, Timing
from measurement.record.source import digest_of

WARM_UP = 10
SAMPLES = 100


def measure(case: Case, device: Device, peaks: Peaks) -> Result:
    """The result of `case`. A wrong one is never timed; whatever a kernel raises becomes its reason."""

    def outcome(state: str, error: float | None, reason: str = "", timing: Timing | None = None) -> Result:
        known = error if error is not None and math.isfinite(error) else None
        digest = digest_of(case.kernel)
        return Result(
            case.name, case.title, case.kernel, digest, state, known, case.tolerance, reason, timing
        )

    try:
        arrays = case.arrays()
        expected = case.oracle(*(array.astype(np.float64) for array in arrays))
        work = case.prepare(arrays)
        work.run()
        device.synchronise()
        error, worst = relative_error(work.result(), expected)
        if not error <= case.tolerance:
            return outcome(WRONG, error, _too_far(worst, error, case.tolerance))
        timing = _timing(case, work, device, peaks)
        error, worst = relative_error(work.result(), expected)
        if not error <= case.tolerance:
            return outcome(WRONG, error, f"right once, then wrong: {_too_far(worst, error, case.tolerance)}")
        return outcome(RIGHT, error, timing=timing)
    except CannotRun as refusal:
        return outcome(NOT_RUN, None, str(refusal))
    except Exception as problem:  # a compiler or a driver may raise anything, and the other cases go on
        return outcome(FAILED, None, f"{type(problem).__name__}: {_first_line(str(problem))}")


def _timing(case: Case, work: Work, device: Device, peaks: Peaks) -> Timing:
    stopwatch = device.stopwatch(case.runtime)
    for _ in range(WARM_UP):
        work.run()
    device.synchronise()
    seconds = np.array([stopwatch.time(work.run) for _ in range(SAMPLES)])
    device.synchronise()
    median, interval = median_with_interval(seconds)
    shortest, limit = peaks.shortest(case.flops, case.moved, case.arithmetic)
    return Timing(median, interval, SAMPLES, stopwatch.name, 100 * shortest / median, limit)


def _too_far(worst: str, error: float, tolerance: float) -> str:
    if not math.isfinite(error):
        return worst
    return f"{worst}: an error of {error:.2e}, the tolerance is {tolerance:.2e}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "without a message")
