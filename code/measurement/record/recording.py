"""A recording: the results of a suite on one device, with everything that they depend on, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from measurement.record.device import Peaks
from measurement.record.result import RIGHT, Result, Timing

KIND = "gpu"
FORMAT = 1


class UnreadableRecording(Exception):
    """A file that says it is a recording and is none, or is no JSON; one sentence."""


@dataclass(frozen=True)
class Recording:
    """The results in the order of the suite, and their stamp.

    `suite` is the "module:function" that named the cases; `commit` is git's, and says so where files
    differed from it; `date` is ISO 8601 in UTC.
    """

    suite: str
    device: str
    driver: str
    toolkit: str
    machine: str
    versions: Mapping[str, str]
    date: str
    command: str
    commit: str
    peaks: Peaks
    results: Sequence[Result]

    @property
    def file_name(self) -> str:
        """`<device>.json`, in lower case, with hyphens."""
        return f"{re.sub('[^a-z0-9]+', '-', self.device.lower()).strip('-')}.json"

    @property
    def right(self) -> set[str]:
        """The names of the cases that came out right."""
        return {result.name for result in self.results if result.state == RIGHT}

    def to_json(self) -> str:
        """The text that `from_json` reads back."""
        data = {"kind": KIND, "format": FORMAT, **asdict(self)}
        return json.dumps(data, indent=1, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Recording:
        """A recording from `to_json`'s text. Raises UnreadableRecording."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise UnreadableRecording(f"it is no JSON: {error}") from None
        if not is_recording(data):
            raise UnreadableRecording(f"it is not of the kind {KIND!r}")
        if data.get("format") != FORMAT:
            raise UnreadableRecording(
                f"it has the format {data.get('format')!r}, this is {FORMAT}: record again"
            )
        given = {name: value for name, value in data.items() if name not in ("kind", "format")}
        try:
            recording = _fill(Recording, given, "the recording")
            peaks = _fill(Peaks, recording.pop("peaks"), "peaks")
            results = []
            for number, entry in enumerate(recording.pop("results")):
                result = _fill(Result, entry, f"result {number}")
                if result["timing"] is not None:
                    timing = _fill(Timing, result["timing"], f"the timing of result {number}")
                    result["timing"] = Timing(**timing | {"interval": tuple(timing["interval"])})
                results.append(Result(**result))
            return Recording(**recording, peaks=Peaks(**peaks), results=results)
        except (TypeError, ValueError) as error:
            raise UnreadableRecording(str(error)) from None


# What JSON may hold for each annotation of the dataclasses above.
_JSON: Mapping[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "tuple[float, float]": list,
    "Mapping[str, str]": dict,
    "Mapping[str, float]": dict,
    "Sequence[Result]": list,
    "Peaks": dict,
    "Timing | None": (dict, type(None)),
}


def _fill(kind: type, data: object, place: str) -> dict[str, Any]:
    """`data` as arguments of a dataclass. Raises ValueError that names what is missing, extra or mistyped."""
    if not isinstance(data, dict):
        raise ValueError(f"{place} is no object")
    known = {field.name: str(field.type) for field in fields(kind)}
    if missing := sorted(set(known) - set(data)):
        raise ValueError(f"{place} lacks {', '.join(missing)}")
    if extra := sorted(set(data) - set(known)):
        raise ValueError(f"{place} has {', '.join(extra)}, which nothing reads")
    for name, annotation in known.items():
        if not isinstance(data[name], _JSON[annotation]) or isinstance(data[name], bool):
            raise ValueError(f"{place}: {name} is {data[name]!r}, not {annotation}")
    return dict(data)


def is_recording(data: object) -> bool:
    """Whether parsed JSON says that it is a recording of a GPU."""
    return isinstance(data, dict) and data.get("kind") == KIND


def read_recordings(folder: Path) -> list[tuple[Path, Recording]]:
    """The recordings of GPUs among the JSON files of `folder`, by name.

    Raises UnreadableRecording with the path for one that is broken, and for a file that is no JSON.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        try:
            if is_recording(json.loads(text)):
                found.append((path, Recording.from_json(text)))
        except json.JSONDecodeError as error:
            raise UnreadableRecording(f"{path.name} is no JSON: {error}") from None
        except UnreadableRecording as problem:
            raise UnreadableRecording(f"{path.name} cannot be read: {problem}") from None
    return found


class WouldLose(Exception):
    """The new recording lacks what the old one has; one sentence that says where it is instead."""


def write_recording(recording: Recording, folder: Path) -> Path:
    """Write the recording into `folder`, whole or not at all, and return its path.

    Raises WouldLose where a case that was right in the file of the same device is no longer: the old
    file stays, and the new text is beside it in `<file>.refused`, which no page shows.
    """
    path = folder / recording.file_name
    refused = path.with_name(f"{path.name}.refused")
    known = {result.name for result in recording.results}
    if path.exists() and (lost := sorted((_right_before(path) & known) - recording.right)):
        refused.write_text(recording.to_json(), encoding="utf-8")
        raise WouldLose(
            f"{path.name} stays as it was, because {', '.join(lost)}, right in it, is not right now; "
            f"the new recording is {refused.name}: mend the cause and record again, "
            f"or remove {path.name} first"
        )
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(recording.to_json(), encoding="utf-8")
    partial.replace(path)
    refused.unlink(missing_ok=True)
    return path


def _right_before(path: Path) -> set[str]:
    """The cases that are right in an older file; one of another format protects nothing."""
    try:
        return Recording.from_json(path.read_text(encoding="utf-8")).right
    except UnreadableRecording:
        return set()
