"""Stops Inductor where it would begin to lower, and hands over what it would have lowered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._functorch._aot_autograd.utils import make_boxed_func
from torch._inductor.compile_fx import compile_fx

# What Inductor calls for each graph: the graph of ATen operators, its fake inputs, Inductor's arguments.
Receive = Callable[[torch.fx.GraphModule, Sequence[Any], Mapping[str, Any]], None]


def handed_to_inductor(
    function: Callable[..., Any], arguments: Sequence[Any], receive: Receive, dynamic: bool | None = None
) -> None:
    """Run `function` once, without gradient; `receive` gets each graph, and the graph runs as it is."""

    def inner(graph: torch.fx.GraphModule, inputs: Sequence[Any], **keywords: Any) -> Any:
        receive(graph, inputs, keywords)
        return make_boxed_func(graph.forward)

    def backend(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> Any:
        return compile_fx(graph, inputs, inner_compile=inner)

    torch._dynamo.reset()
    with torch.no_grad():
        torch.compile(function, backend=backend, dynamic=dynamic)(*arguments)
