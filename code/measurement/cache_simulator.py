"""Cache misses counted, not measured: the same on every machine, whoever else uses it.

A C function runs with a call at each load and store, which looks the address up in two simulated caches of
32 KiB and 1 MiB. Both hold lines of 64 bytes in sets of 8 and forget the line of a set that was touched
longest ago. The processor's own caches differ: they fetch ahead, and some forget by another rule.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SIMULATOR = Path(__file__).with_suffix(".c")
FLAGS = ("-O2", "-march=native", "-fPIC")


@dataclass(frozen=True)
class CacheCounts:
    """How many cache lines loads and stores touched, and how many of these missed each level."""

    touched: int
    missed_l1: int
    missed_l2: int


def simulate_caches(source: str, function: str, *arguments: Any, include: Sequence[Path] = ()) -> CacheCounts:
    """Run `function` of the C text `source` once on one thread, from empty caches; count.

    NumPy arrays are passed as pointers, whole numbers as int; `include` are folders of headers. What the C
    compiler keeps in registers is no access; vectors that the source states are one access each, loops that
    the compiler would make vectors of are not. Raises RuntimeError with one sentence where there is no gcc.
    """
    if shutil.which("gcc") is None:
        raise RuntimeError("the cache simulator needs gcc; on Debian or Ubuntu: sudo apt-get install gcc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.c").write_text(source)
        # Only the program is instrumented: linked without the flag, nobody asks for GCC's own library.
        headers = [f"-I{each}" for each in include]
        _gcc(folder, "-fsanitize=thread", *headers, "-c", "program.c")
        _gcc(folder, "-shared", "program.o", str(SIMULATOR), "-o", "program.so", "-lm")
        library = ctypes.CDLL(str(folder / "program.so"))
    given = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else a for a in arguments]
    entry = getattr(library, function)
    entry.restype = None
    entry(*given)
    return CacheCounts(*(ctypes.c_long * 3).in_dll(library, "counts"))


def _gcc(folder: Path, *arguments: str) -> None:
    subprocess.run(["gcc", *FLAGS, *arguments], cwd=folder, check=True, capture_output=True)
