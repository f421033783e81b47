"""compute_at: a loop computes for itself the part of a buffer that it reads, instead of loops before it.

    for i in serial(64): T[i] = f(i)
    for x_o in serial(8): for x_i in serial(8): ... T[x_o * 8 + x_i] ...
    ->
    for x_o in serial(8):
        T_at = stack(f32[8])
        for i in serial(8): T_at[i] = f(x_o * 8 + i)
        for x_i in serial(8): ... T_at[x_i] ...

1. The loops write to one buffer, which is allocated in all loops around them and not written elsewhere.
2. They touch it only at the element of their iteration: its indices are variables of the outermost of the
   loops, which are serial, directly in each other, and have bounds that do not depend on one another; where
   the extent is 1, the index may be 0.
3. `loop` follows them, is not in a vectorized loop, and all reads of the buffer are in it.
4. Nothing from the loops to the end of what follows them writes to what they read.

Preserves bits. An element that several iterations of `loop` read is computed again in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..access import READS, Access, accesses, changed_after
from ..affine import Ranges, interval, linear
from ..expression import Binary, Buffer, Constant, Expression, Scope, Variable
from ..legality import Refused, all_ranges, require_memory, require_own
from ..region import Region, region
from ..rewrite import new_name, redirect, without_allocation
from ..simplify import simplify
from ..statement import Allocate, Body, For, Function
from ..traversal import Path, enclosing_loops, find_buffer, find_loop, free_names, replace_at, substitute


def compute_at(
    function: Function, producer: str, loop: str, scope: Scope = "stack", name: str | None = None
) -> Function:
    """Compute what the loops from `producer` on write in `loop`, into the buffer `name` (`buffer_at`)."""
    start, nest = find_loop(function, producer)
    at, target = find_loop(function, loop)
    parent, position = start[:-1], start[-1]
    if at[: len(parent)] != parent or at[len(parent)] <= position:
        reason = f"'{loop}' does not follow '{producer}'"
        raise Refused(function, reason, "choose a loop after it", [start, at])
    require_memory(function, at)
    buffer = made_buffer(function, start, producer)
    require_own(function, buffer, start)
    reads = consumers(function, buffer, start, at, loop)
    if changed := changed_after(function, start):
        reason = f"'{next(iter(changed.values()))}', which '{producer}' reads, is written after it"
        raise Refused(function, reason, "write to another buffer", dict.fromkeys(changed, "writes"))
    loops = own_loops(function, start, nest, buffer)
    around = enclosing_loops(function, (*at, 0))
    ranges = all_ranges(function)
    box = region(reads, len(around), ranges)
    copied = Buffer(name or new_name(function, f"{buffer.name}_at"), buffer.dtype, box.extents, scope)

    def shift(indices: tuple[Expression, ...]) -> tuple[Expression, ...]:
        return box.relative(indices, ranges)

    made = redirect(restricted(loops, box, around, ranges), buffer, copied, shift)
    made = tuple(simplify(statement) for statement in made)
    body: Body = (Allocate(copied), *made, *redirect(target.body, buffer, copied, shift))
    result = replace_at(function, at, (replace(target, body=body),))
    return without_allocation(replace_at(result, start, ()), buffer)


def made_buffer(function: Function, start: Path, producer: str) -> Buffer:
    """The one buffer that the loops at `start` write to. Raises Refused."""
    written = {each.buffer.name: each.path for each in accesses(function, start) if each.kind != READS}
    if len(written) != 1:
        reason = f"'{producer}' writes to {len(written)} buffers, not one"
        hint = "take the loops of one buffer apart with decompose_reduction"
        raise Refused(function, reason, hint, dict.fromkeys(written.values(), ""))
    (name,) = written
    buffer = find_buffer(function, name)
    if buffer.scope == "parameter":
        reason = f"'{name}' is a parameter, which the caller wants whole"
        raise Refused(function, reason, "bring the loops together with merge", {written[name]: ""})
    return buffer


def consumers(function: Function, buffer: Buffer, start: Path, at: Path, loop: str) -> list[Access]:
    """The reads of `buffer` in the loop at `at`. Raises Refused if something else touches it elsewhere."""
    outside = [each for each in accesses(function) if each.path[: len(start)] != start]
    touching = [each for each in outside if each.buffer == buffer]
    inside = [each for each in touching if each.kind == READS and each.path[: len(at)] == at != each.path]
    if guilty := {each.path: each.kind.split(" ")[0] for each in touching if each not in inside}:
        reason = f"'{buffer.name}' is touched outside of '{loop}'"
        raise Refused(function, reason, "choose a loop around all that reads it", guilty)
    if not inside:
        raise Refused(function, f"'{loop}' does not read '{buffer.name}'", "choose a loop that does", [at])
    return inside


def own_loops(function: Function, start: Path, nest: For, buffer: Buffer) -> list[tuple[For, int]]:
    """The loops that index `buffer`, outermost first, each with its dimension. Raises Refused."""
    touching = [each for each in accesses(function, start) if each.buffer == buffer]
    indices = touching[0].indices
    names = [index.name for index in indices if isinstance(index, Variable)]
    hint = "do this before splitting the loops, or write each element at the variables of its loops"
    fixed = (extent for i, extent in zip(indices, buffer.shape, strict=True) if not isinstance(i, Variable))
    single = len(set(names)) == len(names) and all(extent == Constant(1) for extent in fixed)
    if any(each.indices != indices for each in touching) or not single:
        reason = f"'{nest.name}' does not touch '{buffer.name}' at one element in each iteration"
        raise Refused(function, reason, hint, {each.path: "" for each in touching})
    loops: list[tuple[For, int]] = []
    inside: Body = (nest,)
    while len(loops) < len(names):
        loop = inside[0]
        ready = len(inside) == 1 and isinstance(loop, For) and loop.name in names and loop.kind == "serial"
        bounds = free_names(loop.lower) | free_names(loop.upper) if isinstance(loop, For) else set()
        if not (ready and isinstance(loop, For)) or bounds & set(names):
            what = f"the loops over '{buffer.name}'"
            reason = f"{what} are not serial, directly in each other and of fixed bounds"
            raise Refused(function, reason, hint, [start])
        loops.append((loop, indices.index(loop.variable)))
        inside = loop.body
    return loops


def least(expression: Expression, around: Sequence[For], ranges: Ranges) -> float:
    """A lower bound of `expression` in the loops `around`, whose variables go up to what may be a size."""
    for loop in reversed(around):
        form = linear(expression)
        factor = form.coefficient(loop.name)
        if factor and sum(loop.name in free_names(atom) for atom, _ in form.terms) == 1:
            end = loop.lower if factor > 0 else loop.upper - 1
            expression = simplify(substitute(expression, {loop.name: end}))
    return interval(expression, ranges)[0]


def restricted(loops: list[tuple[For, int]], box: Region, around: Sequence[For], ranges: Ranges) -> Body:
    """The loops over `box` alone: from 0 where that is proved to be within their bounds, else clamped."""
    body = loops[-1][0].body
    for loop, dimension in reversed(loops):
        low, count = box.lows[dimension], box.counts[dimension]
        if min(least(low - loop.lower, around, ranges), least(loop.upper - low - count, around, ranges)) >= 0:
            single = count == Constant(1)
            at = low if single else simplify(low + loop.variable)
            body = tuple(substitute(statement, {loop.name: at}) for statement in body)
            body = body if single else (For(loop.name, 0, count, "serial", body),)
        else:
            lower = simplify(Binary("max", loop.lower, low), ranges)
            upper = simplify(Binary("min", loop.upper, low + count), ranges)
            body = (For(loop.name, lower, upper, "serial", body),)
    return body
