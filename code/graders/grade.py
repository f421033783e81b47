"""Runs an answer in a process of its own and turns what happens there into a report."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graders.registry import find
from graders.report import Report

KILLED = {signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU}


def grade(chapter: str, name: str, answer: Callable[..., Any] | type | str | float) -> Report:
    """Grade `answer` to the exercise `name` of `chapter`.

    `answer` is a function or class, whose source is sent, the source itself, or a plain number. A
    function must stand on its own: imports belong inside of it. The process may run for the exercise's
    `seconds` and use its `megabytes`; what it prints is dropped. Raises UnknownExercise, and ValueError
    when a function's source cannot be had.
    """
    exercise = find(chapter, name)
    request = {"chapter": chapter, "name": name, "source": _source(answer, exercise.entry)}
    with tempfile.TemporaryDirectory() as folder:
        verdict = Path(folder) / "verdict.json"
        try:
            process = subprocess.run(
                [sys.executable, "-m", "graders.judge", str(verdict)],
                input=json.dumps(request),
                text=True,
                capture_output=True,
                cwd=folder,
                # each thread of OpenBLAS reserves memory
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **exercise.environment},
                timeout=exercise.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            found = f"it was still running after {exercise.seconds:g} s"
            return Report(chapter, name, (), "ends in time", found, "look for a loop that never ends")
        if verdict.exists():
            judged = json.loads(verdict.read_text())
            return Report(chapter, name, tuple(judged.pop("held")), **judged)
    return Report(chapter, name, (), "lets the grader finish", _death(process.returncode))


def _death(status: int) -> str:
    if -status in KILLED:
        return f"it ended the process with {signal.Signals(-status).name}"
    return f"it ended the process with exit status {status} before all properties were checked"


def _source(answer: Callable[..., Any] | type | str | float, entry: str) -> str:
    """Source that defines `entry`."""
    if isinstance(answer, str):
        return answer
    if not callable(answer):
        return f"{entry} = {answer!r}\n"
    try:
        source = textwrap.dedent(inspect.getsource(answer))
    except (OSError, TypeError):
        raise ValueError(
            f"the source of {answer!r} cannot be had; "
            "define it with def in a cell or a file, or pass its source"
        ) from None
    defined = answer.__name__
    return source if defined == entry else f"{source}\n{entry} = {defined}\n"
