"""replace_with: loops that do what a tile instruction does become that instruction.

    for j in vectorized(16): for k in unrolled(4): C[i, j] += s32(A[i, k]) * s32(B[j, k])
    -> dot4_u8s8(C[i, 0], A[i, 0], B[0, 0])

1. The loops are those that the instruction expands to at some operands, integer sums in any order.

Preserves bits: the instruction means those loops.
"""

from __future__ import annotations

from dataclasses import replace

from ..access import accesses
from ..affine import Linear, linear
from ..dtype import s64
from ..expression import Constant, Expression, Load
from ..legality import Refused
from ..printer import show
from ..simplify import simplify
from ..statement import Body, For, Function, Invoke, Statement
from ..tile import TILES, expand
from ..traversal import (
    bound_names,
    find_loop,
    loop_names,
    map_expressions,
    map_statements,
    rename,
    replace_at,
    substitute,
)


def replace_with(function: Function, loop: str, instruction: str) -> Function:
    """Replace `loop` and what is in it by `instruction`, a name in `tile.TILES`."""
    path, nest = find_loop(function, loop)
    if instruction not in TILES:
        raise ValueError(f"'{instruction}' is no tile instruction: choose one of {', '.join(TILES)}")
    meaning = TILES[instruction].meaning
    loops, wanted = loop_names(nest), loop_names(meaning)
    found = accesses(function, path)
    parts = accesses(meaning)
    if len(loops) == len(wanted) and len(found) == len(parts):
        starts = {inner: Constant(0) for inner in loops}
        operands: dict[str, Load] = {}
        for part, access in zip(parts, found, strict=True):
            first = tuple(simplify(substitute(index, starts)) for index in access.indices)
            operands[part.buffer.name] = Load(access.buffer, first)
        invoke = Invoke(instruction, tuple(operands[buffer.name] for buffer in meaning.buffers))
        if proved(function, invoke, nest, loops):
            return replace_at(function, path, (invoke,))
    body = "\n".join(f"    {line}" for line in show(meaning.body).splitlines())
    reason = f"'{loop}' does not do what '{instruction}' does, which is\n{body}"
    raise Refused(function, reason, "split and reorder until the innermost loops are these", [path])


def proved(function: Function, invoke: Invoke, nest: For, loops: list[str]) -> bool:
    """Whether `invoke` expands to `nest`."""
    try:
        expanded = expand(invoke, bound_names(function))
    except TypeError:
        return False
    return ordered(rename(expanded, dict(zip(loop_names(expanded), loops, strict=True)))) == ordered((nest,))


def ordered(body: Body) -> Body:
    """`body` with the terms of integer sums in one order, and all loops serial."""

    def sort(expression: Expression) -> Expression:
        if expression.dtype != s64:
            return expression
        form = linear(expression)
        return Linear(tuple(sorted(form.terms, key=lambda term: show(term[0]))), form.constant).expression()

    def serial(statement: Statement) -> Statement:
        return replace(statement, kind="serial") if isinstance(statement, For) else statement

    sorted_body: Body = map_statements(serial, tuple(map_expressions(sort, each) for each in body))
    return sorted_body
