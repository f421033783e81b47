"""Loop functions as machine code: compile the C once, keep the shared object, call it on numpy arrays."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .arguments import Binding, bind
from .c_statement import c_source
from .expression import Buffer, Variable
from .statement import Function
from .target import Target, host_target

RUNTIME = Path(__file__).with_name("runtime.h")


class CompilationFailed(RuntimeError):
    """The C compiler refused what was generated: its first complaint, and the file."""


class Kernel:
    """A compiled loop function. Calling it takes what `interpret` takes, and writes in place without copies.

    `source` is the C, `library` the shared object, `compile_seconds` 0 if it was in the cache.
    """

    def __init__(self, function: Function, target: Target, threads: int) -> None:
        self.function, self.target, self.threads = function, target, threads
        self.source = c_source(function, target)
        started = time.perf_counter()
        self.library, cached = compiled(self.source, target)
        self.compile_seconds = 0.0 if cached else time.perf_counter() - started
        self.entry = getattr(ctypes.CDLL(str(self.library)), function.name)
        self.entry.restype = None
        self.entry.argtypes = [*map(c_type, function.parameters), ctypes.c_int32]

    def __call__(self, *arguments: Any) -> None:
        """Run it. Raises BadArgument, before anything is written."""
        self.bound(*arguments)()

    def bound(self, *arguments: Any) -> Callable[[], None]:
        """Running it on these arguments, checked once. Raises BadArgument."""
        binding = bind(self.function, arguments)
        values = [
            binding.arrays[p.name].ctypes.data if isinstance(p, Buffer) else binding.scalars[p.name]
            for p in self.function.parameters
        ]

        def run(kept: Binding = binding) -> None:  # the arrays live as long as their addresses
            self.entry(*values, self.threads)

        return run


def compile_function(function: Function, target: Target | None = None, threads: int | None = None) -> Kernel:
    """`function` as machine code for `target` (this machine), its parallel loops on `threads` (all cores).

    Raises NoCompiler, Unsupported, CompilationFailed.
    """
    return Kernel(function, target or host_target(), threads or len(os.sched_getaffinity(0)))


def c_type(parameter: Buffer | Variable) -> Any:
    """How a parameter is passed: a buffer by its address."""
    if isinstance(parameter, Buffer):
        return ctypes.c_void_p
    return np.ctypeslib.as_ctypes_type(parameter.dtype.storage)


def cache_folder() -> Path:
    """$TENSOR_COMPILER_CACHE, else a folder in the user's cache."""
    chosen = os.environ.get("TENSOR_COMPILER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "tensor_compiler"


def compiled(source: str, target: Target) -> tuple[Path, bool]:
    """The shared object of `source`, and whether it was there already.

    Its name is a digest of all that it depends on: source, runtime, flags, compiler, and the machine that
    `-march=native` stands for. It appears at once, by a rename: two processes may compile it together.
    """
    depends = (source, RUNTIME.read_text(), target.version, *target.flags, *sorted(target.macros))
    digest = hashlib.sha256("\0".join(depends).encode()).hexdigest()[:32]
    library = cache_folder() / f"{digest}.so"
    if library.exists():
        return library, True
    library.parent.mkdir(parents=True, exist_ok=True)
    written = library.with_suffix(".c")
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        code, made = Path(folder) / "kernel.c", Path(folder) / "kernel.so"
        code.write_text(source)
        command = [target.compiler, *target.flags, "-shared", "-fPIC", f"-I{RUNTIME.parent}"]
        command += [str(code), "-o", str(made), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        code.replace(written)
        if done.returncode:
            complaint = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
            raise CompilationFailed(f"{target.compiler} refuses {written}: {complaint.strip()}")
        made.replace(library)
    return library, False
