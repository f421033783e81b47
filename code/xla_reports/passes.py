"""The passes of one compilation, from the log that XLA writes under TF_CPP_VMODULE=hlo_pass_pipeline=2.

Before each pass the log names it, a hash of the module and the number of its instructions, and after it the
time that it took. A pipeline inside another one is logged as a pass that begins a pipeline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EVENT = re.compile(
    r"hlo_pass_pipeline\.cc:\d+\] +(?:"
    r"Running HLO pass pipeline on module [^:]+: (?P<pipeline>.+)"
    r"|HLO pass: (?P<end>.+) time: .*"
    r"|HLO pass (?P<start>.+)"
    r"|Module hash (?P<hash>\d+)"
    r"|Number of instructions: (?P<size>\d+)"
    r")$"
)


@dataclass(frozen=True)
class Pass:
    """One run of a pass: the pipeline that it is a part of, and the module's instructions around it."""

    pipeline: str
    name: str
    before: int
    after: int
    changed: bool  # by the module's hash, which ignores names


@dataclass
class _Started:
    name: str
    pipeline: str
    hash: str = ""
    size: int = 0


def passes(log: str, final_size: int) -> tuple[Pass, ...]:
    """The passes in the order in which they began, pipelines left out.

    `final_size` is the number of instructions of the optimised module, which the log does not say; by it
    alone the last pass is judged. Raises ValueError for a log without passes.
    """
    started = _started(log)
    if not started:
        raise ValueError("the log names no pass; set TF_CPP_VMODULE=hlo_pass_pipeline=2 before JAX starts")
    followers = [*((each.hash, each.size) for each in started[1:]), ("", final_size)]
    return tuple(
        Pass(
            each.pipeline,
            each.name,
            each.size,
            size,
            each.hash != digest if digest else each.size != size,
        )
        for each, (digest, size) in zip(started, followers, strict=True)
    )


def _started(log: str) -> list[_Started]:
    """Each pass with the state of the module before it."""
    found: list[_Started] = []
    open_passes: list[_Started] = []
    outermost = ""
    for event in filter(None, map(_EVENT.search, log.splitlines())):
        if name := event["pipeline"]:
            if open_passes and open_passes[-1].name == name:
                # What looked like a pass is this pipeline, which may begin again until nothing changes.
                found = [each for each in found if each is not open_passes[-1]]
            else:
                outermost = name
        elif name := event["start"]:
            around = open_passes[-1].name if open_passes else outermost
            open_passes.append(_Started(name, around))
            found.append(open_passes[-1])
        elif event["hash"]:
            open_passes[-1].hash = event["hash"]
        elif event["size"]:
            open_passes[-1].size = int(event["size"])
        elif open_passes:
            open_passes.pop()
    return found
