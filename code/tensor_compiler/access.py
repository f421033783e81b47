"""Which elements a program touches: each access with the loops and the conditions around it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .dtype import s64
from .expression import Binary, Buffer, Expression, Load, Select, Unary
from .intrinsics import NEGATED
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Prefetch, Reduce, Statement, Store
from .tile import expand
from .traversal import Path, children, enclosing_loops, substitute, walk

READS, WRITES = "reads", "writes"  # the third kind is "reduces +" and its like


@dataclass(frozen=True)
class Access:
    """One access in the text, which stands for many: `buffer[indices]` in each iteration of `loops`.

    `conditions` all hold where it happens. Integer values that `Let` binds are put in place.
    """

    path: Path
    kind: str
    buffer: Buffer
    indices: tuple[Expression, ...]
    loops: tuple[For, ...]
    conditions: tuple[Expression, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(loop.name for loop in self.loops)


@dataclass(frozen=True)
class Place:
    """Where the walk is: what is around, and the integers that names stand for."""

    path: Path
    loops: tuple[For, ...]
    conditions: tuple[Expression, ...]
    values: Mapping[str, Expression]


def accesses(function: Function, path: Path = ()) -> list[Access]:
    """The accesses at and below `path`, in program order; those of an Invoke are those of its loops."""
    return [access for access in all_accesses(function) if access.path[: len(path)] == path]


@functools.lru_cache(maxsize=4)  # a primitive asks for those of several paths
def all_accesses(function: Function) -> tuple[Access, ...]:
    return tuple(visit_body(function.body, Place((), (), (), {})))


def changed_after(function: Function, start: Path) -> dict[Path, str]:
    """What the statement at `start` reads and something after it in its body writes: buffers by path."""
    parent, behind = start[:-1], (start[-1] + 1,)
    inputs = {each.buffer.name for each in accesses(function, start) if each.kind == READS}
    following = [each for each in accesses(function, parent) if each.path[len(parent) :] >= behind]
    written = [each for each in following if each.kind != READS]
    return {each.path: each.buffer.name for each in written if each.buffer.name in inputs}


def visit_body(body: Body, place: Place, offset: int = 0) -> Iterator[Access]:
    for position, statement in enumerate(body, offset):
        here = replace(place, path=(*place.path, position))
        yield from visit(statement, here)
        if isinstance(statement, Let) and statement.value.dtype == s64:
            value = substitute(statement.value, place.values)
            place = replace(place, values={**place.values, statement.name: value})


def visit(statement: Statement, here: Place) -> Iterator[Access]:
    match statement:
        case For():
            yield from reads(statement.lower, here)
            yield from reads(statement.upper, here)
            lower, upper = (substitute(e, here.values) for e in (statement.lower, statement.upper))
            loop = For(statement.name, lower, upper, statement.kind, ())
            yield from visit_body(statement.body, replace(here, loops=(*here.loops, loop)))
        case If():
            yield from reads(statement.condition, here)
            holds, fails = guarded(here, statement.condition)
            yield from visit_body(statement.then, holds)
            yield from visit_body(statement.otherwise, fails, len(statement.then))
        case Let():
            yield from reads(statement.value, here)
        case Store() | Reduce():
            for index in statement.indices:
                yield from reads(index, here)
            yield from reads(statement.value, here)
            kind = WRITES if isinstance(statement, Store) else f"reduces {statement.operator}"
            yield touch(kind, statement.buffer, statement.indices, here)
        case Invoke():
            taken = {loop.name for loop in here.loops}
            for access in visit_body(expand(statement, taken), here):
                yield replace(access, path=here.path)
        case Allocate() | Prefetch():
            pass


def reads(expression: Expression, here: Place) -> Iterator[Access]:
    """The loads that evaluating `expression` performs."""
    if isinstance(expression, Select):
        yield from reads(expression.condition, here)
        holds, fails = guarded(here, expression.condition)
        yield from reads(expression.then, holds)
        yield from reads(expression.otherwise, fails)
        return
    for child in children(expression):
        yield from reads(child, here)
    if isinstance(expression, Load):
        yield touch(READS, expression.buffer, expression.indices, here)


def touch(kind: str, buffer: Buffer, indices: tuple[Expression, ...], here: Place) -> Access:
    placed = tuple(substitute(index, here.values) for index in indices)
    return Access(here.path, kind, buffer, placed, here.loops, here.conditions)


def guarded(here: Place, condition: Expression) -> tuple[Place, Place]:
    """Where `condition` holds, and where it does not."""
    placed = substitute(condition, here.values)
    holds = replace(here, conditions=(*here.conditions, placed))
    return holds, replace(here, conditions=(*here.conditions, Unary("not", placed)))


def simple_conditions(conditions: tuple[Expression, ...]) -> Iterator[Expression]:
    """`conditions` taken apart: each `and`, and each `not` of an `or`, into its two sides."""
    for condition in conditions:
        match condition:
            case Binary(operator="and"):
                yield from simple_conditions((condition.left, condition.right))
            case Unary(operator="not", operand=Binary(operator="or") as either):
                yield from simple_conditions((Unary("not", either.left), Unary("not", either.right)))
            case Unary(operator="not", operand=Unary(operator="not") as twice):
                yield from simple_conditions((twice.operand,))
            case Unary(operator="not", operand=Binary(operator=sign) as denied) if sign in NEGATED:
                yield Binary(NEGATED[sign], denied.left, denied.right)  # type: ignore[arg-type]
            case _:
                yield condition


def private_loops(function: Function, name: str) -> frozenset[str]:
    """The loops around the allocation of `name`: each of their iterations has memory of its own."""
    for path, each in walk(function):
        if isinstance(each, Allocate) and each.buffer.name == name:
            return frozenset(loop.name for loop in enclosing_loops(function, path))
    return frozenset()
