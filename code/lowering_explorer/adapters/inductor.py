"""Inductor on the CPU: from Python's bytecode through FX graphs, loops and C++ to machine code.

The function is compiled and called once, on zeros and ones. The option `gradient=True` differentiates it by
its floating arguments and adds the backward pass; `dynamic=True` compiles it for any extents.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
import torch._functorch.config as functorch_config
import torch._inductor.config as inductor_config
from torch._inductor.cpp_builder import CppTorchOptions
from torch._inductor.cpu_vec_isa import pick_vec_isa

from lowering_explorer.adapters.inductor_lines import marked
from lowering_explorer.adapters.inductor_stages import BACKWARD, LOGS, Reader
from lowering_explorer.adapters.torch_logs import Record, listening
from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

SETTINGS = {
    "fx_graph_cache": False,  # a hit skips the steps that the capture looks at
    "cpp_cache_precompile_headers": False,  # 156 MB that pay off after a few kernels
}


def flags() -> dict[str, str]:
    """What Inductor and its C++ compiler are set to."""
    options = CppTorchOptions(vec_isa=pick_vec_isa())
    return {name: str(value) for name, value in SETTINGS.items()} | {
        "vector instructions": str(pick_vec_isa()),
        "C++ compiler flags": " ".join(f"-{flag}" for flag in options.get_cflags()),
    }


def capture(request: Request) -> Iterator[Stage]:
    """The stages, each as soon as the compiler has told of it; the compiler runs in a thread of its own."""
    records: queue.SimpleQueue[Record | BaseException | None] = queue.SimpleQueue()

    def compile_and_tell() -> None:
        try:
            with ExitStack() as stack:
                stack.enter_context(inductor_config.patch(SETTINGS))
                stack.enter_context(functorch_config.patch(enable_autograd_cache=False))
                stack.enter_context(listening(LOGS, records.put))
                stack.enter_context(marked(request, records.put))
                _run(request, records.put)
        except BaseException as error:
            records.put(error)
        records.put(None)

    compiler = threading.Thread(target=compile_and_tell)
    compiler.start()
    reader = Reader(request)
    while (record := records.get()) is not None:
        if isinstance(record, BaseException):
            raise record
        yield from reader.stages(record)


def _run(request: Request, tell: Any) -> None:
    """Compile the function by calling it, and its gradient by asking for it."""
    gradient = bool(request.options.get("gradient"))
    tensors: list[torch.Tensor] = []

    def tensor(array: Array) -> torch.Tensor:
        dtype = getattr(torch, array.dtype_name)
        # Ones are divisors, zeros are indices.
        made = (
            torch.ones(array.shape, dtype=dtype)
            if dtype.is_floating_point
            else torch.zeros(array.shape, dtype=dtype)
        )
        tensors.append(made.requires_grad_(gradient and dtype.is_floating_point))
        return made

    arguments, keywords = with_arrays(request.arguments, tensor), with_arrays(dict(request.keywords), tensor)
    if gradient and not any(made.requires_grad for made in tensors):
        raise CannotCapture("no argument is floating, so there is no gradient; leave out gradient=True")
    compiled = torch.compile(request.function, dynamic=request.options.get("dynamic"))
    with torch.set_grad_enabled(gradient):
        results = compiled(*arguments, **keywords)
        if gradient:
            tell(Record(BACKWARD, ""))
            leaves = torch.utils._pytree.tree_leaves(results)
            differentiable = [
                leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad
            ]
            if not differentiable:
                raise CannotCapture("no result depends on a floating argument; leave out gradient=True")
            torch.autograd.backward(differentiable, [torch.ones_like(leaf) for leaf in differentiable])
