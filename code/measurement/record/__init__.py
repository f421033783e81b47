"""Recordings: what kernels do on hardware that the build machine lacks, checked first, then timed.

`python -m measurement.record gpu module:function` runs the cases that the function names and writes a
file per device, which pages show with its stamp.
"""

from measurement.record.case import CannotRun, Case, Suite, Work
from measurement.record.device import Device, NoDevice, Peaks, Stopwatch
from measurement.record.recording import Recording, UnreadableRecording, read_recordings
from measurement.record.result import Result
from measurement.record.source import digest_of, source_of
from measurement.record.suite import UnknownSuite, load_suite

__all__ = [
    "CannotRun",
    "Case",
    "Device",
    "NoDevice",
    "Peaks",
    "Recording",
    "Result",
    "Stopwatch",
    "Suite",
    "UnknownSuite",
    "UnreadableRecording",
    "Work",
    "digest_of",
    "load_suite",
    "read_recordings",
    "source_of",
]
