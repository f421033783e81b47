"""The same function through the real compilers: NumPy arrays in, a NumPy array out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]


def with_jax(function: Function) -> Function:
    """`function` compiled by XLA: `jax.jit`, called on NumPy arrays, its result waited for."""
    import jax

    compiled = jax.jit(function)
    return lambda *arrays: np.asarray(compiled(*arrays))


def with_torch(function: Function) -> Function:
    """`function` compiled by Inductor: `torch.compile` without a graph break, called on NumPy arrays."""
    import torch

    compiled = torch.compile(function, fullgraph=True)

    def call(*arrays: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            result: np.ndarray = compiled(*map(torch.from_numpy, arrays)).numpy()
        return result

    return call


@dataclass(frozen=True)
class TvmProgram:
    """A function compiled by TVM: the imported Relax module, the executable, a virtual machine."""

    imported: Any
    executable: Any
    machine: Any

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """Run on copies of `arrays`, which TVM's vector code wants aligned to 64 bytes."""
        import tvm

        result = self.machine["main"](*map(tvm.runtime.tensor, arrays))
        return np.asarray(result.numpy())


def with_tvm(function: Function, arrays: Sequence[np.ndarray], open_rows: bool = False) -> TvmProgram:
    """`function` at the shapes of `arrays`, through torch.export into Relax, compiled for this CPU.

    With `open_rows` the rows of the first argument stay a symbol, for two rows and more.

    The default pipeline of `tvm.compile` fuses nothing on a CPU, so the target's own pipeline is passed.
    """
    import torch
    import tvm
    from tvm import relax
    from tvm.relax.frontend.torch import from_exported_program

    class Module(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *tensors: torch.Tensor) -> Any:
            return function(*tensors)

    rows = {0: torch.export.Dim("rows", min=2)} if open_rows else None
    shapes = {"tensors": (rows, *[None] * (len(arrays) - 1))}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # torch.export copies its trees through copyreg
        exported = torch.export.export(Module(), tuple(map(torch.from_numpy, arrays)), dynamic_shapes=shapes)
        imported = from_exported_program(
            exported, unwrap_unit_return_tuple=True, custom_convert_map={"amax.default": _relax_max}
        )
    processor = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({"kind": "llvm", "mcpu": processor, "num-cores": os.cpu_count() or 1})
    executable = tvm.compile(imported, target=target, relax_pipeline=relax.get_default_pipeline(target))
    return TvmProgram(imported, executable, relax.VirtualMachine(executable, tvm.cpu()))


def _relax_max(node: Any, importer: Any) -> Any:
    """The importer of TVM 0.27 knows `max` along an axis, but not by PyTorch's name `amax`."""
    from tvm import relax

    tensor, axes, keepdims = importer.retrieve_args(node)
    return importer.block_builder.emit(relax.op.max(tensor, axes, keepdims=keepdims))
