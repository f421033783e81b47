"""Triton: a kernel on tiles (TTIR), on tiles with layouts (TTGIR), LLVM IR, and what several GPUs run.

It compiles ahead of time, so no GPU is needed: NVIDIA's `ptxas` and `nvdisasm` come with Triton.
"""

from __future__ import annotations

from collections.abc import Iterator

from triton.experimental.gluon._runtime import GluonJITFunction
from triton.runtime.autotuner import Autotuner
from triton.runtime.jit import JITFunction

from lowering_explorer.adapters import triton_kernel
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

TARGETS = ("sm_90", "sm_80", "sm_100", "gfx942")


def capture(request: Request) -> Iterator[Stage]:
    """The stages of a kernel for the `targets` of the options, the first one pass by pass."""
    kernel = request.function
    if isinstance(kernel, GluonJITFunction):
        raise CannotCapture("this is a kernel of Gluon; capture it through gluon")
    if isinstance(kernel, Autotuner):
        raise CannotCapture(
            "triton.autotune would time this kernel's configurations on a GPU; take the decorator off and "
            "pass the constants of one configuration"
        )
    if not isinstance(kernel, JITFunction):
        raise CannotCapture(
            "triton takes a kernel decorated with triton.jit; for a plain function take xla, inductor or tvm"
        )
    yield from triton_kernel.stages(request, "Triton", TARGETS)
