"""The key under which Inductor keeps a compiled graph on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch._inductor.codecache import compiled_fx_graph_hash

from pytorch_anatomy.inner_compile import handed_to_inductor


def key_parts(function: Callable[..., Any], *arguments: torch.Tensor) -> dict[str, str]:
    """Part of the key -> digest of that part, for the graph that Inductor would compile; "key" is the whole.

    Raises ValueError where a graph break leaves more than one graph, or none.
    """
    found: list[dict[str, str]] = []

    def keyed(graph: torch.fx.GraphModule, inputs: Any, keywords: Any) -> None:
        key, lines = compiled_fx_graph_hash(graph, inputs, dict(keywords), ())
        parts: dict[str, str] = {}
        for line in lines:  # "[digest] part.of.the.details[number]: value"
            digest, _, rest = line.removeprefix("[").partition("] ")
            name = rest.partition(":")[0].partition("[")[0].partition(".")[0]
            parts[name] = hashlib.sha256((parts.get(name, "") + digest).encode()).hexdigest()
        found.append({**parts, "key": key})

    handed_to_inductor(function, arguments, keyed)
    if len(found) != 1:
        raise ValueError(f"there are {len(found)} graphs, and each has a key; pass a function with one graph")
    return found[0]
