"""What the first call of a compiled function costs, in processor seconds, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FirstCall:
    """Processor seconds by phase, runs of the C++ compiler by purpose, and what the caches said."""

    seconds: dict[str, float]
    compilations: dict[str, int]
    caches: dict[str, int]


def first_call(
    function: Callable[..., Any], shapes: Sequence[Sequence[int]], folder: Path, time_limit: float = 240
) -> FirstCall:
    """Call `torch.compile(function)` once in a new process on float32 ones of these shapes.

    All that PyTorch keeps on disk lies in `folder`: an empty one makes everything new, the same one again
    finds what the last process left. The function must be importable. Raises RuntimeError with the end of
    what the process printed, where it fails.
    """
    question = json.dumps([function.__module__, function.__qualname__, list(map(list, shapes))])
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR_")},
        "TMPDIR": str(folder),  # the precompiled header lies in PyTorch's folder for temporary files
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # the C++ compiler runs below this process, and is counted
    }
    process = subprocess.run(
        [sys.executable, "-m", "pytorch_anatomy.first_call", question],
        env=environment,
        capture_output=True,
        text=True,
        timeout=time_limit,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"the first call failed: {process.stderr.strip()[-500:]}")
    return FirstCall(*json.loads(process.stdout.splitlines()[-1]))


def _processor_seconds(who: int) -> float:
    import resource

    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _measure(module: str, name: str, shapes: list[list[int]]) -> FirstCall:
    """Runs in the new process."""
    import importlib
    import resource

    own, below = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    import torch
    from torch._dynamo.utils import counters
    from torch._inductor import cpp_builder

    seconds = {"import torch": _processor_seconds(own)}
    compilations: Counter[str] = Counter()
    cpp: dict[str, float] = {}
    run = cpp_builder._run_compile_cmd

    def counted(command: str, folder: str) -> None:
        began = _processor_seconds(below)
        run(command, folder)
        purpose = _purpose(command)
        compilations[purpose] += 1
        spent = _processor_seconds(below) - began
        cpp[f"C++: {purpose}"] = cpp.get(f"C++: {purpose}", 0.0) + spent

    cpp_builder._run_compile_cmd = counted
    function = getattr(importlib.import_module(module), name)
    tensors = [torch.ones(shape) for shape in shapes]
    began = _processor_seconds(own)
    with torch.no_grad():
        torch.compile(function)(*tensors)
    seconds["Dynamo, AOTAutograd, Inductor"] = _processor_seconds(own) - began
    rest = _processor_seconds(below) - sum(cpp.values())
    caches = {key: n for key, n in counters["inductor"].items() if key.startswith("fxgraph_cache")}
    return FirstCall({**seconds, **cpp, "other processes": max(rest, 0.0)}, dict(compilations), caches)


def _purpose(command: str) -> str:
    """What a run of the C++ compiler is for, by the files that it names."""
    if " -E " in command:
        return "header, checked"
    if "precompiled_headers" in command.partition(" -o ")[2]:
        return "header"
    return "kernel" if "main.cpp" in command else "probe"


if __name__ == "__main__":
    answer = _measure(*json.loads(sys.argv[1]))
    print(json.dumps([answer.seconds, answer.compilations, answer.caches]))
