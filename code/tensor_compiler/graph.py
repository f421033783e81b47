"""The graph: what a traced function computes, one named node for each operator, in an order that runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .affine import evaluate
from .dtype import DType
from .expression import Constant, Expression, as_index
from .operators import OPERATORS, Operator, converted, widened
from .printer import show
from .traversal import fresh_name

Extent = int | Expression
Operand = str | Constant  # the name of a node, or a scalar


@dataclass(frozen=True, eq=False)
class Data:
    """The numbers of a literal. Compares by content."""

    array: np.ndarray[Any, Any]

    def key(self) -> tuple[Any, ...]:
        return self.array.shape, self.array.dtype.str, self.array.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())


@dataclass(frozen=True)
class Line:
    """Where in the user's source a node was made."""

    file: str
    number: int


@dataclass(frozen=True)
class Node:
    """`name` = `operator`(`operands`), an array of `dtype` and `shape`.

    Extents are ints, or s64 expressions of symbolic sizes. `attributes` are pairs: axes and keepdims of a
    reduction; axes of a permute; starts and steps of a slice; left ("mk", or "km" if stored transposed),
    right ("kn" or "nk") and packed (panel width, 0: not) of a matmul; data of a literal; value of an extent.
    """

    name: str
    operator: str
    operands: tuple[Operand, ...]
    dtype: DType
    shape: tuple[Extent, ...]
    attributes: tuple[tuple[str, Any], ...] = ()
    line: Line | None = field(default=None, compare=False)

    def __getitem__(self, attribute: str) -> Any:
        return dict(self.attributes)[attribute]

    def having(self, **changed: Any) -> Node:
        """This node with attributes changed."""
        return replace(self, attributes=tuple((dict(self.attributes) | changed).items()))

    @property
    def definition(self) -> Operator:
        return OPERATORS[self.operator]

    @property
    def names(self) -> tuple[str, ...]:
        """The operands that are nodes."""
        return tuple(operand for operand in self.operands if isinstance(operand, str))

    @property
    def type_text(self) -> str:
        return type_text(self.dtype, self.shape)

    def __str__(self) -> str:
        operands = [each if isinstance(each, str) else show(each) for each in self.operands]
        symbol, shown = self.definition.symbol, dict(self.attributes)
        if self.definition.kind == "elementwise" and len(operands) == 2 and not symbol.startswith("m"):
            value = f" {symbol} ".join(operands)
        else:
            defaults = {"left": "mk", "right": "kn", "packed": 0, "keepdims": False}
            options = [
                f"{key}={show(item) if isinstance(item, Expression) else item}"
                for key, item in shown.items()
                if key != "data" and defaults.get(key) != item
            ]
            value = f"{self.operator}({', '.join(operands + options)})"
        return f"{self.name}: {self.type_text} = {value}"


