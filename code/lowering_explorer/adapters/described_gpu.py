"""A CUDA device that PyTorch's compiler can ask about, and that does not exist.

Inductor asks a device for its properties and writes code for them; only launching the code needs the device.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch._C._autograd import DeviceType
from torch._dynamo import device_interface
from torch._inductor.fx_passes.joint_graph import UniformValueConstantFolder
from torch.utils._python_dispatch import TorchDispatchMode

from lowering_explorer.adapters.gpus import GPU

DEVICE = "cuda:0"
_GUARDS = "_ZN3c104impl26device_guard_impl_registryE"  # c10::impl::device_guard_impl_registry, by DeviceType


@contextlib.contextmanager
def described(gpu: GPU) -> Iterator[None]:
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


def _interface(gpu: GPU) -> type[device_interface.CudaInterface]:
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
