"""Which passes a compilation ran, and which of them changed the module that they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tvm
import tvm_ffi
from tvm.ir.instrument import pass_instrument

CONTAINERS = ("sequential", "_pipeline")  # they run passes and do nothing themselves


@dataclass(frozen=True)
class PassRun:
    """One run of a pass: on Relax or on TensorIR; `kernels` are the TensorIR functions after it."""

    name: str
    level: str
    changed: bool
    kernels: int


class PassWatch:
    """Collects the runs of all passes in the order in which they end."""

    def __init__(self) -> None:
        self.runs: list[PassRun] = []
        self._given: list[Any] = []

    def instrument(self) -> Any:
        """For the list `instruments` of a `tvm.transform.PassContext`."""
        given, ended = self._given, self._ended

        @pass_instrument  # type: ignore[untyped-decorator, unused-ignore]
        class Instrument:
            def run_before_pass(self, module: Any, info: Any) -> None:
                given.append(module)  # a module that is held elsewhere is not changed in place

            def run_after_pass(self, module: Any, info: Any) -> None:
                ended(info.name, module)

        return Instrument()

    def _ended(self, name: str, module: Any) -> None:
        before = self._given.pop()
        if name not in CONTAINERS:
            level = "TensorIR" if name.startswith(("s_tir.", "tirx.")) else "Relax"
            changed = not tvm_ffi.structural_equal(before, module)
            self.runs.append(PassRun(name.rpartition(".")[2], level, changed, kernels_of(module)))


def kernels_of(module: Any) -> int:
    """The number of TensorIR functions in a module."""
    return sum(isinstance(function, tvm.tirx.PrimFunc) for _, function in module.functions_items())
