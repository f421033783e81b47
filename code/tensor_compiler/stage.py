"""Tensor expressions: each operator of a group as what one element of it is, then as a nest of loops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from .dtype import f32
from .expression import Binary, Buffer, Cast, Constant, Expression, Load, Variable, as_index
from .fusion import Fusion, Group, Pattern, inlined
from .graph import Extent, Graph, Line, Node, Operand
from .printer import show, subscript
from .simplify import simplify
from .statement import Allocate, Body, Function, Reduce, Reduction, Statement, Store, nested
from .traversal import expressions, loads, loop_names, map_expressions, substitute
from .verify import verify

Indices = tuple[Expression, ...]
Axis = tuple[Variable, Expression]  # a loop variable and its extent


@dataclass(frozen=True)
class Stage:
    """`buffer[indices] = value`, or a reduction of `value` over `reduced`, for each element.

    `indices` are variables, and 0 where the extent is 1; `axes` are those variables with their extents.
    """

    buffer: Buffer
    indices: Indices
    axes: tuple[Axis, ...]
    value: Expression
    reduced: tuple[Axis, ...] = ()
    operator: Reduction = "+"
    start: Constant = field(default=Constant(0, f32))
    line: Line | None = field(default=None, compare=False)

    def __str__(self) -> str:
        target = f"{self.buffer.name}[{subscript(self.indices)}]"
        if not self.reduced:
            return f"{target} = {show(self.value)}"
        function = {"+": "sum", "*": "prod"}.get(self.operator, self.operator)
        over = ", ".join(f"{variable.name} < {show(extent)}" for variable, extent in self.reduced)
        return f"{target} = {function}({show(self.value)} for {over})"

    @property
    def nest(self) -> Body:
        """The loops that compute the stage, one for each axis."""
        if self.reduced:
            update = Reduce(self.buffer, self.indices, self.operator, self.value)
            inner = nested(((variable.name, extent) for variable, extent in self.reduced), (update,))
            body: Body = (Store(self.buffer, self.indices, self.start), *inner)
        else:
            body = (Store(self.buffer, self.indices, self.value),)
        return nested(((variable.name, extent) for variable, extent in self.axes), body)


@dataclass(frozen=True)
class Staged:
    """A fused group as stages, and as a loop function once `function` builds it.

    `inputs` are the nodes that it reads, `outputs` those that others read; both are its parameters.
    """

    name: str
    pattern: Pattern
    stages: tuple[Stage, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.name}:", *(f"    {stage}" for stage in self.stages)])

    @property
    def loops(self) -> dict[str, tuple[str, ...]]:
        """The names of the loops of each stage's nest, by its buffer, outermost first."""
        axes = {stage.buffer.name: (*stage.axes, *stage.reduced) for stage in self.stages}
        return {name: tuple(variable.name for variable, _ in each) for name, each in axes.items()}

    @property
    def lines(self) -> dict[str, Line]:
        """The line of the user's source behind each stage, by its buffer."""
        return {stage.buffer.name: stage.line for stage in self.stages if stage.line}

    @property
    def function(self) -> Function:
        """The naive loop function, one nest for each stage. Verified."""
        read = {load.buffer for stage in self.stages for load in loads(stage.value)}
        buffers = {buffer.name: buffer for buffer in (*read, *(stage.buffer for stage in self.stages))}
        parameters = [buffers[name] for name in dict.fromkeys((*self.inputs, *self.outputs))]
        allocated = [Allocate(stage.buffer) for stage in self.stages if stage.buffer.scope != "parameter"]
        body = (*allocated, *(statement for stage in self.stages for statement in stage.nest))
        extents = [extent for buffer in buffers.values() for extent in buffer.shape]
        parts: list[Expression | Statement] = [*extents, *body]
        used = [each for part in parts for each in expressions(part)]
        sizes = {each.name: each for each in used if isinstance(each, Variable)}
        scalars = [sizes[name] for name in sorted(set(sizes) - set(loop_names(body)))]
        return verify(Function(self.name, (*parameters, *scalars), body))


def staged(fusion: Fusion) -> tuple[Staged, ...]:
    """The tensor expressions of each group, one stage for each operator."""
    return tuple(Expressions(fusion.graph, group).staged() for group in fusion.groups)


