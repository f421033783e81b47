"""`python -m measurement.record gpu module:function -o folder`.

Exit status: 0 if every case that can run on this device came out right, 1 if one did not or the
recording could not be made, 2 for bad usage.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from measurement.machine import describe_machine
from measurement.record.case import Suite
from measurement.record.device import Device, NoDevice, Peaks
from measurement.record.measure import measure
from measurement.record.recording import KIND, Recording, WouldLose, write_recording
from measurement.record.result import NOT_RUN, RIGHT, Result
from measurement.record.suite import load_suite


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    try:
        suite = load_suite(options.suite)
        chosen = suite.chosen(options.case)
        if options.output is not None and not options.output.is_dir():
            raise ValueError(f"{options.output} is no folder; make it first, or name another after -o")
    except ValueError as refusal:
        print(f"measurement.record: {refusal}", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{case.name}: {case.title}" for case in chosen))
        return 0
    try:
        device = suite.device()
        peaks = device.peaks()
        print(f"{device.name}, driver {device.driver}, {device.toolkit}\n{_described(peaks)}", flush=True)
        results = [_reported(measure(case, device, peaks)) for case in chosen]
        if options.output is None or options.case:
            print("nothing was written: a recording holds all cases, and goes into the folder after -o")
        else:
            command = shlex.join(["python", "-m", "measurement.record", *given])
            recording = _recording(options.suite, suite, device, command, peaks, results)
            print(f"wrote {write_recording(recording, options.output)}")
    except (NoDevice, WouldLose) as refusal:
        print(f"measurement.record: {refusal}", file=sys.stderr)
        return 1
    return 0 if all(result.state in (RIGHT, NOT_RUN) for result in results) else 1


def _reported(result: Result) -> Result:
    print(line(result), flush=True)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m measurement.record",
        description="Check kernels against their oracles on a device, time the right ones, record both.",
        epilog="Exit status: 0 all cases for this device are right, 1 some are not or nothing could be "
        "recorded, 2 bad usage.",
    )
    parser.add_argument("kind", choices=[KIND], help="the kind of device")
    parser.add_argument("suite", metavar="module:function", help="names the cases: recorded_kernels:kernels")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where <device>.json goes; without it, or with --case, results are printed only",
    )
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="run these cases only, such as 'triton/*'; may be given again",
    )
    parser.add_argument("--list", action="store_true", help="name the cases; needs no device")
    return parser


def line(result: Result) -> str:
    """One line on a case."""
    if result.timing is None:
        return f"{result.name}: {result.state}: {result.reason}"
    timing = result.timing
    low, high = (bound * 1e6 for bound in timing.interval)
    return (
        f"{result.name}: error {result.error:.1e} of {result.tolerance:.1e}, "
        f"{timing.seconds * 1e6:.4g} us [{low:.4g}, {high:.4g}], "
        f"{timing.percent:.3g} % of the peak of {timing.limit}"
    )


def _described(peaks: Peaks) -> str:
    arithmetic = ", ".join(f"{name} {value:.4g} GFLOP/s" for name, value in peaks.arithmetic.items())
    return f"measured peaks: {peaks.bandwidth:.4g} GB/s, {arithmetic}"


def _recording(
    name: str, suite: Suite, device: Device, command: str, peaks: Peaks, results: Sequence[Result]
) -> Recording:
    return Recording(
        suite=name,
        device=device.name,
        driver=device.driver,
        toolkit=device.toolkit,
        machine=describe_machine(),
        versions={"python": platform.python_version(), **_versions(suite.distributions)},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        commit=commit(Path(__file__).parent),
        peaks=peaks,
        results=results,
    )


def _versions(distributions: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit(folder: Path) -> str:
    """The commit that `folder` is checked out from, and whether files of the tree differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown, outside a checkout"
    return f"{head} with uncommitted changes" if changed else head
