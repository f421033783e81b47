"""What several primitives do: copy a part under new names, redirect it to another buffer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .expression import Binary, Buffer, Expression, Load
from .statement import Allocate, Body, Function, Prefetch, Reduce, Statement, Store
from .traversal import bound_names, fresh_name, map_expressions, map_statements, rename

Indices = tuple[Expression, ...]


def new_name(function: Function, wanted: str) -> str:
    """`wanted`, or the next free name like it."""
    return fresh_name(wanted, bound_names(function))


def renamed_copy(function: Function, body: Body, suffix: str) -> Body:
    """`body` with each name that it introduces made new: `j` becomes `j_suffix`."""
    taken = bound_names(function)
    names = {}
    for name in sorted(bound_names(body)):
        names[name] = fresh_name(f"{name}_{suffix}", taken)
        taken.add(names[name])
    return rename(body, names)


def redirect(body: Body, old: Buffer, new: Buffer, indices: Callable[[Indices], Indices]) -> Body:
    """`body` with each access to `old` made one to `new`, at the `indices` of the indices."""

    def load(expression: Expression) -> Expression:
        if isinstance(expression, Load) and expression.buffer == old:
            return Load(new, indices(expression.indices))
        return expression

    def write(statement: Statement) -> Statement:
        if isinstance(statement, Store | Reduce | Prefetch) and statement.buffer == old:
            return replace(statement, buffer=new, indices=indices(statement.indices))
        return statement

    redirected: Body = map_statements(write, tuple(map_expressions(load, each) for each in body))
    return redirected


def with_reductions(function: Function) -> Function:
    """`function` with a store of a maximum or minimum over its own element as the Reduce that it is.

    Shorter indices can show what was one all along.
    """

    def reduced(statement: Statement) -> Statement:
        if isinstance(statement, Store) and isinstance(statement.value, Binary):
            operator, own = statement.value.operator, Load(statement.buffer, statement.indices)
            if (operator == "max" or operator == "min") and statement.value.left == own:
                return Reduce(statement.buffer, statement.indices, operator, statement.value.right)
        return statement

    result: Function = map_statements(reduced, function)
    return result


def without_allocation(function: Function, buffer: Buffer) -> Function:
    """`function` without the Allocate of `buffer`."""

    def drop(statement: Statement) -> Statement | Body:
        return () if statement == Allocate(buffer) else statement

    dropped: Function = map_statements(drop, function)
    return dropped
