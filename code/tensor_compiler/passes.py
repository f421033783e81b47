"""The passes over the graph: each a function from a graph to one that computes the same."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from .dtype import boolean
from .expression import Constant
from .graph import Data, Graph, Node, Operand, value_of
from .operators import panels, stored, widened
from .traversal import fresh_name

Pass = Callable[[Graph], Graph]
Rule = Callable[[Node, Mapping[str, Node]], Node | Operand | None]
PANEL = 32  # columns of a packed weight: two vectors of 16 floats


def rewritten(graph: Graph, rule: Rule) -> Graph:
    """`graph` with each node replaced by what `rule` gives for it: a node, to which it is applied again, an
    operand that has its value, or None to leave it. The rule sees the nodes before it as they are by now.
    """
    known = {parameter.name: parameter for parameter in graph.parameters}
    aliases: dict[str, Operand] = {}
    nodes: list[Node] = []
    for old in graph.nodes:
        operands = [aliases.get(each, each) if isinstance(each, str) else each for each in old.operands]
        node = replace(old, operands=tuple(operands))
        while isinstance(new := rule(node, known), Node):
            node = new
        if new is not None:
            aliases[node.name] = new
            continue
        nodes.append(node)
        known[node.name] = node
    return graph.rebuilt(nodes, aliases)


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on literals alone, unless the result takes more memory than they do."""

    def rule(node: Node, known: Mapping[str, Node]) -> Node | None:
        operands = [known[name] for name in node.names]
        literal = operands and all(each.operator == "literal" for each in operands)
        shape = [extent for extent in node.shape if isinstance(extent, int)]
        if not literal or node.dtype == boolean or len(shape) < len(node.shape):
            return None
        if math.prod(shape) > sum(each["data"].array.size for each in operands):
            return None
        values = {each.name: widened(each["data"].array, each.dtype) for each in operands}
        with np.errstate(all="ignore"):
            data = stored(value_of(node, values, {}), node.dtype)
        return replace(node, operator="literal", operands=(), attributes=(("data", Data(data)),))

    return rewritten(graph, rule)


def simplify_graph(graph: Graph) -> Graph:
    """Drop what changes nothing and join views of views. Values stay the same to the bit."""
    return rewritten(graph, simpler)


def simpler(node: Node, known: Mapping[str, Node]) -> Node | Operand | None:
    """The rule of `simplify_graph`."""
    before = known[node.names[0]] if node.names else None
    match node.operator, node.operands:
        case ("multiply", (str(x), Constant(value=1))) | ("multiply", (Constant(value=1), str(x))):
            return x
        case ("divide", (str(x), Constant(value=1))) | ("subtract", (str(x), Constant(value=0))):
            return x
        case "divide", (str(x), Constant(value=value)) if power_of_two(value):
            return replace(node, operator="multiply", operands=(x, Constant(1 / value, node.dtype)))
        case "where", (_, first, second) if first == second and isinstance(first, str):
            return first if known[first].shape == node.shape else None
        case ("negative" | "logical_not", _) if before and before.operator == node.operator:
            return before.operands[0]
        case ("reshape" | "broadcast", (str(x),)) if known[x].shape == node.shape:
            return x
        case "reshape", _ if before and before.operator == "reshape":
            return replace(node, operands=before.operands)
        case "permute", (str(x),) if node["axes"] == tuple(range(len(node.shape))):
            return x
        case "permute", _ if before and before.operator == "permute":
            axes = tuple(before["axes"][axis] for axis in node["axes"])
            return replace(node, operands=before.operands, attributes=(("axes", axes),))
    return None


def power_of_two(value: float) -> bool:
    """Whether multiplying by 1 / `value` is dividing by it, to the bit."""
    return 2.0**-126 <= abs(value) <= 2.0**126 and abs(math.frexp(value)[0]) == 0.5


