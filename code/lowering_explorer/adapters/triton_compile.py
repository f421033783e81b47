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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase
from triton.compiler.errors import CompilationError
from triton.runtime.jit import MockTensor, get_jit_fn_file_line

from lowering_explorer.adapters.triton_descriptor import descriptor_for
from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture

# Those that were tried: for others LLVM ends the process.
TARGETS = (
    *("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120"),
    *("gfx90a", "gfx942", "gfx950", "gfx1100"),
)


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
    if name not in TARGETS:
        raise CannotCapture(f"there is no target {name!r}; targets are {', '.join(TARGETS)}")
    if name.startswith("sm_"):
        return GPUTarget("cuda", int(name.removeprefix("sm_")), 32)
    return GPUTarget("hip", name, 64 if name.startswith("gfx9") else 32)


def compiled(
    kernel: Any,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    target: GPUTarget,
    keep_passes: bool = False,
) -> Compiled:
    """Compiles a kernel for the target with the arguments, constants and options of a launch.

    An `Array` stands for a pointer that is a multiple of 16 bytes, as allocated memory is; `Tiles` stand for
    a descriptor that the host makes. Raises CompilationFailed.
    """
    describe = descriptor_for(kernel)
    arguments = with_arrays(tuple(arguments), _pointer, describe)
    keywords = with_arrays(dict(keywords), _pointer, describe)
    kernel.device_caches.clear()  # what this process compiled before has no passes and no log either
    return observed(lambda: kernel.warmup(*arguments, grid=(1,), **keywords), kernel, target, keep_passes)


def describe_device(target: GPUTarget) -> None:
    """From now on Triton's driver names this target, and has no device."""
    triton.runtime.driver.set_active(_DescribedDevice(target))


def observed(compilation: Callable[[], Any], kernel: Any, target: GPUTarget, keep_passes: bool) -> Compiled:
    """Runs a compilation of the kernel, which returns Triton's result, and keeps what was printed on the way.

    Raises CompilationFailed.
    """
    describe_device(target)
    knobs = triton.knobs
    report = io.StringIO()
    result, failure = None, None
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        with (
            contextlib.redirect_stdout(report),
            _standard_error_into(errors),
            knobs.nvidia.scope(),
            knobs.compilation.scope(),
            knobs.runtime.scope(),
        ):
            knobs.nvidia.dump_ptxas_log = True
            knobs.compilation.always_compile = True  # a cached kernel has no passes and no log
            knobs.runtime.add_stages_inspection_hook = _dump_passes if keep_passes else None
            try:
                result = compilation()
            except Exception as error:
                failure = error
        errors.seek(0)
        printed = errors.read()
    passes = tuple(_passes(printed, result and result.asm["ttgir"]))
    if result is None:
        raise CompilationFailed(_reason(kernel, failure, printed), passes) from failure
    return Compiled(target, passes, result.asm, result.metadata.shared, report.getvalue())


def _dump_passes(
    backend: Any = None, stages: dict[str, Callable[..., Any]] | None = None, *_: Any
) -> tuple[str, str]:
    """Triton's hook on the steps of a compilation: lets MLIR print the module before each pass of two steps.

    After those the module is in LLVM's dialect, which grows to hundreds of megabytes.
    """

    def dumped(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(module: Any, metadata: Any) -> Any:
            os.environ["MLIR_ENABLE_DUMP"] = "1"  # Triton's C++ reads it when a step begins
            try:
                return step(module, metadata)
            finally:
                del os.environ["MLIR_ENABLE_DUMP"]

        return run

    if stages:
        stages |= {name: dumped(step) for name, step in stages.items() if name in ("ttir", "ttgir")}
    return "dump_passes", "dump_passes"  # what Triton adds to the key of its cache


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


def _passes(printed: str, last: str | None) -> Iterator[tuple[str, str]]:
    """What each pass left: what MLIR printed before the next one, and `last` after the last one.

    The inliner simplifies each function on its way, as passes of its own that are part of it.
    """
    ran, found = "", False
    parts = re.split(r"^// -----// (.*)$", printed, flags=re.MULTILINE)
    for header, module in zip(parts[1::2], parts[2::2], strict=True):
        before = re.match(r"IR Dump Before \S+ \((\S+)\) \('(\S+)' operation", header)
        if before is None or (ran == "inline" and before.groups() == ("canonicalize", "tt.func")):
            continue
        yield ran, module
        ran, found = before[1], True
    if found and last:
        yield ran, last


def _reason(kernel: Any, error: Exception | None, printed: str) -> str:
    """One sentence, with the line in the kernel's file; Triton counts from `def` and quotes what is above."""
    innermost: BaseException | None = error
    while innermost and innermost.__cause__:
        innermost = innermost.__cause__
    said = getattr(innermost, "error_message", None) or str(innermost)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [type(innermost).__name__]
    if isinstance(error, CompilationError) and hasattr(error.node, "lineno"):
        file, first = get_jit_fn_file_line(kernel)
        return f"{PurePath(file).name}, line {first + error.node.lineno - 1}: {lines[-1]}"
    if diagnostic := re.search(r"^(\S+:\d+:\d+|.*): error: (.*)$", printed, re.MULTILINE):
        return f"{PurePath(diagnostic[1]).name}: {diagnostic[2]}"
    return f"{type(error).__name__}: {lines[-1]}"