@dataclass(frozen=True)
class Graph:
    """`nodes` in an order in which operands come first; the parameters are nodes of their own.

    `outputs` are names of nodes, distinct, and none of them a parameter or literal. Compares by value.
    """

    name: str
    parameters: tuple[Node, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        """The text: a pure function of the graph."""
        parameters = ", ".join(f"{each.name}: {each.type_text}" for each in self.parameters)
        lines = [f"def {self.name}({parameters}):", *(f"    {node}" for node in self.nodes)]
        return "\n".join([*lines, f"    return {', '.join(self.outputs)}"])

    @property
    def by_name(self) -> dict[str, Node]:
        return {node.name: node for node in (*self.parameters, *self.nodes)}

    @property
    def uses(self) -> dict[str, list[str]]:
        """For each node, the nodes that read it, one entry for each operand."""
        found: dict[str, list[str]] = {name: [] for name in self.by_name}
        for node in self.nodes:
            for name in node.names:
                found[name].append(node.name)
        return found

    def rebuilt(self, nodes: Iterable[Node], aliases: Mapping[str, Operand] | None = None) -> Graph:
        """The graph of `nodes`, with operands and outputs renamed by `aliases`.

        An output never becomes a scalar, a parameter or a literal: a copy takes its name.
        """
        names, nodes = aliases or {}, tuple(nodes)
        inputs = ("parameter", "literal")
        given = {each.name for each in (*self.parameters, *nodes) if each.operator in inputs}

        def final(operand: Operand) -> Operand:
            while isinstance(operand, str) and operand in names:
                operand = names[operand]
            return operand

        new = [replace(node, operands=tuple(map(final, node.operands))) for node in nodes]
        outputs: list[str] = []
        for output in self.outputs:
            target, old = final(output), self.by_name[output]
            if not isinstance(target, str) or target in given or target in outputs:
                taken = {each.name for each in (*self.parameters, *new)}
                name = fresh_name(output, taken)
                new.append(replace(old, name=name, operator="copy", operands=(target,), attributes=()))
                target = name
            outputs.append(target)
        return replace(self, nodes=tuple(new), outputs=tuple(outputs))


def type_text(dtype: DType, shape: Iterable[Any]) -> str:
    """Such as f32[8, 64], and f32[()] for a scalar."""
    return f"{dtype}[{', '.join(extent_text(extent) for extent in shape) or '()'}]"


def extent_text(extent: Any) -> str:
    return show(extent) if isinstance(extent, Expression) else str(extent)


def sizes_of(graph: Graph, arrays: Iterable[Any]) -> dict[str, int]:
    """The value of each symbolic size of `graph`, read off `arrays`, one for each parameter."""
    return {
        extent.name: count
        for parameter, array in zip(graph.parameters, arrays, strict=True)
        for extent, count in zip(parameter.shape, np.shape(array), strict=True)
        if isinstance(extent, Expression) and hasattr(extent, "name")
    }


def run(graph: Graph, *arrays: Any) -> tuple[Any, ...]:
    """What `graph` computes, by numpy, node by node: the oracle of the passes. bf16 is held as float32."""
    sizes = sizes_of(graph, arrays)
    pairs = zip(graph.parameters, arrays, strict=True)
    values = {parameter.name: widened(array, parameter.dtype) for parameter, array in pairs}
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            values[node.name] = value_of(node, values, sizes)
    return tuple(values[name] for name in graph.outputs)


def value_of(node: Node, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """The numpy value of one node, given those of its operands and of the symbolic sizes."""
    given = [
        values[each] if isinstance(each, str) else np.asarray(each.value, each.dtype.storage)
        for each in node.operands
    ]
    shape = tuple(evaluate(as_index(extent), sizes) for extent in node.shape)
    match node.operator:
        case "literal":
            return widened(node["data"].array, node.dtype)
        case "arange":
            return np.arange(shape[0])
        case "extent":
            return np.asarray(evaluate(node["value"], sizes))
        case "cast":
            return converted(given[0], node.dtype)
        case "permute":
            return given[0].transpose(node["axes"])
        case "reshape":
            return given[0].reshape(shape)
        case "broadcast":
            return np.broadcast_to(given[0], shape)
        case "slice":
            axes = zip(node["starts"], node["steps"], shape, strict=True)
            return given[0][tuple(slice(start, start + step * n, step) for start, step, n in axes)]
        case "matmul":
            left, right = (array.astype(node.dtype.storage) for array in given)
            if node["packed"]:
                right = right.transpose(1, 0, 2).reshape(right.shape[1], -1)[:, : shape[-1]]
            left = left.swapaxes(-1, -2) if node["left"] == "km" else left
            return np.matmul(left, right.swapaxes(-1, -2) if node["right"] == "nk" else right)
        case _ if node.definition.kind == "reduction":
            reduced = node.definition.meaning(given[0], axis=node["axes"], keepdims=node["keepdims"])
            return np.asarray(reduced).astype(node.dtype.storage)
        case _:
            return node.definition.meaning(*given)
