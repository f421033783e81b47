"""Inductor's loops before anything is fused: for each buffer a Python function that computes one element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._inductor import ir
from torch._inductor.compile_fx import _recursive_post_grad_passes, record_original_output_strides
from torch._inductor.graph import GraphLowering
from torch._inductor.utils import shape_env_from_inputs
from torch._inductor.virtualized import V

from pytorch_anatomy.inner_compile import handed_to_inductor


@dataclass(frozen=True)
class LoopBody:
    """The loop nest that fills one buffer; `buffer` is Inductor's own object and keeps its graph alive."""

    name: str
    kind: str  # Pointwise, Reduction, or the name of a library's function
    ranges: tuple[str, ...]  # extents of the loops over the result
    reduced: tuple[str, ...]  # extents of the loops that are reduced
    text: str  # the function, as Inductor prints it; empty for a library call
    buffer: Any = field(repr=False)
    graph: Any = field(repr=False)

    def __call__(self, handler: Any, index: Sequence[Any]) -> Any:
        """Run the function at `index`, with `handler` in the place of its operations.

        Raises ValueError for what is not a Pointwise: a reduction's function computes only what is summed.
        """
        if self.kind != "Pointwise":
            raise ValueError(f"{self.name} is a {self.kind}; only a Pointwise body is run by itself")
        with V.set_graph_handler(self.graph), V.set_ops_handler(handler):
            value = self.buffer.data.inner_fn(list(index))
        return getattr(value, "value", value)  # Inductor wraps what an operation returns


def loop_bodies(
    function: Callable[..., Any], *arguments: torch.Tensor, dynamic: bool | None = None
) -> list[LoopBody]:
    """The loop nests and library calls that Inductor lowers `function` to, in order; no code is generated."""
    found: list[LoopBody] = []

    def lower(graph: torch.fx.GraphModule, inputs: Sequence[Any], _: Any) -> None:
        record_original_output_strides(graph)
        _recursive_post_grad_passes(graph, is_inference=True)
        lowering = GraphLowering(
            graph, example_inputs=inputs, shape_env=shape_env_from_inputs(inputs), is_inference=True
        )
        with V.set_graph_handler(lowering), V.set_extern_kernel_nodes([]):
            lowering.run(*inputs)
            found.extend(_body(buffer, lowering) for buffer in lowering.buffers)

    handed_to_inductor(function, arguments, lower, dynamic)
    return found


def _body(buffer: Any, graph: Any) -> LoopBody:
    name = buffer.get_name()
    if isinstance(buffer, ir.ComputedBuffer):
        loops = buffer.data
        reduced = tuple(map(str, getattr(loops, "reduction_ranges", ())))
        kind, text = type(loops).__name__, loops.inner_fn_str()
        return LoopBody(name, kind, tuple(map(str, loops.ranges)), reduced, text, buffer, graph)
    kind = getattr(buffer, "python_kernel_name", None) or type(buffer).__name__
    return LoopBody(name, kind, tuple(map(str, buffer.get_size())), (), "", buffer, graph)
