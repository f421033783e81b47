"""Compiles a Triton or Gluon kernel for a GPU that is described, not present, and keeps what each pass left.

The kernel takes Triton's own launch path (`kernel.warmup`), so its types, divisibility hints and constants
are those of a launch with the same arguments. Only the driver is ours: it names a target, it has no device.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase
from triton.compiler.errors import CompilationError
from triton.runtime.jit import MockTensor, get_jit_fn_file_line

from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture

DUMP_PASSES = "MLIR_ENABLE_DUMP"  # print the module before each pass, on standard error


@dataclass(frozen=True)
class Compiled:
    """What Triton made of a kernel for one target."""

    target: GPUTarget
    passes: tuple[tuple[str, str], ...]  # (pass, module after it) in order; "" before the first pass
    texts: Mapping[str, Any]  # Triton's name of a stage (ttir, ..., ptx, cubin) -> text or bytes
    shared_bytes: int
    ptxas_log: str


class CompilationFailed(CannotCapture):
    """Triton refused the kernel; `passes` are those that had run."""

    def __init__(self, reason: str, passes: tuple[tuple[str, str], ...]) -> None:
        super().__init__(reason)
        self.passes = passes


def target_named(name: str) -> GPUTarget:
    """The target that `sm_90` or `gfx942` names. Raises CannotCapture for other names."""
    if cuda := re.fullmatch(r"sm_(\d+)", name):
        return GPUTarget("cuda", int(cuda[1]), 32)
    if re.fullmatch(r"gfx\w+", name):
        return GPUTarget("hip", name, 64 if name.startswith("gfx9") else 32)
    raise CannotCapture(f"there is no target {name!r}; name one like sm_90 (NVIDIA) or gfx942 (AMD)")


def compiled(
    kernel: Any,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    target: GPUTarget,
    keep_passes: bool = False,
) -> Compiled:
    """Compiles a kernel for the target with the arguments, constants and options of a launch.

    An `Array` stands for a pointer that is a multiple of 16 bytes, as allocated memory is.
    Raises CompilationFailed.
    """
    triton.runtime.driver.set_active(_DescribedDevice(target))
    triton.knobs.nvidia.dump_ptxas_log = True
    triton.knobs.compilation.always_compile = True  # a cached kernel has no passes and no log
    arguments, keywords = with_arrays(tuple(arguments), _pointer), with_arrays(dict(keywords), _pointer)
    report = io.StringIO()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as dump:
        failure: Exception | None = None
        with contextlib.redirect_stdout(report), _standard_error_into(dump), _dumping(keep_passes):
            try:
                result = kernel.warmup(*arguments, grid=(1,), **keywords)
            except Exception as error:
                failure = error
        dump.seek(0)
        passes = tuple(_passes(dump.read()))
    if failure:
        raise CompilationFailed(_reason(kernel, failure), passes) from failure
    return Compiled(target, passes, result.asm, result.metadata.shared, report.getvalue())


def _pointer(array: Array) -> MockTensor:
    return MockTensor(array.dtype_name, list(array.shape))


class _DescribedDevice(DriverBase):  # type: ignore[misc]
    """Enough of a driver for Triton to choose a compiler."""

    def __init__(self, target: GPUTarget) -> None:
        self._target = target

    @staticmethod
    def is_active() -> bool:
        return True

    def get_current_target(self) -> GPUTarget:
        return self._target

    def get_current_device(self) -> GPUTarget:
        return self._target  # the key under which a kernel keeps what it compiled

    def get_current_stream(self, device: object) -> int:
        return 0

    def map_python_to_cpp_type(self, ty: str) -> str:
        raise NotImplementedError("a described device launches no kernel")

    def get_active_torch_device(self) -> Any:
        raise NotImplementedError("a described device holds no tensor")

    def get_benchmarker(self) -> Any:
        raise NotImplementedError("a described device measures no time")


@contextlib.contextmanager
def _standard_error_into(file: Any) -> Iterator[None]:
    """MLIR prints from C++, past `sys.stderr`: the file descriptor has to move."""
    saved = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def _dumping(wanted: bool) -> Iterator[None]:
    """Lets MLIR print the module around each pass; Triton's C++ reads the environment when it compiles."""
    if wanted:
        os.environ[DUMP_PASSES] = "1"
    try:
        yield
    finally:
        os.environ.pop(DUMP_PASSES, None)


def _passes(dump: str) -> Iterator[tuple[str, str]]:
    """Reads MLIR's "IR Dump Before" sections: what stands before a pass is what the pass before it left.

    The inliner simplifies each function on its way, as passes of its own that are part of it.
    """
    ran = ""
    parts = re.split(r"^// -----// (.*)$", dump, flags=re.MULTILINE)
    for header, module in zip(parts[1::2], parts[2::2], strict=True):
        before = re.match(r"IR Dump Before \S+ \((\S+)\) \('(\S+)' operation", header)
        if before is None or (ran == "inline" and before.groups() == ("canonicalize", "tt.func")):
            continue
        yield ran, module
        ran = before[1]


def _reason(kernel: Any, error: Exception) -> str:
    """One sentence, with the line in the kernel's file; Triton counts from `def` and quotes what is above."""
    innermost: BaseException = error
    while innermost.__cause__:
        innermost = innermost.__cause__
    said = getattr(innermost, "error_message", None) or str(innermost)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [type(innermost).__name__]
    if isinstance(error, CompilationError) and hasattr(error.node, "lineno"):
        file, first = get_jit_fn_file_line(kernel)
        return f"{PurePath(file).name}, line {first + error.node.lineno - 1}: {lines[-1]}"
    return f"{type(error).__name__}: {lines[-1]}"
