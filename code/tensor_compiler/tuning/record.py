"""What tuning found, one line of JSON for each candidate: it replays, and `compile` takes the best."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..printer import show
from ..rules import RULES, Rule
from ..schedule import Schedule, replay
from ..stage import Staged
from ..statement import Function
from ..target import Target
from .clock import host

WON = ("first", "faster")  # the verdicts that make a candidate the incumbent


@dataclass(frozen=True)
class Place:
    """What must agree for times to mean the same."""

    workload: str
    machine: str
    compiler: str
    threads: int


@dataclass(frozen=True)
class Record(Place):
    """A candidate: what was chosen, the steps it led to, and what came of it.

    `pairs` holds seconds of the candidate and of the incumbent beside it; `seconds`, 0 if it was not timed,
    is the time of the incumbent times the median of the ratios, so that what slowed both cancels.
    """

    choices: dict[str, Any]
    trace: list[dict[str, Any]]
    verdict: str
    seconds: float
    pairs: list[list[float]]
    reason: str

    def __post_init__(self) -> None:
        kinds = {"choices": dict, "trace": list, "pairs": list, "seconds": float | int, "threads": int}
        if any(not isinstance(getattr(self, name), kind) for name, kind in kinds.items()):
            raise TypeError("a record holds something else")

    @property
    def json(self) -> str:
        """The trace, for `replay`."""
        return json.dumps(self.trace)

    @property
    def place(self) -> Place:
        return Place(self.workload, self.machine, self.compiler, self.threads)


def workload(function: Function) -> str:
    """The name of a loop function, and a digest of its text."""
    return f"{function.name} {hashlib.sha256(show(function).encode()).hexdigest()[:16]}"


def load(path: str | Path) -> list[Record]:
    """The records in a file, none if there is no file. A line that is none is skipped, with a warning."""
    records = []
    lines = Path(path).read_bytes().splitlines() if Path(path).exists() else []
    for number, line in enumerate(lines, 1):
        try:
            records.append(Record(**json.loads(line)))
        except (TypeError, ValueError):
            warnings.warn(f"line {number} of {Path(path).name} is no record and is skipped", stacklevel=2)
    return records


def append(path: Path, record: Record) -> None:
    """Write a record behind the others, on a line of its own even if the last one was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.tell()
        file.seek(max(size - 1, 0))
        cut = b"\n" if size and file.read() != b"\n" else b""
        file.write(cut + json.dumps(asdict(record)).encode() + b"\n")


def best(records: Sequence[Record]) -> Record | None:
    """The incumbent that `records` of one place end with."""
    return min((each for each in records if each.verdict in WON), key=lambda each: each.seconds, default=None)


def best_schedules(
    path: str | Path, threads: int | None = None, rules: Mapping[str, Rule] = RULES
) -> dict[str, Rule]:
    """For `compile(..., schedules=...)`: the best recorded trace of each group, on this machine, with this
    compiler and as many threads (all cores); `rules` for what has no record.
    """
    records = load(path)

    def rule(schedule: Schedule, group: Staged, target: Target) -> None:
        here = host()
        place = Place(workload(schedule.function), here.machine, target.version, threads or here.cores)
        found = best([each for each in records if each.place == place])
        again = replayed(schedule.function, found) if found else None
        if again is None:
            rules[group.pattern](schedule, group, target)
        for step in again.trace if again else ():
            schedule.step(step)

    return dict.fromkeys(rules, rule)


def replayed(function: Function, record: Record) -> Schedule | None:
    """The schedule of a record; None, with a warning, if the primitives no longer take its steps."""
    try:
        return replay(function, record.json)
    except (ValueError, LookupError, TypeError) as error:
        reason = str(error).splitlines()[0]
        warnings.warn(f"a record of {record.workload} no longer replays, tune again: {reason}", stacklevel=2)
        return None
