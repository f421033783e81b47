"""Runs the passes of Triton's compiler for NVIDIA one at a time, and keeps what each of them left.

Triton's backend builds three pipelines from lines such as `passes.ttgpuir.add_coalesce(pm)` and runs each as
a whole. While a kernel compiles here, the names that these lines use stand for recorders: adding a pass notes
it down, and running a pipeline runs its passes one by one, each in a pipeline of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest.mock import patch

from triton.backends.nvidia import compiler as backend

from lowering_explorer.adapters import debug_locations, triton_compile
from lowering_explorer.counting import counted as operations
from lowering_explorer.request import CannotCapture
from offline_kernels.kernel import OfflineKernel, counted


class UnknownPass(ValueError):
    """A pass that should be left out is none of those that ran."""


@dataclass(frozen=True)
class PassRun:
    """One run of a pass: the pipeline that it belongs to, its name, and the module before and after it.

    The texts are without source locations, so a pass that changes nothing else counts as one that changed
    nothing.
    """

    pipeline: str
    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the pass left another module than it found."""
        return self.before != self.after

    def operations(self) -> dict[str, int]:
        """How many of each operation the module holds after the pass."""
        return dict(operations("mlir", self.after))


def step_through(
    target: str, kernel: Any, *arguments: Any, without: Collection[str] = (), **keywords: Any
) -> tuple[list[PassRun], OfflineKernel]:
    """Compile a kernel for a GPU of NVIDIA, pass by pass; a pass whose name is in `without` does not run.

    Arguments are those of `compile_for`. The kernel that comes out is that of an ordinary compilation
    unless passes are left out. Raises UnknownPass, and what `compile_for` raises.
    """
    gpu = triton_compile.target_named(target)
    if gpu.backend != "cuda":
        raise CannotCapture(f"{target} has a backend of its own; step through a target such as sm_90")
    steps = _Steps(frozenset(without))
    recorders: dict[str, Any] = {
        "ir": _Recorder(backend.ir, {"pass_manager": steps.pipeline}),
        "passes": _Recorder(backend.passes, {}),
        "nvidia": _Recorder(backend.nvidia, {}),
    }
    with patch.multiple(backend, **recorders):
        compiled = triton_compile.compiled(kernel, arguments, keywords, gpu)
    if unknown := sorted(steps.without - steps.left_out):
        raise UnknownPass(f"no pass {unknown[0]!r} ran for {target}; print the names of those that did")
    return steps.runs, counted(compiled)


class _Steps:
    """The passes that have run, over all pipelines of one compilation."""

    def __init__(self, without: frozenset[str]) -> None:
        self.without = without
        self.left_out: set[str] = set()
        self.runs: list[PassRun] = []

    def pipeline(self, context: Any) -> _Pipeline:
        return _Pipeline(context, self)


class _Pipeline:
    """Stands for a pass manager of MLIR."""

    def __init__(self, context: Any, steps: _Steps) -> None:
        self._context, self._steps = context, steps
        self.added: list[tuple[str, Callable[[Any], None]]] = []

    def enable_debug(self) -> bool:
        return False  # nothing is dumped on the way

    def run(self, module: Any, pipeline: str) -> None:
        before = _text(module)
        for name, add in self.added:
            if name in self._steps.without:
                self._steps.left_out.add(name)
                continue
            alone = _PASS_MANAGER(self._context)
            add(alone)
            alone.run(module, pipeline)
            after = _text(module)
            self._steps.runs.append(PassRun(pipeline.removeprefix("make_"), name, before, after))
            before = after


class _Recorder:
    """Stands for a module of Triton's bindings: `add_...` is noted in the pipeline, all else goes through."""

    def __init__(self, module: Any, replaced: dict[str, Any]) -> None:
        self._module, self._replaced = module, replaced

    def __getattr__(self, name: str) -> Any:
        if name in self._replaced:
            return self._replaced[name]
        value = getattr(self._module, name)
        if isinstance(value, ModuleType):
            return _Recorder(value, {})
        if not name.startswith("add_"):
            return value

        def note(pipeline: _Pipeline, *options: Any) -> None:
            add = lambda alone: value(alone, *options)  # noqa: E731
            pipeline.added.append((name.removeprefix("add_"), add))

        return note


_PASS_MANAGER = backend.ir.pass_manager


def _text(module: Any) -> str:
    return debug_locations.mlir(str(module), lambda file, line: ())[0]
