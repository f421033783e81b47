"""`lower`: one function through several compilers, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lowering_explorer.adapters import Adapter, NotAvailable, adapter
from lowering_explorer.argument import BadArgument, described, written
from lowering_explorer.function_source import plain, sent, source_of
from lowering_explorer.request import Question
from lowering_explorer.stage import Capture, Lowering, Source, Stage
from measurement.machine import describe_machine

DEFAULT = ("xla", "inductor", "tvm")
# One thread and one hash seed: the number of cores changes XLA's text, the seed the order of sets.
ENVIRONMENT = {
    "NPROC": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONDONTWRITEBYTECODE": "1",
}

Progress = Callable[[str, str], None]  # compiler, the stage that it just reached


def lower(
    function: Any,
    *arguments: Any,
    through: Sequence[str] = DEFAULT,
    time_limit: float = 300.0,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **keywords: Any,
) -> Lowering:
    """Capture what each compiler in `through` makes of `function` at `arguments`.

    Arguments are arrays, `Array` descriptions, numbers, or containers of them; only dtypes and shapes are
    used. `keywords` are the constants of a kernel, `time_limit` is in seconds per compiler, `options` go
    to the adapters. A compiler that fails leaves the stages that it reached and a sentence in
    `Capture.problem`.
    Raises NotAvailable, NotSendable and BadArgument (all ValueError), each in one sentence.
    """
    if not through:
        raise NotAvailable("name at least one compiler, such as through=['xla']")
    adapters = [adapter(compiler) for compiler in through]
    _check_options(options or {}, adapters)
    function_sent = sent(function)
    shapes = tuple(described(argument) for argument in arguments)
    constants = {name: described(value) for name, value in keywords.items()}
    source: Source | None = None
    captures = []
    for each in adapters:
        try:
            version = each.version()
        except NotAvailable as absent:
            captures.append(Capture(each.compiler, "", (), str(absent)))
            continue
        question = Question(each.compiler, function_sent, shapes, constants, options or {})
        run = _Run(question, dict(each.environment), time_limit, progress or (lambda compiler, stage: None))
        captures.append(run.capture(version))
        source = source or run.source
    return Lowering(
        plain(function).__name__,
        (*map(written, shapes), *(f"{name}={written(value)}" for name, value in constants.items())),
        replace(source or source_of(function), file=Path((source or source_of(function)).file).name),
        describe_machine(),
        tuple(captures),
    )


def _check_options(options: Mapping[str, Any], adapters: Sequence[Adapter]) -> None:
    """Raises BadArgument for an option that no adapter reads."""
    known = list(dict.fromkeys(name for each in adapters for name in each.options))
    for name in options:
        if name not in known:
            compilers = ", ".join(each.compiler for each in adapters)
            raise BadArgument(
                f"{compilers}: no option {name!r}; "
                + (f"options are {', '.join(known)}" if known else "there are none")
            )


@dataclass
class _Run:
    """One process and what it has said so far."""

    question: Question
    environment: dict[str, str]
    time_limit: float
    progress: Progress
    source: Source | None = None
    stages: list[Stage] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def capture(self, version: str) -> Capture:
        """Run the process to its end, its crash or its time limit."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lowering-") as name:
            folder = Path(name)
            (folder / "question").write_bytes(pickle.dumps(self.question))
            process = subprocess.Popen(
                [sys.executable, "-m", "lowering_explorer.worker", str(folder / "question"), str(folder)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=os.environ | ENVIRONMENT | _own_caches(folder) | self.environment,
                start_new_session=True,  # so that the compilers which it starts end with it
            )
            limit = threading.Timer(self.time_limit, self._stop, [process])
            limit.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.endswith("\n"):  # a killed process may leave half a line
                        self._hear(json.loads(line))
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            finally:
                limit.cancel()
                _kill(process)
        if process.returncode and not self.problem:
            self.problem = _death(process.returncode)
        kibibytes = usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss / 1024
        return Capture(
            self.question.compiler,
            version,
            tuple(self.stages),
            self._with_place(self.problem),
            self.flags,
            round(time.monotonic() - began, 2),
            round(kibibytes / 1024, 1),
        )

    def _hear(self, answer: Mapping[str, Any]) -> None:
        if "stage" in answer:
            self.stages.append(Stage.from_data(answer["stage"]))
            self.progress(self.question.compiler, self.stages[-1].name)
        self.problem = answer.get("problem", self.problem)
        self.flags = answer.get("flags", self.flags)
        if "source" in answer:
            self.source = Source.from_data(answer["source"])

    def _stop(self, process: subprocess.Popen[str]) -> None:
        self.problem = (
            f"it was still at work after {self.time_limit:g} s; raise the time limit or take smaller shapes"
        )
        _kill(process)

    def _with_place(self, problem: str) -> str:
        if not problem:
            return ""
        place = f"after the stage {self.stages[-1].name!r}" if self.stages else "before its first stage"
        return f"{self.question.compiler} stopped {place}: {problem}"


def _own_caches(folder: Path) -> dict[str, str]:
    """The capture's own folders for everything that a compiler writes."""
    return {"TMPDIR": str(folder), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")} | {
        "TRITON_CACHE_DIR": str(folder / "triton")
    }


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _death(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "its process was killed with SIGKILL, as a system without memory does; take smaller shapes"
    if returncode < 0:
        return (
            f"its process died with {signal.Signals(-returncode).name}, in the compiler or in native code of "
            "the function; call the function without the explorer to see in which"
        )
    return f"its process ended with exit status {returncode} and without a word; does the function exit?"
