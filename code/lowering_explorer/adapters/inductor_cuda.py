"""Inductor for CUDA without a GPU: the function's graph as Triton kernels, each down to what a GPU runs.

Inductor takes its own path for CUDA, on a device that is described and tensors that have no elements.
Nothing is launched and nothing timed. Options: `targets`, names such as sm_90 (the default): Inductor writes
for the first one, and its kernels are compiled for all; `gemm="triton"` takes Inductor's templates for matrix
products instead of calls of cuBLAS; `dynamic=True` compiles for any extents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
import torch._functorch.config as functorch_config
import torch._inductor.config as inductor_config
from torch._inductor.codecache import PyCodeCache
from torch._inductor.compile_fx import compile_fx
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from lowering_explorer.adapters import gpus
from lowering_explorer.adapters.described_gpu import DEVICE, described
from lowering_explorer.adapters.inductor_cuda_stages import CudaReader
from lowering_explorer.adapters.inductor_gemm import templates
from lowering_explorer.adapters.inductor_lines import marked
from lowering_explorer.adapters.inductor_stages import LOGS
from lowering_explorer.adapters.torch_errors import REMEDIES, refusal
from lowering_explorer.adapters.torch_logs import Record, listening
from lowering_explorer.adapters.triton_compile import describe_device, target_named
from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

__all__ = ["REMEDIES", "capture", "flags"]

SETTINGS = {
    "fx_graph_cache": False,  # a hit skips the steps that the capture looks at
    "compile_threads": 1,
}
_TWO_DEVICES = r"same device|two different devices|Unhandled FakeTensor Device Propagation"


def flags() -> dict[str, str]:
    """What Inductor is set to."""
    return {name: str(value) for name, value in SETTINGS.items()}


def capture(request: Request) -> Iterator[Stage]:
    """The stages, once Inductor has written its code; those that it reached also where it failed."""
    names = gpus.targets(request)
    gpu = gpus.gpu_named(names[0])
    targets = [target_named(name) for name in names]
    gemm = request.options.get("gemm", "library")
    if gemm not in ("library", "triton"):
        raise CannotCapture(f"there is no gemm={gemm!r}; take gemm='library' or gemm='triton'")
    records: list[Record] = []
    with ExitStack() as stack:
        stack.enter_context(described(gpu))
        stack.enter_context(inductor_config.patch(SETTINGS))
        stack.enter_context(functorch_config.patch(enable_autograd_cache=False))
        stack.enter_context(patch.object(PyCodeCache, "load_by_key_path", _without_wrapper()))
        stack.enter_context(listening(LOGS, records.append))
        stack.enter_context(marked(request, records.append))
        if gemm == "triton":
            stack.enter_context(templates(gpu))
        describe_device(targets[0])
        failure = _failure(request)
        if re.search(_TWO_DEVICES, str(failure)):
            # The function makes a tensor and names no device for it, so the GPU has to be the default.
            records.clear()
            torch._dynamo.reset()
            with torch.device(DEVICE):
                failure = _failure(request)
    reader = CudaReader(request, targets)
    for record in records:
        yield from reader.stages(record)
    if isinstance(failure, DataDependentOutputException | DynamicOutputShapeException):
        raise CannotCapture(
            "the function asks for values of a tensor, and on a device that is only described there are "
            "none; use torch.where or torch.cond, and masks instead of indices that depend on values"
        ) from failure
    if failure:
        raise refusal(failure)
    reader.check_something_was_compiled()


def _failure(request: Request) -> Exception | None:
    """What stopped the compilation, if it did not reach its end."""
    try:
        _run(request)
    except Exception as error:
        return error
    return None


def _run(request: Request) -> None:
    """Compile the function by calling it on tensors without elements."""
    mode = FakeTensorMode()

    def tensor(array: Array) -> torch.Tensor:
        with mode:
            return torch.empty(array.shape, dtype=getattr(torch, array.dtype_name), device=DEVICE)

    def compile_and_forget(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> Callable[..., Any]:
        compile_fx(graph, inputs)

        def call(*arguments: Any) -> Any:
            with mode:
                return graph(*arguments)

        return call

    arguments, keywords = with_arrays((request.arguments, dict(request.keywords)), tensor)
    dynamic = request.options.get("dynamic")
    with torch.no_grad():
        torch.compile(request.function, backend=compile_and_forget, dynamic=dynamic)(*arguments, **keywords)


def _without_wrapper() -> Any:
    """Instead of the loader of what Inductor writes in Python: its wrapper needs CUDA's runtime."""
    load = PyCodeCache.load_by_key_path

    def loaded(key: str, path: str, linemap: Any = None, **keywords: Any) -> Any:
        if linemap is None:
            return load(key, path, **keywords)
        return SimpleNamespace(__file__=path, call=None)

    return loaded