def keep_precision(graph: Graph) -> Graph:
    """Drop a rounding to f16 or bf16 between two f32 operators, as XLA and Inductor do.

    The result is nearer to the exact one, and not the same to the bit.
    """

    def rule(node: Node, known: Mapping[str, Node]) -> Operand | None:
        if node.operator != "cast" or known[node.names[0]].operator != "cast":
            return None
        narrow = known[node.names[0]]
        wide = narrow.operands[0]
        alike = isinstance(wide, str) and known[wide].dtype == node.dtype
        return wide if alike and not narrow.dtype.computes else None

    return rewritten(graph, rule)


def merge_equal(graph: Graph) -> Graph:
    """Compute once what is computed twice (common subexpression elimination)."""
    seen: dict[object, str] = {}

    def rule(node: Node, known: Mapping[str, Node]) -> Operand | None:
        if node.operator in ("literal", "copy"):
            return None
        operands = node.operands
        if node.operator in ("add", "multiply", "maximum", "minimum"):  # a + b == b + a
            operands = tuple(sorted(operands, key=str))
        key = (node.operator, operands, node.dtype, node.shape, node.attributes)
        first = seen.setdefault(key, node.name)
        return None if first == node.name else first

    return rewritten(graph, rule)


def fold_transposes(graph: Graph) -> Graph:
    """Let a matrix product read a transposed operand where it lies."""

    def rule(node: Node, known: Mapping[str, Node]) -> Node | None:
        if node.operator != "matmul":
            return None
        operands, layouts = list(node.operands), {"left": node["left"], "right": node["right"]}
        for position, side in enumerate(layouts):
            source = known[str(operands[position])]
            rank = len(source.shape)
            if source.operator == "permute" and source["axes"] == (*range(rank - 2), rank - 1, rank - 2):
                operands[position], layouts[side] = source.operands[0], layouts[side][::-1]
        changed = tuple(operands) != node.operands
        return replace(node.having(**layouts), operands=tuple(operands)) if changed else None

    return rewritten(graph, rule)


def pack_weights(graph: Graph) -> Graph:
    """Lay the literal right operands of matrix products out in panels of `PANEL` columns, once for all calls.

    A (k, n) weight becomes [ceil(n / PANEL), k, PANEL]: what a block of columns reads is contiguous.
    """
    nodes: list[Node] = []
    known, packed = graph.by_name, dict[str, str]()
    for node in graph.nodes:
        weight = known[str(node.operands[1])] if node.operator == "matmul" else node
        if node.operator == "matmul" and weight.operator == "literal" and len(weight.shape) == 2:
            if weight.name not in packed:
                matrix = weight["data"].array
                data = panels(matrix.T if node["right"] == "nk" else matrix, PANEL)
                packed[weight.name] = fresh_name(f"{weight.name}_packed", set(known) | set(packed.values()))
                attributes = (("data", Data(data)),)
                nodes.append(Node(packed[weight.name], "literal", (), weight.dtype, data.shape, attributes,
                                  weight.line))  # fmt: skip
            operands = (node.operands[0], packed[weight.name])
            node = replace(node.having(packed=PANEL, right="kn"), operands=operands)
        nodes.append(node)
    return graph.rebuilt(nodes)


def drop_dead(graph: Graph) -> Graph:
    """Drop the nodes that no output needs. Parameters stay."""
    needed, nodes = set(graph.outputs), list[Node]()
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed |= set(node.names)
            nodes.insert(0, node)
    return replace(graph, nodes=tuple(nodes))


PASSES: tuple[tuple[str, Pass], ...] = (
    ("fold constants", fold_constants),
    ("simplify", simplify_graph),
    ("keep precision", keep_precision),
    ("merge equal nodes", merge_equal),
    ("fold transposes", fold_transposes),
    ("pack weights", pack_weights),
    ("drop dead nodes", drop_dead),
)


def changes(before: Graph, after: Graph) -> str:
    """The lines that a pass removed (-) and added (+), with a line around them; empty if there are none."""
    lines = difflib.unified_diff(str(before).splitlines(), str(after).splitlines(), n=1, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
