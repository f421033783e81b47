"""Takes each census in a process of its own.

Three compilers in one process share one heap, and a capture runs them with their dumps switched on; a
crash of one of them would end a notebook. Here it becomes an error that names the compiler.
"""

from __future__ import annotations

import importlib
import inspect
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from level_map.census import (
    Artefact,
    Function,
    census_inductor,
    census_numpy,
    census_tvm,
    census_xla,
)

CENSUSES = {"NumPy": census_numpy, "XLA": census_xla, "Inductor": census_inductor, "TVM": census_tvm}
ERROR = re.compile(r"[\w.]+(Error|Exception|Failed|Unsupported)\b")  # the line that ends a traceback


class CensusFailed(RuntimeError):
    """A compiler could not take the function, or its process died; the message names compiler and cause."""


def census(
    compiler: str, function: Function, arrays: Sequence[np.ndarray], time_limit: float = 120
) -> dict[str, Artefact]:
    """The artefacts of `function` at `arrays` (NumPy) by level, from `compiler` in a fresh process.

    A function of an importable module is imported there; one defined in a notebook is sent as source and
    must stand on its own. Raises ValueError for an unknown compiler and CensusFailed.
    """
    if compiler not in CENSUSES:
        raise ValueError(f"no census of {compiler!r}; choose one of {', '.join(CENSUSES)}")
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder) / "request", Path(folder) / "answer"
        request.write_bytes(pickle.dumps((compiler, *_sent(function), list(arrays))))
        command = [sys.executable, "-m", "level_map.capture", str(request), str(answer)]
        try:
            process = subprocess.run(command, capture_output=True, text=True, timeout=time_limit, check=False)
        except subprocess.TimeoutExpired:
            raise CensusFailed(f"{compiler} was still working after {time_limit:g} s") from None
        if process.returncode == 0:
            artefacts: dict[str, Artefact] = pickle.loads(answer.read_bytes())
            return artefacts
    raise CensusFailed(f"{compiler} failed: {_cause(process)}")


def _sent(function: Function) -> tuple[str, str, str]:
    """Module, name and source of a function; no source where the module can be imported."""
    if function.__module__ != "__main__":
        return function.__module__, function.__name__, ""
    return "", function.__name__, textwrap.dedent(inspect.getsource(function))


def _received(module: str, name: str, source: str) -> Function:
    if not source:
        function: Function = getattr(importlib.import_module(module), name)
        return function
    names: dict[str, Any] = {}
    exec(compile(source, name, "exec"), names)
    return names[name]  # type: ignore[no-any-return]


def _cause(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        return f"its process died with {signal.Signals(-process.returncode).name}"
    errors = [line for line in process.stderr.splitlines() if ERROR.match(line)]
    return errors[-1] if errors else process.stderr.strip()[-300:]


def main() -> None:
    """Answer one request: ``python -m level_map.capture REQUEST ANSWER``."""
    request, answer = map(Path, sys.argv[1:])
    compiler, module, name, source, arrays = pickle.loads(request.read_bytes())
    answer.write_bytes(pickle.dumps(CENSUSES[compiler](_received(module, name, source), arrays)))


if __name__ == "__main__":
    main()
