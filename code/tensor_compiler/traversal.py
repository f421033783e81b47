"""Walking over programs and rebuilding them: what a rewrite is made of.

A `Path` leads from the body of a function to a statement: one position for each level, counted through
the statement's bodies (an If's `otherwise` goes on where its `then` ends). Nothing mutates.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from .expression import Buffer, Expression, Load, Part, Variable
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Reduce, Statement, Store

Path = tuple[int, ...]
Node = Expression | Statement | Function
AnyNode = TypeVar("AnyNode", bound=Node | Body)


def children(node: Expression | Statement) -> list[Expression]:
    """The operands of an expression, or what a statement holds besides statements, left to right."""
    found: list[Expression] = []
    for name in node.__match_args__:
        value = getattr(node, name)
        if isinstance(value, Expression):
            found.append(value)
        elif isinstance(value, tuple):
            found += [each for each in value if isinstance(each, Expression)]
    return found


def rebuilt(value: Any, visit: Callable[[Any], Any]) -> Any:
    """`value`, a part or parts of a program, with `visit` applied to the parts that it holds directly.

    It is `value` itself if that changes nothing.
    """
    if isinstance(value, tuple):
        new = tuple([visit(each) for each in value])
        return value if all(map(operator.is_, new, value)) else new
    changed = {}
    for name in value.__match_args__:
        old = getattr(value, name)
        if isinstance(old, (tuple, Part)) and (new := visit(old)) is not old:
            changed[name] = new
    return replace(value, **changed) if changed else value


def map_expressions(function: Callable[[Expression], Expression], node: AnyNode) -> AnyNode:
    """Rebuild `node` with `function` applied to each expression in it, operands before what they are in.

    The extents of allocated buffers and of parameters are left alone: see `map_buffers`.
    """

    def visit(value: Any) -> Any:
        if isinstance(value, Buffer):
            return value
        new = rebuilt(value, visit)
        return function(new) if isinstance(new, Expression) else new

    if isinstance(node, Function):
        return replace(node, body=body) if (body := visit(node.body)) is not node.body else node
    return cast(AnyNode, visit(node))


def map_statements(
    function: Callable[[Statement], Statement | Body], body: Body | Statement | Function
) -> Any:
    """Rebuild with `function` applied to each statement, inner before outer; a tuple it gives is spliced in.

    Gives a function for a function, else a body.
    """

    def visit(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        new = tuple(part for each in value for part in mapped(each))
        return value if len(new) == len(value) and all(map(operator.is_, new, value)) else new

    def mapped(value: Any) -> tuple[Any, ...]:
        new = function(rebuilt(value, visit)) if isinstance(value, Statement) else value
        return new if isinstance(new, tuple) else (new,)

    if isinstance(body, Function):
        return rebuilt(body, visit)
    return visit(body if isinstance(body, tuple) else (body,))


def map_buffers(function: Callable[[Buffer], Buffer], node: AnyNode) -> AnyNode:
    """Rebuild with each buffer replaced, where it is declared and where it is used."""

    def visit(value: Any) -> Any:
        return function(value) if isinstance(value, Buffer) else rebuilt(value, visit)

    return cast(AnyNode, visit(node))


def substitute(node: AnyNode, values: Mapping[str, Expression]) -> AnyNode:
    """`node` with variables replaced by name. Names are unique, so nothing is captured."""

    def swap(expression: Expression) -> Expression:
        return values.get(expression.name, expression) if isinstance(expression, Variable) else expression

    return map_expressions(swap, node) if values else node


def rename(node: AnyNode, names: Mapping[str, str]) -> AnyNode:
    """`node` with loops, values, buffers and sizes renamed."""

    def visit(value: Any) -> Any:
        new = rebuilt(value, visit)
        if isinstance(new, Buffer | Variable | For | Let) and new.name in names:
            return replace(new, name=names[new.name])
        return new

    return cast(AnyNode, visit(node))


def bodies(node: Node | Body) -> Body:
    """The statements directly inside, `then` before `otherwise`."""
    if isinstance(node, For | Function):
        return node.body
    if isinstance(node, If):
        return node.then + node.otherwise
    return node if isinstance(node, tuple) else ()


def walk(node: Function | Statement | Body, path: Path = ()) -> Iterator[tuple[Path, Statement]]:
    """Each statement with its path, in program order, a statement before what is inside it."""
    for position, statement in enumerate(bodies(node)):
        yield (*path, position), statement
        yield from walk(statement, (*path, position))


def statements(node: Node | Body) -> Iterator[Statement]:
    """Each statement in `node`, itself included, in program order."""
    if isinstance(node, Statement):
        yield node
    for statement in bodies(node):
        yield from statements(statement)


def expressions(node: Node | Body) -> Iterator[Expression]:
    """Each expression in `node`, an expression before its operands; indices and bounds are among them."""
    waiting: list[Any] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Expression):
            yield each
        else:
            waiting += bodies(each)[::-1]
        if isinstance(each, (Expression, Statement)):
            waiting += children(each)[::-1]


def loads(node: Node | Body) -> Iterator[Load]:
    """Each load in `node`."""
    return (expression for expression in expressions(node) if isinstance(expression, Load))


def writes(node: Function | Statement | Body) -> Iterator[Store | Reduce]:
    """Each store and reduction in `node`, itself included. `Invoke` writes too: see `tile.expand`."""
    return (statement for statement in statements(node) if isinstance(statement, Store | Reduce))


def accesses(node: Function | Statement | Body) -> Iterator[Load | Store | Reduce]:
    """Each load, store and reduction in `node`; the operands of an Invoke are among the loads."""
    yield from loads(node)
    yield from writes(node)


def written_buffers(node: Function | Statement | Body) -> set[str]:
    """The names of the buffers that `node` writes to; an Invoke writes to its first operand."""
    names = {write.buffer.name for write in writes(node)}
    return names | {each.operands[0].buffer.name for each in statements(node) if isinstance(each, Invoke)}


def statement_at(function: Function, path: Path) -> Statement:
    """The statement at `path`."""
    inside = function.body
    for position in path[:-1]:
        inside = bodies(inside[position])
    return inside[path[-1]]


def replace_at(function: Function, path: Path, new: Body) -> Function:
    """`function` with the statement at `path` replaced by the statements `new`, which may be none."""

    def visit(inside: Body, at: Path) -> Body:
        position, *below = at
        old = inside[position]
        if not below:
            changed = new
        elif isinstance(old, For):
            changed = (replace(old, body=visit(old.body, tuple(below))),)
        elif isinstance(old, If) and below[0] < len(old.then):
            changed = (replace(old, then=visit(old.then, tuple(below))),)
        elif isinstance(old, If):
            below[0] -= len(old.then)
            changed = (replace(old, otherwise=visit(old.otherwise, tuple(below))),)
        else:
            raise IndexError(f"no statement at {path}")
        return inside[:position] + changed + inside[position + 1 :]

    return replace(function, body=visit(function.body, path))


def loop_names(node: Function | Statement | Body) -> list[str]:
    """The names of the loops in `node`, itself included, in program order."""
    return [each.name for each in statements(node) if isinstance(each, For)]


def find_loop(function: Function, name: str) -> tuple[Path, For]:
    """The loop called `name` and its path. Raises LookupError, naming the loops there are."""
    for path, each in walk(function):
        if isinstance(each, For) and each.name == name:
            return path, each
    known = ", ".join(loop_names(function)) or "none, it has no loop"
    raise LookupError(f"there is no loop '{name}': choose one of {known}")


def find_buffer(function: Function, name: str) -> Buffer:
    """The parameter or allocated buffer called `name`. Raises LookupError, naming the buffers there are."""
    allocated = [each.buffer for each in statements(function) if isinstance(each, Allocate)]
    found = {buffer.name: buffer for buffer in (*function.buffers, *allocated)}
    if name not in found:
        raise LookupError(f"there is no buffer '{name}': choose one of {', '.join(found)}")
    return found[name]


def enclosing_loops(function: Function, path: Path) -> tuple[For, ...]:
    """The loops around the statement at `path`, outermost first."""
    found, inside = [], function.body
    for position in path[:-1]:
        if isinstance(above := inside[position], For):
            found.append(above)
        inside = bodies(above)
    return tuple(found)


def bound_names(node: Function | Statement | Body) -> set[str]:
    """The names of loops, values, buffers and parameters that `node` introduces."""
    names = {parameter.name for parameter in node.parameters} if isinstance(node, Function) else set()
    inside = list(statements(node))
    names |= {each.name for each in inside if isinstance(each, For | Let)}
    return names | {each.buffer.name for each in inside if isinstance(each, Allocate)}


def free_names(node: Node | Body) -> set[str]:
    """The names of variables and buffers that `node` uses and does not introduce."""
    inside = list(expressions(node))
    touched = {each.buffer for each in statements(node) if hasattr(each, "buffer")}
    inside += [part for buffer in touched for extent in buffer.shape for part in expressions(extent)]
    used = {each.name for each in inside if isinstance(each, Variable)}
    used |= {each.buffer.name for each in inside if isinstance(each, Load)} | {each.name for each in touched}
    return used if isinstance(node, Expression) else used - bound_names(node)


def fresh_name(stem: str, taken: set[str]) -> str:
    """`stem`, or `stem_1`, `stem_2`, ..., whichever is first not in `taken`."""
    name, count = stem, 0
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name
