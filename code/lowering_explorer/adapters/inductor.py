"""Inductor on the CPU: from Python's bytecode through FX graphs, loops and C++ to machine code.

The function is compiled by calling it once, on random numbers (integers are zeros). The option
`gradient=True` differentiates it by its floating arguments, which adds the backward pass; `dynamic=True`
compiles it for any extents.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
import torch._functorch.config as functorch_config
import torch._inductor.config as inductor_config
from torch._inductor.cpp_builder import CppTorchOptions
from torch._inductor.cpu_vec_isa import pick_vec_isa
from torch.utils._pytree import tree_leaves

from lowering_explorer.adapters.inductor_lines import marked
from lowering_explorer.adapters.inductor_stages import BACKWARD, LOGS, Reader
from lowering_explorer.adapters.torch_errors import REMEDIES, refusal
from lowering_explorer.adapters.torch_logs import Record, listening
from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

__all__ = ["REMEDIES", "capture", "flags"]

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
    """The stages, each as soon as the compiler has told of it; the compiler runs in a thread of its own.

    The compiler waits until each record is read, so that a crash loses none that came before it.
    """
    records: queue.Queue[Record | BaseException | None] = queue.Queue()

    def tell(record: Record | BaseException) -> None:
        records.put(record)
        records.join()

    def compile_and_tell() -> None:
        try:
            with ExitStack() as stack:
                stack.enter_context(inductor_config.patch(SETTINGS))
                stack.enter_context(functorch_config.patch(enable_autograd_cache=False))
                stack.enter_context(listening(LOGS, tell))
                stack.enter_context(marked(request, tell))
                _run(request, tell)
        except BaseException as error:
            tell(error)
        records.put(None)

    compiler = threading.Thread(target=compile_and_tell)
    compiler.start()
    reader = Reader(request)
    record = records.get()
    try:
        while record is not None:
            if isinstance(record, BaseException):
                raise refusal(record)
            yield from reader.stages(record)
            records.task_done()
            record = records.get()
    finally:  # whoever stops reading lets the compiler go on to its end
        while record is not None:
            records.task_done()
            record = records.get()
    reader.check_something_was_compiled()


def _run(request: Request, tell: Callable[[Record], None]) -> None:
    """Compile the function by calling it, and its gradient by asking for it."""
    gradient = bool(request.options.get("gradient"))
    numbers = torch.Generator().manual_seed(0)

    def tensor(array: Array) -> torch.Tensor:
        dtype = getattr(torch, array.dtype_name)
        if not dtype.is_floating_point:
            return torch.zeros(array.shape, dtype=dtype)  # valid as an index
        between = torch.rand(array.shape, generator=numbers) + 0.5  # valid for division, root and logarithm
        return between.to(dtype).requires_grad_(gradient)

    arguments, keywords = with_arrays((request.arguments, dict(request.keywords)), tensor)
    if gradient and not any(leaf.requires_grad for leaf in _tensors((arguments, keywords))):
        raise CannotCapture("no argument is floating, so there is no gradient; leave out gradient=True")
    compiled = torch.compile(request.function, dynamic=request.options.get("dynamic"))
    with torch.set_grad_enabled(gradient):
        results = compiled(*arguments, **keywords)
    if gradient:
        tell(Record(BACKWARD, ""))
        differentiable = [leaf for leaf in _tensors(results) if leaf.requires_grad]
        if not differentiable:
            raise CannotCapture("no result depends on a floating argument; leave out gradient=True")
        torch.autograd.backward(differentiable, [torch.ones_like(leaf) for leaf in differentiable])


def _tensors(values: Any) -> list[torch.Tensor]:
    """The tensors in nested containers."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
