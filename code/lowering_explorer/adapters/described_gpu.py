"""A CUDA device that PyTorch's compiler can ask about, and that does not exist.

Inductor asks a device for its properties and writes code for them; only launching the code needs the device.
The figures are those of NVIDIA's architecture white papers and of the table of compute capabilities in the
CUDA programming guide.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch._C._autograd import DeviceType
from torch._dynamo import device_interface
from torch._inductor.fx_passes.joint_graph import UniformValueConstantFolder
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = "cuda:0"
_GUARDS = "_ZN3c104impl26device_guard_impl_registryE"  # c10::impl::device_guard_impl_registry, by DeviceType


@dataclass(frozen=True)
class DescribedGPU:
    """What `torch.cuda.get_device_properties` would say; sizes are in bytes."""

    name: str
    major: int
    minor: int
    multi_processor_count: int
    total_memory: int
    L2_cache_size: int
    shared_memory_per_multiprocessor: int
    shared_memory_per_block_optin: int
    shared_memory_per_block: int = 48 << 10
    regs_per_multiprocessor: int = 65536
    max_threads_per_multi_processor: int = 2048
    max_threads_per_block: int = 1024
    warp_size: int = 32
    gcnArchName: str = ""  # noqa: N815, of AMD's GPUs; Inductor asks every GPU

    @property
    def capability(self) -> int:
        """Such as 90."""
        return 10 * self.major + self.minor


GPUS = {
    "sm_80": DescribedGPU("A100", 8, 0, 108, 40 << 30, 40 << 20, 164 << 10, 163 << 10),
    "sm_90": DescribedGPU("H100", 9, 0, 132, 80 << 30, 50 << 20, 228 << 10, 227 << 10),
    "sm_100": DescribedGPU("B200", 10, 0, 148, 180 << 30, 126 << 20, 228 << 10, 227 << 10),
}


@contextlib.contextmanager
def described(gpu: DescribedGPU) -> Iterator[None]:
    """Within the context, `gpu` is the one device of CUDA."""
    device_interface.get_interface_for_device("cpu")  # registers the default interfaces, and not again later
    interfaces = dict.fromkeys(("cuda", DEVICE), _interface(gpu))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_guard_without_driver())
        stack.enter_context(patch.dict(device_interface.device_interfaces, interfaces))
        for owner, name, value in (
            (torch.cuda, "get_device_properties", _always(gpu)),
            (torch.cuda, "get_device_capability", _always((gpu.major, gpu.minor))),
            (torch.cuda, "current_device", _always(0)),
            (torch.cuda, "device_count", _always(1)),
            (UniformValueConstantFolder, "run", _folded_on_the_cpu(UniformValueConstantFolder.run)),
        ):
            stack.enter_context(patch.object(owner, name, value))
        yield


@contextlib.contextmanager
def _guard_without_driver() -> Iterator[None]:
    """Within the context, to make CUDA's device the current one does nothing, as it does for the device meta.

    PyTorch's operators set the current device by a guard before they look at their tensors. A build for CPUs
    has none for CUDA, and `FakeTensorMode` replaces that of a build for CUDA only.
    """
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    guards = (ctypes.c_void_p * len(DeviceType.__members__)).in_dll(library, _GUARDS)
    cuda, meta = DeviceType.CUDA.value, DeviceType.Meta.value
    before = guards[cuda]
    guards[cuda] = guards[meta]
    try:
        yield
    finally:
        guards[cuda] = before


def _folded_on_the_cpu(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Inductor finds out which tensors hold one value by computing one element of each."""

    def run_on_the_cpu(folder: Any) -> Any:
        with _OnTheCPU():
            return run(folder)

    return run_on_the_cpu


class _OnTheCPU(TorchDispatchMode):  # type: ignore[misc]
    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Any = (), keywords: Mapping[str, Any] | None = None
    ) -> Any:
        keywords = keywords or {}
        return operator(*arguments, **{**keywords, **dict.fromkeys({"device"} & keywords.keys(), "cpu")})


def _always(answer: Any) -> Callable[..., Any]:
    return lambda *arguments, **keywords: answer


def _interface(gpu: DescribedGPU) -> type[device_interface.CudaInterface]:
    """PyTorch's interface of CUDA devices, with answers instead of calls of the driver."""
    answers = {
        "current_device": 0,
        "device_count": 1,
        "get_compute_capability": gpu.capability,
        "get_device_properties": gpu,
        "is_available": True,
        "is_bf16_supported": True,
        "is_triton_capable": True,
        "raise_if_triton_unavailable": None,
        "set_device": None,
        "synchronize": None,
    }
    methods = {name: staticmethod(_always(answer)) for name, answer in answers.items()}
    worker = type("Worker", (device_interface.CudaInterface.Worker,), methods)
    return type("DescribedInterface", (device_interface.CudaInterface,), {**methods, "Worker": worker})
