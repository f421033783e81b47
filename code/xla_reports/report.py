"""`report`: one compilation by XLA for this CPU, in a process whose log and dumps are kept."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowering_explorer.adapters.hlo_text import computations, instruction
from lowering_explorer.function_source import sent
from lowering_explorer.lower import ENVIRONMENT
from xla_reports.kernels import Kernel, kernels
from xla_reports.memory import MemoryPlan, memory_plan
from xla_reports.passes import Pass, passes

# The log is decided when the process starts; an accelerator's plugin would look for a device.
_LOGGED = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "hlo_pass_pipeline=2", "JAX_PLATFORMS": "cpu"}


class CompilationFailed(RuntimeError):
    """XLA did not compile the function; the message is one sentence that says why."""


@dataclass(frozen=True)
class Report:
    """What XLA did: its passes in order, the kernels that are left, the memory plan, the optimised HLO."""

    passes: tuple[Pass, ...]
    kernels: tuple[Kernel, ...]
    memory: MemoryPlan
    hlo: str


def report(
    function: Callable[..., Any],
    *arrays: Any,
    options: Mapping[str, Any] | None = None,
    time_limit: float = 120.0,
) -> Report:
    """Compile `function` for the dtypes and shapes of `arrays` and read what XLA wrote.

    `options` are XLA's own, by name; `time_limit` is in seconds. One thread is assumed, as everywhere in
    `lowering_explorer`. Raises NotSendable for a function that no other process can find, and
    CompilationFailed.
    """
    types = [(tuple(array.shape), str(array.dtype)) for array in arrays]
    with tempfile.TemporaryDirectory(prefix="xla-report-") as name:
        folder = Path(name)
        (folder / "question").write_bytes(pickle.dumps((sent(function), types, dict(options or {}))))
        command = [sys.executable, "-m", "xla_reports.worker", str(folder)]
        try:
            process = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=time_limit,
                check=False,
                env=os.environ | ENVIRONMENT | _LOGGED,
            )
        except subprocess.TimeoutExpired:
            raise CompilationFailed(
                f"XLA was still at work after {time_limit:g} s; raise the time limit or take smaller shapes"
            ) from None
        if process.returncode:
            raise CompilationFailed(_cause(process))
        return _read(folder / "dump", process.stderr)


def _cause(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        return f"XLA's process died with {signal.Signals(-process.returncode).name}"
    return f"XLA refused: {(process.stderr.strip().splitlines() or ['no reason given'])[-1]}"


def _read(dump: Path, log: str) -> Report:
    def text(suffix: str) -> str:
        return next(dump.glob(f"*cpu_after_optimizations{suffix}.txt")).read_text()

    hlo = text("")
    size = sum(
        instruction(line) is not None
        for name, lines in computations(hlo).items()
        if name != "ENTRY"  # there a second time, under its own name
        for line in lines
    )
    memory = memory_plan(text("-buffer-assignment"), text("-live-range"))
    return Report(passes(log, size), tuple(kernels(hlo)), memory, hlo)
