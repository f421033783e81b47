"""A loop function's accesses, in program order, through caches.

The loops become a Python function that computes addresses and no values, which is compiled and run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cache_simulator.cache import Cache
from tensor_compiler.affine import evaluate
from tensor_compiler.dtype import s64
from tensor_compiler.expression import Buffer, Expression, Load
from tensor_compiler.printer import show
from tensor_compiler.statement import (
    Allocate,
    Body,
    For,
    Function,
    If,
    Invoke,
    Let,
    Prefetch,
    Reduce,
    Statement,
    Store,
)  # fmt: skip
from tensor_compiler.tile import expand
from tensor_compiler.traversal import free_names, loads, walk

ALIGNMENT = 64  # bytes: where each buffer starts, as arrays of the package do


class CannotSimulate(ValueError):
    """A function whose accesses depend on numbers in memory, or on a size that was not given."""


@dataclass(frozen=True)
class Traffic:
    """What happened: by buffer, how many elements were touched, and how often a line was not in each cache.

    `misses[0]` are those of the first cache, `misses[1]` those of them that missed the second too.
    """

    touches: Counter[str]
    misses: tuple[Counter[str], ...]

    def __str__(self) -> str:
        missed = ", then ".join(f"{misses.total():,}" for misses in self.misses)
        return f"{self.touches.total():,} accesses, {missed} misses"


def simulate(function: Function, *caches: Cache, sizes: Mapping[str, int] | None = None) -> Traffic:
    """Run the accesses of `function` through empty `caches`, the nearest first; without any, the default one.

    Buffers lie one behind the other, each at a multiple of 64 bytes. Buffers in registers touch no memory. A
    vectorized loop touches its elements one by one, a parallel one runs on one core, a `Select` reads both
    sides, and a prefetch does nothing. `sizes` gives symbolic extents and other integer parameters. Raises
    CannotSimulate.
    """
    given = dict(sizes or {})
    for parameter in function.parameters:
        if not isinstance(parameter, Buffer) and parameter.name not in given:
            raise CannotSimulate(f"give a number for '{parameter.name}' in sizes")
    levels = caches or (Cache(),)
    traffic = Traffic(Counter(), tuple(Counter() for _ in levels))
    touching: dict[str, Callable[..., None]] = {}
    end = 0
    for buffer in [*function.buffers, *(each.buffer for each in allocations(function))]:
        if buffer.scope != "registers":
            touching[f"touch_{buffer.name}"] = toucher(buffer, end, levels, traffic)
            elements = math.prod(evaluate(extent, given) for extent in buffer.shape)
            end += -(-elements * buffer.dtype.bytes // ALIGNMENT) * ALIGNMENT
    source = "def run():\n" + "\n".join(lines(function.body, frozenset(given), 1))
    space: dict[str, Any] = {**touching, **given, "s64": int}
    exec(compile(source, f"<accesses of {function.name}>", "exec"), space)
    space["run"]()
    return traffic


def allocations(function: Function) -> Iterator[Allocate]:
    return (each for _, each in walk(function) if isinstance(each, Allocate))


def toucher(buffer: Buffer, start: int, levels: tuple[Cache, ...], traffic: Traffic) -> Callable[..., None]:
    """What an access to the element at a position of `buffer`, which lies at `start`, does."""
    name, width = buffer.name, buffer.dtype.bytes
    counted = list(zip(levels, traffic.misses, strict=True))

    def touch(position: int, past: bool = False) -> None:
        address = start + width * position
        traffic.touches[name] += 1
        for cache, misses in counted:
            if past:
                cache.drop(address)
            elif cache.touch(address):
                return
            misses[name] += 1

    return touch


def lines(body: Body, known: frozenset[str], depth: int) -> Iterator[str]:
    """The Python text of `body`; `known` are the names that have a value."""
    indent = "    " * depth
    yield f"{indent}pass"
    for statement in body:
        for expression in parts(statement):
            yield from (indent + call(load, known) for load in loads(expression))
        match statement:
            case For():
                bounds = f"{integer(statement.lower, known)}, {integer(statement.upper, known)}"
                yield f"{indent}for {statement.name} in range({bounds}):"
                yield from lines(statement.body, known | {statement.name}, depth + 1)
            case If():
                yield f"{indent}if {integer(statement.condition, known)}:"
                yield from lines(statement.then, known, depth + 1)
                yield f"{indent}else:"
                yield from lines(statement.otherwise, known, depth + 1)
            case Let(name=name, value=value) if value.dtype == s64 and not any(loads(value)):
                yield f"{indent}{name} = {integer(value, known)}"
                known |= {name}
            case Store() | Reduce():
                past = isinstance(statement, Store) and statement.non_temporal
                yield indent + call(statement, known, past)
            case Invoke():
                yield from lines(expand(statement, set(known)), known, depth)


def parts(statement: Statement) -> tuple[Expression, ...]:
    """The expressions of `statement` itself that read memory."""
    match statement:
        case For():
            return statement.lower, statement.upper
        case If():
            return (statement.condition,)
        case Let():
            return (statement.value,)
        case Store() | Reduce():
            return *statement.indices, statement.value
        case Allocate() | Prefetch() | Invoke():
            return ()
    raise TypeError(f"{type(statement).__name__} is no statement")


def call(access: Load | Store | Reduce, known: frozenset[str], past: bool = False) -> str:
    """The text that touches one element, past the caches if so; nothing for one in a register."""
    buffer = access.buffer
    if buffer.scope == "registers":
        return "pass"
    position: Expression | None = None
    for index, extent in zip(access.indices, buffer.shape, strict=True):
        position = index if position is None else position * extent + index
    text = "0" if position is None else integer(position, known)
    return f"touch_{buffer.name}({text}{', True' if past else ''})"


def integer(expression: Expression, known: frozenset[str]) -> str:
    """`expression` as Python. Raises CannotSimulate if it needs a number in memory."""
    if any(loads(expression)) or not free_names(expression) <= known:
        raise CannotSimulate(f"'{show(expression)}' depends on numbers in memory, which a simulation has not")
    return show(expression)
