"""Reads the graphs that PyTorch prints as Python: where each line came from, and what it computes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from lowering_explorer.request import Request
from lowering_explorer.stage import Lines

_PLACE = re.compile(r"\s*#.* File: (.+):(\d+) in ")
_NO_PLACE = re.compile(r"\s*# .*No stacktrace found")
_FREED = re.compile(r";  (?:\w+ = )+None$")  # says that the names before None are not used below
_ASSIGNMENT = re.compile(r"\s+(\w+)(: \".*?\")? = (.+)")


def located(text: str, request: Request) -> tuple[str, tuple[Lines, ...]]:
    """The graph without its comments on places and without blank lines, and the places as source lines."""
    kept: list[str] = []
    found: list[Lines] = []
    lines: Lines = ()
    for line in text.splitlines():
        if place := _PLACE.match(line):
            lines = request.resolve(place[1], int(place[2]))
        elif _NO_PLACE.match(line) or re.match(r"\s*(class|def|return)\b", line):
            lines = ()
        if line.strip() and not line.lstrip().startswith("#"):
            kept.append(_FREED.sub("", line).replace("class <lambda>(", "class GraphModule("))
            found.append(lines)
    return "".join(f"{line}\n" for line in kept), tuple(found)


def body(text: str) -> Sequence[str]:
    """The assignments of a graph: two graphs with the same body compute the same."""
    return [line for line in text.splitlines() if _ASSIGNMENT.fullmatch(line)]


def operations(text: str) -> Mapping[str, int]:
    """The number of operations in all and by kind. Taking a result out of a tuple is none."""
    kinds: Counter[str] = Counter()
    tuples: set[str] = set()  # only tensors are printed with a type
    for assigned in filter(None, map(_ASSIGNMENT.fullmatch, body(text))):
        name, shape, expression = assigned.groups()
        if not shape:
            tuples.add(name)
        if kind := _kind(expression, tuples):
            kinds[kind] += 1
    return {"operations": kinds.total(), **dict(sorted(kinds.items()))}


def _kind(expression: str, tuples: set[str]) -> str:
    """`torch.ops.aten.mul.Tensor(a, b)`, `a * b`, `a.mul(b)` and `torch.mul(a, b)` are all mul."""
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return ""  # a text that is Python only in part, such as <built-in function add>
    match tree:
        case ast.Call(func=called):
            name = ast.unparse(called).removeprefix("torch.ops.").split(".")
            return name[1] if ast.unparse(called).startswith("torch.ops.") else name[-1]
        case ast.BinOp(op=operator) | ast.UnaryOp(op=operator):
            return _OPERATORS.get(type(operator).__name__, type(operator).__name__.lower())
        case ast.Compare(ops=[operator, *_]):
            return {"GtE": "ge", "LtE": "le"}.get(type(operator).__name__, type(operator).__name__.lower())
        case ast.Subscript(value=ast.Name(id=subscripted)) if subscripted not in tuples:
            return "index"
    return ""


_OPERATORS = {"Mult": "mul", "USub": "neg", "MatMult": "matmul", "BitAnd": "bitwise_and"}
