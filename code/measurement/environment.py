"""What must be in the environment before a process starts: threads and the allocator.

Every runtime has its own switch and reads it once, when its library is loaded; setting one later does
nothing, without a word. XLA's CPU client takes the size of its pool from NPROC; the XLA_FLAGS that are
often quoted for it have no effect.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

THREAD_SWITCHES = {
    "OMP_NUM_THREADS": "PyTorch, Inductor",
    "OPENBLAS_NUM_THREADS": "NumPy",
    "MKL_NUM_THREADS": "PyTorch",
    "NPROC": "XLA",
    "TVM_NUM_THREADS": "TVM",
}

# glibc returns blocks of 32 MB and more to the system when they are freed, so that each call which
# allocates its result pays a page fault per 4 KB of it. These keep such blocks in the process.
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}


def single_threaded(threads: int = 1) -> dict[str, str]:
    """The environment in which every runtime of the book uses `threads` threads."""
    return {switch: str(threads) for switch in THREAD_SWITCHES}


def threads_of_this_process() -> str:
    """What this process' environment says about threads, for the record beside a ratio."""
    values = {switch: os.environ.get(switch) for switch in THREAD_SWITCHES}
    if len(set(values.values())) == 1:
        value = next(iter(values.values()))
        return f"threads: {value}, by {', '.join(values)}" if value else "threads: each runtime's own default"
    return "threads: " + ", ".join(f"{name}={value or 'default'}" for name, value in values.items())


class FreshProcessFailed(RuntimeError):
    """The program ended with an error; the message holds the end of what it wrote to stderr."""


def run_fresh(program: str, environment: Mapping[str, str], time_limit: float = 120) -> Any:
    """Run Python source in a new interpreter under `environment` and return the JSON that it prints last.

    Raises FreshProcessFailed when it fails or is still running after `time_limit` seconds.
    """
    try:
        result = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=time_limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FreshProcessFailed(f"the program was still running after {time_limit:g} s") from None
    if result.returncode:
        raise FreshProcessFailed(f"the program failed: {result.stderr.strip()[-400:]}")
    return json.loads(result.stdout.splitlines()[-1])