class Expressions:
    """The elements of the nodes of one group."""

    def __init__(self, graph: Graph, group: Group) -> None:
        self.graph, self.group, self.nodes = graph, group, graph.by_name
        outside = set(graph.nodes) - {self.nodes[name] for name in group.nodes}
        read = set(graph.outputs) | {name for node in outside for name in self.loaded(node)}
        self.outputs = tuple(name for name in group.nodes if name in read)

    def loaded(self, node: Node) -> set[str]:
        """The nodes that are loaded to compute `node`, if it is computed at all."""
        found: set[str] = set()
        for name in node.names:
            operand = self.nodes[name]
            found |= self.loaded(operand) if inlined(operand) and name not in self.group.nodes else {name}
        return found

    def staged(self) -> Staged:
        stages = tuple(self.stage(self.nodes[name]) for name in self.group.nodes)
        inside = set(self.group.nodes)
        read = [load.buffer.name for stage in stages for load in loads(stage.value)]
        inputs = tuple(name for name in dict.fromkeys(read) if name not in inside)
        name = f"{self.group.pattern}_{self.outputs[-1] if self.outputs else self.group.nodes[-1]}"
        return Staged(name, self.group.pattern, stages, inputs, self.outputs)

    def buffer(self, node: Node) -> Buffer:
        inside = node.name in self.group.nodes and node.name not in self.outputs
        shape = tuple(map(as_index, node.shape))
        return Buffer(node.name, node.dtype, shape, "scratch" if inside else "parameter")

    def stage(self, node: Node) -> Stage:
        if node.definition.kind == "reduction":
            source = self.nodes[node.names[0]]
            variables = axis_variables(node.name, source.shape)
            own = [index for n, index in enumerate(variables) if n not in node["axes"]]
            if node["keepdims"]:
                own = [Constant(0) if n in node["axes"] else v for n, v in enumerate(variables)]
            gone = [(v, as_index(source.shape[n])) for n, v in enumerate(variables) if n in node["axes"]]
            reduced = tuple((v, extent) for v, extent in gone if isinstance(v, Variable))
            value = self.element(node.operands[0], variables)
        elif node.operator == "matmul":
            variables = axis_variables(node.name, node.shape)
            own, inner = list(variables), Variable(f"k_{node.name}")
            source = self.nodes[node.names[0]]
            reduced = ((inner, as_index(source.shape[-1 if node["left"] == "mk" else -2])),)
            value = self.product(node, variables, inner)
        else:
            variables = axis_variables(node.name, node.shape)
            own, reduced, value = list(variables), (), self.value(node, variables)
        pairs = zip(own, map(as_index, node.shape), strict=True)
        axes = tuple((index, extent) for index, extent in pairs if isinstance(index, Variable))
        ends = {v.name: e.value if isinstance(e, Constant) else math.inf for v, e in (*axes, *reduced)}
        ranges = {name: (0.0, end - 1.0) for name, end in ends.items()}
        made = Stage(self.buffer(node), tuple(own), axes, simplify(value, ranges), line=node.line)
        if not reduced:
            return made
        operator: Any = node.definition.symbol
        start = Constant(node.dtype.neutral(operator), node.dtype)
        return replace(made, reduced=reduced, operator=operator, start=start)

    def product(self, node: Node, indices: Indices, inner: Variable) -> Expression:
        """One term of an element of a matrix product."""
        *batch, row, column = indices
        sides = []
        layouts = (node["left"], node["right"])
        for operand, layout, free in zip(node.operands, layouts, (row, column), strict=True):
            pair = (inner, free) if layout in ("km", "kn") else (free, inner)
            if operand == node.operands[1] and free is column and node["packed"]:
                width = node["packed"]
                pair = (column // width, inner, column % width)  # type: ignore[assignment]
            shape = self.nodes[str(operand)].shape
            outer = broadcast_indices(shape[: len(shape) - len(pair)], batch)
            element = self.element(operand, (*outer, *pair))
            sides.append(element if element.dtype == node.dtype else Cast(node.dtype, element))
        return Binary("*", *sides)

    def element(self, operand: Operand, indices: Indices) -> Expression:
        """One element of an operand: a scalar, a load, or what an inlined node computes."""
        if isinstance(operand, Constant):
            return operand
        node = self.nodes[operand]
        if inlined(node) and operand not in self.group.nodes and operand not in self.graph.outputs:
            return self.value(node, indices)
        fixed = tuple(Constant(0) if e == 1 else i for i, e in zip(indices, node.shape, strict=True))
        return Load(self.buffer(node), fixed)

    def value(self, node: Node, indices: Indices) -> Expression:
        """One element of a node that is no reduction, of its operands' elements."""
        match node.operator:
            case "arange":
                return indices[0]
            case "extent":
                value: Expression = node["value"]
                return value
            case "permute":
                inverse = sorted(range(len(indices)), key=lambda n: node["axes"][n])
                return self.element(node.operands[0], tuple(indices[n] for n in inverse))
            case "slice":
                moved = tuple(map(shifted, indices, node["starts"], node["steps"]))
                return self.element(node.operands[0], moved)
            case "reshape":
                source = self.nodes[node.names[0]]
                return self.element(source.name, reshaped(indices, node.shape, source.shape))
        operands = tuple(self.broadcast(each, list(indices)) for each in node.operands)
        return operands[0] if node.operator == "broadcast" else node.definition.element(node.dtype, operands)

    def broadcast(self, operand: Operand, indices: list[Expression]) -> Expression:
        """The element of an operand that meets `indices` of the result."""
        shape = self.nodes[operand].shape if isinstance(operand, str) else ()
        return self.element(operand, broadcast_indices(shape, indices))


def axis_variables(name: str, shape: tuple[Extent, ...]) -> Indices:
    """A variable for each axis, 0 for those of extent 1: i and j for the last two axes, letters before."""
    letters = ["i"] if len(shape) == 1 else [*"abcdefgh"[: max(0, len(shape) - 2)], "i", "j"]
    return tuple(
        Constant(0) if extent == 1 else Variable(f"{letter}_{name}")
        for letter, extent in zip(letters[-len(shape) :] if shape else [], shape, strict=True)
    )


def broadcast_indices(shape: tuple[Extent, ...], indices: list[Expression]) -> Indices:
    """The indices into an operand of `shape` of the element that meets `indices` of the result."""
    own = indices[len(indices) - len(shape) :]
    return tuple(Constant(0) if extent == 1 else index for extent, index in zip(shape, own, strict=True))


def shifted(index: Expression, start: int, step: int) -> Expression:
    scaled = index if step == 1 else index * step
    return scaled + start if start else scaled


def reshaped(indices: Indices, new: tuple[Extent, ...], old: tuple[Extent, ...]) -> Indices:
    """The indices in the old shape of the element at `indices` in the new one."""
    kept = [index for index, extent in zip(indices, new, strict=True) if extent != 1]
    if [e for e in new if e != 1] == [e for e in old if e != 1]:  # only axes of extent 1 come or go
        rest = iter(kept)
        return tuple(Constant(0) if extent == 1 else next(rest) for extent in old)
    flat: Expression = Constant(0)
    for index, extent in zip(indices, new, strict=True):
        flat = index if flat == Constant(0) else flat * as_index(extent) + index
    result: list[Expression] = []
    for position, extent in enumerate(reversed(old)):
        outermost = position == len(old) - 1
        result.insert(0, Constant(0) if extent == 1 else flat if outermost else flat % as_index(extent))
        flat = flat if extent == 1 else flat // as_index(extent)
    return tuple(result)


def inline(group: Staged) -> Staged:
    """`group` with element-wise stages written into their reader, if it is one and reads each once."""
    stages = list(group.stages)
    for stage in group.stages:
        if stage.reduced or stage.buffer.name in group.outputs:
            continue
        read = [(other, load) for other in stages for load in loads(other.value)]
        readers = [(other, load) for other, load in read if load.buffer.name == stage.buffer.name]
        if len(readers) != 1:
            continue
        ((reader, load),) = readers
        around = {variable.name for variable, _ in (*reader.axes, *reader.reduced)}
        used = [index.name for index in load.indices if isinstance(index, Variable)]
        if len(used) == len(stage.axes) and len(around) == len(set(used)):
            current = next(each for each in stages if each.buffer.name == stage.buffer.name)
            stages[stages.index(reader)] = replace(reader, value=substituted(reader.value, current))
            stages.remove(current)
    return replace(group, stages=tuple(stages))


def substituted(value: Expression, stage: Stage) -> Expression:
    """`value` with the loads of the buffer of `stage` replaced by what the stage computes there."""

    def swap(expression: Expression) -> Expression:
        if not isinstance(expression, Load) or expression.buffer.name != stage.buffer.name:
            return expression
        pairs = zip(stage.indices, expression.indices, strict=True)
        places = {own.name: index for own, index in pairs if isinstance(own, Variable)}
        return substitute(stage.value, places)

    return map_expressions(swap, value)
