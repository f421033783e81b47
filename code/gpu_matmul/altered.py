"""A kernel with one line of its source changed: what the compiler and the simulator make of a mistake."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tempfile
from itertools import count
from pathlib import Path
from types import ModuleType

from gpu_matmul import ring

_NUMBERS = count()


def altered(module: ModuleType, old: str, new: str) -> ModuleType:
    """A copy of the module with `old` replaced by `new`, in its source or in that of `ring`, which it uses.

    Raises ValueError where neither holds the text.
    """
    source, shared = inspect.getsource(module), inspect.getsource(ring)
    if old in source:
        return _loaded(source.replace(old, new))
    if old not in shared:
        raise ValueError(f"neither {module.__name__} nor gpu_matmul.ring has the text {old!r}")
    return _loaded(source.replace("gpu_matmul.ring", _loaded(shared.replace(old, new)).__name__))


def _loaded(source: str) -> ModuleType:
    """A module of this source, from a file: Triton reads the lines of a kernel when it is decorated."""
    name = f"altered_kernel_{next(_NUMBERS)}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.py"
        file.write_text(source)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return module
