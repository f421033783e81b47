"""Walking over programs and rebuilding them: what a rewrite is made of.

A `Path` leads from the body of a function to a statement: one position for each level, counted through
the statement's bodies (an If's `otherwise` goes on where its `then` ends). Nothing mutates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from .expression import Binary, Buffer, Call, Cast, Expression, Load, Select, Unary, Variable
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Reduce, Statement, Store

Path = tuple[int, ...]
Node = Expression | Statement | Function
AnyNode = TypeVar("AnyNode", bound=Node | Body)


def children(node: Expression) -> tuple[Expression, ...]:
    """The operands of an expression, left to right."""
    match node:
        case Unary() | Cast():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Select():
            return (node.condition, node.then, node.otherwise)
        case Call():
            return node.arguments
        case Load():
            return node.indices
        case _:
            return ()


def map_expressions(function: Callable[[Expression], Expression], node: AnyNode) -> AnyNode:
    """Rebuild `node` with `function` applied to each expression in it, operands before what they are in.

    The extents of allocated buffers and of parameters are left alone: see `map_buffers`.
    """

    def visit(value: Any) -> Any:
        if isinstance(value, Expression):
            return function(rebuild(value))
        if isinstance(value, Statement):
            return rebuild(value)
        if not isinstance(value, tuple):
            return value
        new = tuple(map(visit, value))
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value

    def rebuild(owner: Any) -> Any:
        old = {field.name: getattr(owner, field.name) for field in fields(owner)}
        new = {name: visit(value) for name, value in old.items() if name != "parameters"}
        return replace(owner, **new) if any(new[name] is not old[name] for name in new) else owner

    return cast(AnyNode, rebuild(node) if isinstance(node, Function) else visit(node))


def map_statements(
    function: Callable[[Statement], Statement | Body], body: Body | Statement | Function
) -> Any:
    """Rebuild with `function` applied to each statement, inner before outer; a tuple it gives is spliced in.

    Gives a function for a function, else a body.
    """

    def visit(statements: Body) -> Body:
        result: list[Statement] = []
        for statement in statements:
            if isinstance(statement, For):
                statement = replace(statement, body=visit(statement.body))
            elif isinstance(statement, If):
                statement = replace(
                    statement, then=visit(statement.then), otherwise=visit(statement.otherwise)
                )
            mapped = function(statement)
            result.extend(mapped if isinstance(mapped, tuple) else (mapped,))
        return tuple(result)

    if isinstance(body, Function):
        return replace(body, body=visit(body.body))
    return visit(body if isinstance(body, tuple) else (body,))


def map_buffers(function: Callable[[Buffer], Buffer], node: AnyNode) -> AnyNode:
    """Rebuild with each buffer replaced, where it is declared and where it is used."""

    def visit(value: Any) -> Any:
        if isinstance(value, Buffer):
            return function(value)
        if isinstance(value, tuple):
            return tuple(map(visit, value))
        return rebuild(value) if isinstance(value, Expression | Statement | Function) else value

    def rebuild(owner: Any) -> Any:
        return replace(owner, **{field.name: visit(getattr(owner, field.name)) for field in fields(owner)})

    return cast(AnyNode, visit(node))


def substitute(node: AnyNode, values: Mapping[str, Expression]) -> AnyNode:
    """`node` with variables replaced by name. Names are unique, so nothing is captured."""

    def swap(expression: Expression) -> Expression:
        return values.get(expression.name, expression) if isinstance(expression, Variable) else expression

    return map_expressions(swap, node)


def rename(function: Function, names: Mapping[str, str]) -> Function:
    """`function` with loops, values, buffers and sizes renamed."""

    def new(name: str) -> str:
        return names.get(name, name)

    def declared(statement: Statement) -> Statement:
        return replace(statement, name=new(statement.name)) if isinstance(statement, For | Let) else statement

    def used(expression: Expression) -> Expression:
        return (
            replace(expression, name=new(expression.name)) if isinstance(expression, Variable) else expression
        )

    def buffer(old: Buffer) -> Buffer:
        shape = tuple(map_expressions(used, extent) for extent in old.shape)
        return Buffer(new(old.name), old.dtype, shape, old.scope)

    renamed = map_statements(declared, map_buffers(buffer, map_expressions(used, function)))
    parameters = tuple(
        Variable(new(p.name), p.dtype) if isinstance(p, Variable) else p for p in renamed.parameters
    )
    return replace(renamed, parameters=parameters) if isinstance(renamed, Function) else function


def bodies(statement: Statement) -> Body:
    """The statements directly inside, `then` before `otherwise`."""
    if isinstance(statement, For):
        return statement.body
    return statement.then + statement.otherwise if isinstance(statement, If) else ()


def walk(node: Function | Statement | Body, path: Path = ()) -> Iterator[tuple[Path, Statement]]:
    """Each statement with its path, in program order, a statement before what is inside it."""
    inside = (
        node.body if isinstance(node, Function) else bodies(node) if isinstance(node, Statement) else node
    )
    for position, statement in enumerate(inside):
        yield (*path, position), statement
        yield from walk(statement, (*path, position))


def expressions(node: Node | Body) -> Iterator[Expression]:
    """Each expression in `node`, an expression before its operands; indices and bounds are among them."""
    if isinstance(node, Expression):
        yield node
        for child in children(node):
            yield from expressions(child)
    elif isinstance(node, Statement):
        for field in fields(cast(Any, node)):
            value = getattr(node, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Expression | Statement):
                    yield from expressions(part)
    else:
        for statement in node.body if isinstance(node, Function) else node:
            yield from expressions(statement)


def loads(node: Node | Body) -> Iterator[Load]:
    """Each load in `node`."""
    return (expression for expression in expressions(node) if isinstance(expression, Load))


def writes(node: Function | Statement | Body) -> Iterator[Store | Reduce]:
    """Each store and reduction in `node`, itself included. `Invoke` writes too: see `tile.expand`."""
    if isinstance(node, Store | Reduce):
        yield node
    yield from (statement for _, statement in walk(node) if isinstance(statement, Store | Reduce))


def accesses(node: Function | Statement | Body) -> Iterator[Load | Store | Reduce]:
    """Each load, store and reduction in `node`; the operands of an Invoke are among the loads."""
    yield from loads(node)
    yield from writes(node)


def written_buffers(node: Function | Statement | Body) -> set[str]:
    """The names of the buffers that `node` writes to; an Invoke writes to its first operand."""
    names = {write.buffer.name for write in writes(node)}
    return names | {inside.operands[0].buffer.name for _, inside in walk(node) if isinstance(inside, Invoke)}


def statement_at(function: Function, path: Path) -> Statement:
    """The statement at `path`."""
    statement: Statement = For("", 0, 1, "serial", function.body)
    for position in path:
        statement = bodies(statement)[position]
    return statement


def replace_at(function: Function, path: Path, new: Body) -> Function:
    """`function` with the statement at `path` replaced by the statements `new`, which may be none."""

    def visit(statements: Body, rest: Path) -> Body:
        position = rest[0]
        if len(rest) == 1:
            return statements[:position] + new + statements[position + 1 :]
        old = statements[position]
        if isinstance(old, If) and rest[1] >= len(old.then):
            below = (rest[1] - len(old.then), *rest[2:])
            changed: Statement = replace(old, otherwise=visit(old.otherwise, below))
        elif isinstance(old, If):
            changed = replace(old, then=visit(old.then, rest[1:]))
        elif isinstance(old, For):
            changed = replace(old, body=visit(old.body, rest[1:]))
        else:
            raise IndexError(f"no statement at {path}")
        return (*statements[:position], changed, *statements[position + 1 :])

    return replace(function, body=visit(function.body, path))


def find_loop(function: Function, name: str) -> tuple[Path, For]:
    """The loop called `name` and its path. Raises LookupError, naming the loops there are."""
    found = {loop.name: (path, loop) for path, loop in walk(function) if isinstance(loop, For)}
    if name not in found:
        raise LookupError(
            f"there is no loop '{name}': choose one of {', '.join(found) or 'none, it has no loop'}"
        )
    return found[name]


def find_buffer(function: Function, name: str) -> Buffer:
    """The parameter or allocated buffer called `name`. Raises LookupError, naming the buffers there are."""
    allocated = [inside.buffer for _, inside in walk(function) if isinstance(inside, Allocate)]
    found = {buffer.name: buffer for buffer in (*function.buffers, *allocated)}
    if name not in found:
        raise LookupError(f"there is no buffer '{name}': choose one of {', '.join(found)}")
    return found[name]


def enclosing_loops(function: Function, path: Path) -> tuple[For, ...]:
    """The loops around the statement at `path`, outermost first."""
    above = (statement_at(function, path[:depth]) for depth in range(1, len(path)))
    return tuple(statement for statement in above if isinstance(statement, For))


def bound_names(node: Function | Statement | Body) -> set[str]:
    """The names of loops, values, buffers and parameters that `node` introduces."""
    names = {parameter.name for parameter in node.parameters} if isinstance(node, Function) else set()
    inside = [node] if isinstance(node, Statement) else []
    for statement in (*inside, *(statement for _, statement in walk(node))):
        if isinstance(statement, For | Let):
            names.add(statement.name)
        elif isinstance(statement, Allocate):
            names.add(statement.buffer.name)
    return names


def free_names(node: Node | Body) -> set[str]:
    """The names of variables and buffers that `node` uses and does not introduce."""
    used = {expression.name for expression in expressions(node) if isinstance(expression, Variable)}
    used |= {load.buffer.name for load in loads(node)}
    if isinstance(node, Expression):
        return used
    touched = [node] if isinstance(node, Statement) else []
    for statement in (*touched, *(statement for _, statement in walk(node))):
        buffer = getattr(statement, "buffer", None)
        if buffer is not None:
            used.add(buffer.name)
            used |= {
                e.name for extent in buffer.shape for e in expressions(extent) if isinstance(e, Variable)
            }
    return used - bound_names(node)


def fresh_name(stem: str, taken: set[str]) -> str:
    """`stem`, or `stem_1`, `stem_2`, ..., whichever is first not in `taken`."""
    name, count = stem, 0
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name
