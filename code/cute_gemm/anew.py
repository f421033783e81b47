"""Compiles the kernels anew in a process of its own, where the extra is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

COMMAND = ["-m", "cute_gemm"]


def compile_anew() -> dict[str, Any] | None:
    """What `python -m cute_gemm` records, compiled now; None where the extra `cutlass-dsl` is not installed.

    Raises RuntimeError with the last line of what the process said where it fails.
    """
    if importlib.util.find_spec("nvidia_cutlass_dsl") is None:
        return None
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the kernels did not compile: {done.stderr.strip().splitlines()[-1]}")
    recorded: dict[str, Any] = json.loads(done.stdout)
    return recorded
