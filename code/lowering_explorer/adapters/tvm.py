"""TVM: through torch.export into Relax, TensorIR, its virtual machine, LLVM IR and assembly, and into CUDA.

Options: `schedule="dlight"` lets DLight's rules for a CPU schedule the kernels that they fit (reductions and
products of a matrix and a vector); without it, as in TVM's own pipeline for a CPU, none is scheduled.
`cuda="nvidia/nvidia-a40"`, or another tag of a target, names the device that the CUDA source is made for,
which need not be there; `cuda=""` leaves that out.
"""

from __future__ import annotations

from collections.abc import Iterator

import tvm

from lowering_explorer.adapters.torch_errors import REMEDIES as REMEDIES
from lowering_explorer.adapters.tvm_build import processor
from lowering_explorer.adapters.tvm_compile import Compilation
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

DEVICE = "nvidia/nvidia-a100"
SCHEDULES = ("none", "dlight")


def flags() -> dict[str, str]:
    """The processor that the assembly is for."""
    return {"mcpu": str(processor().attrs["mcpu"])}


def capture(request: Request) -> Iterator[Stage]:
    """The stages, each as soon as it is there."""
    return compilation(request).stages()


def compilation(request: Request) -> Compilation:
    """What `capture` runs. Raises CannotCapture for an unknown option."""
    schedule = request.options.get("schedule", "none")
    device = request.options.get("cuda", DEVICE)
    if schedule not in SCHEDULES:
        raise CannotCapture(f"no schedule {schedule!r}; known are {', '.join(SCHEDULES)}")
    if device and not _is_cuda(device):
        raise CannotCapture(f"TVM knows no CUDA device {device!r}; take a tag such as {DEVICE!r}")
    return Compilation(request, schedule, device)


def _is_cuda(device: str) -> bool:
    try:
        return bool(tvm.target.Target(device).kind.name == "cuda")
    except ValueError:
        return False
