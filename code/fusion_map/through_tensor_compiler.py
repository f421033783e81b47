"""The Block through the book's own compiler: kernels from its fused groups."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np

import tensor_compiler as tc
from fusion_map.operation import FusionMap, Kernel, Kind, Operation
from fusion_map.program import Arrays, Function, Program
from tensor_compiler.fusion import Fusion, Group, inlined
from tensor_compiler.graph import Node


def compile_tensor_compiler(function: Function, arrays: Arrays, open_rows: bool = False) -> Program:
    """`function` at the shapes of `arrays`, for one thread, with a cache on disk that is empty.

    With `open_rows` the rows of the first argument stay a symbol.
    """
    types = [tc.TensorType(tc.f32, *array.shape) for array in arrays]
    if open_rows:
        rows, *others = arrays[0].shape
        types[0] = tc.TensorType(tc.f32, tc.Size("rows", rows), *others)
    seen: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, TENSOR_COMPILER_CACHE=folder),
    ):
        compiled = tc.compile(function, *types, threads=1, callback=seen.__setitem__)
    fusion = None if open_rows else fusion_of(seen["fuse"])
    temporaries = -1 if open_rows else seen["memory plan"].peak
    return Program("tensor_compiler", fusion, temporaries, np.asarray, compiled)


def fusion_of(fusion: Fusion) -> FusionMap:
    """The groups as kernels, each with the views and masks that it recomputes."""
    nodes = fusion.graph.by_name
    outside = [*fusion.graph.parameters, *(n for n in fusion.graph.nodes if n.operator == "literal")]
    given = {node.name: _bytes(node) for node in outside}
    kernels = []
    for group in fusion.groups:
        names = set(group.nodes) | set(_recomputed(group, nodes))
        operations = (
            Operation(name, _kind(node), node.names, _bytes(node))
            for name, node in nodes.items()
            if name in names
        )
        kernels.append(Kernel(group.pattern, "generated", tuple(operations)))
    return FusionMap("tensor_compiler", given, tuple(kernels), fusion.graph.outputs)


def _recomputed(group: Group, nodes: dict[str, Node]) -> Iterator[str]:
    waiting = [name for each in group.nodes for name in nodes[each].names]
    while waiting:
        name = waiting.pop()
        if inlined(nodes[name]):
            yield name
            waiting += nodes[name].names


def _kind(node: Node) -> Kind:
    if node.operator == "matmul":
        return "product"
    kinds: dict[str, Kind] = {"reduction": "reduction", "view": "movement", "source": "constant"}
    return kinds.get(node.definition.kind, "elementwise")


def _bytes(node: Node) -> int:
    extents = [extent for extent in node.shape if isinstance(extent, int)]
    if len(extents) < len(node.shape):
        raise ValueError(f"{node.name} has a symbolic size; a fusion map counts bytes and wants numbers")
    return math.prod(extents) * node.dtype.bytes
