"""Fusion by rule: which nodes of the graph become one loop function.

- An element-wise node joins the group of an operand that has elements of its shape.
- A reduction along the last axis makes a group of rows, such as softmax or rmsnorm: row after row, what
  comes before it and after it. A reduction along other axes ends its group.
- A matrix product starts a group; the element-wise nodes after it are its epilogue.
- Product, rows, product: attention, if nothing else reads what lies between.

Views, ranges and masks belong to no group: their readers recompute them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from .dtype import boolean
from .graph import Extent, Graph, Node

Pattern = Literal["elementwise", "rows", "reduction", "matmul", "attention"]


@dataclass(frozen=True)
class Group:
    """Nodes of one loop function, in order. `shapes` are those that an element-wise node may join with."""

    pattern: Pattern
    nodes: tuple[str, ...]
    shapes: frozenset[tuple[Extent, ...]] = field(repr=False)

    def joined(self, node: Node, pattern: Pattern | None = None) -> Group:
        shapes = self.shapes | ({node.shape} if pattern == "rows" else frozenset())
        if pattern == "reduction":
            shapes = frozenset({node.shape})
        return Group(pattern or self.pattern, (*self.nodes, node.name), shapes)


@dataclass(frozen=True)
class Fusion:
    """The groups of a graph, in an order in which operands come first."""

    graph: Graph
    groups: tuple[Group, ...]

    def __str__(self) -> str:
        nodes, lines = self.graph.by_name, []
        for group in self.groups:
            lines += [f"{group.pattern}:", *(f"    {nodes[name]}" for name in group.nodes)]
        return "\n".join(lines)


def inlined(node: Node) -> bool:
    """Whether readers of `node` recompute its elements instead of loading them."""
    if node.operator in ("parameter", "literal"):
        return False
    return node.definition.kind in ("view", "source") or node.dtype == boolean


def solid_operands(graph: Graph) -> dict[str, tuple[str, ...]]:
    """For each node, the nodes that it loads elements of, through those that are recomputed."""
    nodes, found = graph.by_name, dict[str, tuple[str, ...]]()
    for name, node in nodes.items():
        solid: list[str] = []
        for operand in node.names:
            solid += found[operand] if inlined(nodes[operand]) else (operand,)
        found[name] = tuple(dict.fromkeys(solid))
    return found


def materialised(graph: Graph) -> list[Node]:
    """The nodes that the loop functions compute and store: those not recomputed, and the outputs."""
    nodes = [node for node in graph.nodes if node.operator != "literal"]
    return [node for node in nodes if not inlined(node) or node.name in graph.outputs]


def fuse(graph: Graph) -> Fusion:
    """The groups of `graph`, by the rules above."""
    return Planner(graph).plan()


class Planner:
    """Groups by number, and which node is in which, while they grow."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.nodes = graph, graph.by_name
        self.operands, self.uses = solid_operands(graph), graph.uses
        self.order = {name: position for position, name in enumerate(self.nodes)}
        self.groups: dict[int, Group] = {}
        self.owner: dict[str, int] = {}

    def plan(self) -> Fusion:
        for node in materialised(self.graph):
            self.place(node)
        self.merge_prologues()
        self.merge_attention()
        return Fusion(self.graph, tuple(self.ordered()))

    def place(self, node: Node) -> None:
        """Put `node` into the latest group that takes it, or into a new one."""
        producers = {self.owner[name] for name in self.operands[node.name] if name in self.owner}
        for number in sorted(producers, reverse=True):
            grown = self.grown(self.groups[number], node)
            if grown and not any(self.depends(other, number) for other in producers - {number}):
                self.groups[number] = grown
                self.owner[node.name] = number
                return
        number = len(self.owner)
        self.groups[number] = self.started(node)
        self.owner[node.name] = number

    def started(self, node: Node) -> Group:
        if node.definition.kind == "reduction":
            pattern = "rows" if self.last_axis(node) else "reduction"
            shapes = {node.shape} | ({self.input_shape(node)} if pattern == "rows" else set())
            return Group(pattern, (node.name,), frozenset(shapes))  # type: ignore[arg-type]
        pattern = "matmul" if node.operator == "matmul" else "elementwise"
        return Group(pattern, (node.name,), frozenset({node.shape}))  # type: ignore[arg-type]

    def grown(self, group: Group, node: Node) -> Group | None:
        """`group` with `node`, or None if the rules keep them apart."""
        if node.operator == "matmul":
            return None
        if node.definition.kind == "reduction":
            if group.pattern not in ("elementwise", "rows") or self.input_shape(node) not in group.shapes:
                return None
            if self.last_axis(node):
                return group.joined(node, "rows")
            return group.joined(node, "reduction") if group.pattern == "elementwise" else None
        if group.pattern in ("matmul", "attention") and self.only_reduced(node):
            return None  # x * x is for the rows that follow, not for the product before
        return group.joined(node) if node.shape in group.shapes else None

    def only_reduced(self, node: Node) -> bool:
        """Whether reductions alone read `node`."""
        readers = [self.nodes[name] for name in self.uses[node.name]]
        return bool(readers) and all(reader.definition.kind == "reduction" for reader in readers)

    def input_shape(self, node: Node) -> tuple[Extent, ...]:
        return self.nodes[node.names[0]].shape if node.names else ()

    def last_axis(self, node: Node) -> bool:
        axes: tuple[int, ...] = node["axes"]
        return axes == (len(self.input_shape(node)) - 1,)

    def reads(self, number: int) -> set[int]:
        """The other groups whose nodes group `number` reads."""
        names = {operand for name in self.groups[number].nodes for operand in self.operands[name]}
        return {self.owner[name] for name in names if name in self.owner} - {number}

    def depends(self, number: int, other: int) -> bool:
        """Whether group `number` needs group `other`, directly or not."""
        return any(each == other or self.depends(each, other) for each in self.reads(number))

    def readers(self, number: int) -> set[int]:
        """The groups that read group `number`; -1 stands for the caller, who reads the outputs."""
        found = {other for other in self.groups if number in self.reads(other)}
        return found | ({-1} if set(self.graph.outputs) & set(self.groups[number].nodes) else set())

    def merge(self, numbers: tuple[int, ...], pattern: Pattern) -> None:
        """Make one group of several, under the last number."""
        merged = (name for number in numbers for name in self.groups[number].nodes)
        names = sorted(merged, key=self.order.__getitem__)
        last = self.groups[numbers[-1]]
        for number in numbers:
            del self.groups[number]
        self.groups[numbers[-1]] = replace(last, pattern=pattern, nodes=tuple(names))
        self.owner |= dict.fromkeys(names, numbers[-1])

    def merge_prologues(self) -> None:
        """Move element-wise groups that one group alone reads, at its own shape, into that group."""
        for number in sorted(self.groups, reverse=True):
            readers = self.readers(number)
            if self.groups[number].pattern != "elementwise" or len(readers) != 1 or -1 in readers:
                continue
            reader = readers.pop()
            if self.groups[number].shapes <= self.groups[reader].shapes and not self.feeds_matmul(number):
                self.merge((number, reader), self.groups[reader].pattern)

    def feeds_matmul(self, number: int) -> bool:
        """Whether a matrix product reads elements of the group, each of them many times."""
        inside = set(self.groups[number].nodes)
        products = [name for name, node in self.nodes.items() if node.operator == "matmul"]
        return any(inside & set(self.operands[name]) for name in products)

    def merge_attention(self) -> None:
        for number in sorted(self.groups):
            rows = self.groups.get(number)
            if not rows or rows.pattern != "rows":
                continue
            readers = self.readers(number)
            products = [each for each in self.reads(number) if self.groups[each].pattern == "matmul"]
            if len(readers) != 1 or -1 in readers or len(products) != 1:
                continue
            first, last = products[0], readers.pop()
            if self.groups[last].pattern == "matmul" and self.readers(first) == {number}:
                product = self.nodes[self.groups[last].nodes[0]]
                if product.operator == "matmul" and product.names[0] in rows.nodes:
                    self.merge((first, number, last), "attention")

    def ordered(self) -> list[Group]:
        """The groups, each after those it reads; else in the order of their first nodes."""
        left, result, done = dict(self.groups), list[Group](), set[int]()
        while left:
            ready = [number for number in left if self.reads(number) <= done]
            number = min(ready, key=lambda each: self.order[left[each].nodes[0]])
            done.add(number)
            result.append(left.pop(number))
        return result
