"""CUDA source without a GPU: DLight's rules schedule a module for a device that is named by a tag."""

from __future__ import annotations

from typing import Any

import tvm
from tvm import te

from lowering_explorer.adapters.frame_modules import remembered_misses
from lowering_explorer.adapters.tvm_build import imported_module


def product(size: int, dtype: str) -> Any:
    """A module with the product of two square matrices, unscheduled."""
    a, b = (te.placeholder((size, size), dtype, name=name) for name in "AB")
    k = te.reduce_axis((0, size), name="k")
    c = te.compute((size, size), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    return tvm.IRModule({"main": te.create_prim_func([a, b, c]).with_attr("global_symbol", "main")})


def cuda_source(module: Any, device: str) -> str:
    """The CUDA C++ of a module of TensorIR for a device such as "nvidia/nvidia-a100".

    Returns "" where nothing ran on the device: TVM compiles an unscheduled function for the host, and says
    so nowhere. Raises ValueError for a tag that TVM does not know.
    """
    found = imported_module(tvm.compile(module, target=cuda(device)).mod, "cuda")
    return str(found.inspect_source()) if found else ""


def cuda(device: str) -> Any:
    """The target of a tag, with LLVM for the host."""
    return tvm.target.Target(device, host="llvm")


def scheduled(module: Any, device: str) -> Any:
    """The module after the rules that TVM's pipeline for CUDA uses, in its order."""
    with remembered_misses():  # the rule for products imports TVM's tensor intrinsics
        from tvm.s_tir import dlight

        rules = ("Matmul", "GEMV", "Reduction", "GeneralReduction", "Fallback")
        given = tvm.IRModule(
            dict(module.functions_items())
        )  # some rules change the module that they are given
        with cuda(device):
            return dlight.ApplyDefaultSchedule(*(getattr(dlight.gpu, rule)() for rule in rules))(given)
