"""online: a maximum and the sum of exponentials below it in one pass over the data.

    for j in serial(n): m[0] = max(m[0], x(j))
    s[0] = 0
    for k in serial(n): s[0] += exp(x(k) - m[0])
    ->
    s[0] = 0
    for j in serial(n):
        j_next = max(m[0], x(j))
        j_base = max(j_next, the least finite number)
        s[0] = s[0] * exp(m[0] - j_base) + exp(x(j) - j_base)
        m[0] = j_next

1. The two loops are serial, have equal bounds, and hold one reduction each, as above, with one x.
2. Between them stands nothing but the store of 0 to s, and allocations.
3. Nothing in x reads m or s, and both elements stay the same throughout the loops.

Preserves the value up to reassociation wherever some x is finite (Milakov and Gimelshein, 2018).
"""

from __future__ import annotations

from dataclasses import replace

from ..expression import Binary, Call, Constant, Load
from ..legality import Refused, require_plain_bounds
from ..rewrite import new_name
from ..simplify import simplify
from ..statement import Allocate, Body, For, Function, Let, Reduce, Store
from ..traversal import Path, find_loop, free_names, replace_at, statement_at, substitute


def online(function: Function, maximum: str, total: str) -> Function:
    """Compute the sum of the loop `total` in the loop `maximum`."""
    path, first = find_loop(function, maximum)
    end, second = find_loop(function, total)
    for loop in (maximum, total):
        require_plain_bounds(function, loop)
    matched = reductions(first, second)
    between = siblings_between(function, path, end)
    if matched is None or between is None or not all(initial(each, matched[1]) for each in between):
        reason = f"'{maximum}' and '{total}' are not a maximum and the sum of the exponentials below it"
        hint = "bring them into the form for j: m = max(m, x); s = 0; for k: s += exp(x - m)"
        raise Refused(function, reason, hint, [path, end])
    if not any(isinstance(each, Store) for each in between):
        reason = f"'{matched[1].buffer.name}' is not set to 0 between '{maximum}' and '{total}'"
        raise Refused(function, reason, "store 0 to it just before the sum", [end])
    largest, summed = matched
    value, dtype = largest.value, largest.buffer.dtype
    old, sum_so_far = (Load(each.buffer, each.indices) for each in matched)
    following = Let(new_name(function, f"{maximum}_next"), Binary("max", old, value))
    least = Constant(dtype.limits[0], dtype)
    base = Let(new_name(function, f"{maximum}_base"), Binary("max", following.variable, least))
    scale = Call("exp", (Binary("-", old, base.variable),))
    term = Call("exp", (Binary("-", value, base.variable),))
    updated = Binary("+", Binary("*", sum_so_far, scale), term)
    sum_stored = Store(summed.buffer, summed.indices, updated)
    maximum_stored = Store(largest.buffer, largest.indices, following.variable)
    body = (following, base, sum_stored, maximum_stored)
    function = replace_at(function, end, (replace(first, body=body),))
    return replace_at(function, path, ())


def reductions(first: For, second: For) -> tuple[Reduce, Reduce] | None:
    """The maximum and the sum that the two loops hold, or None if they do not match."""
    if len(first.body) != 1 or len(second.body) != 1 or (first.kind, second.kind) != ("serial", "serial"):
        return None
    if (simplify(first.lower), simplify(first.upper)) != (simplify(second.lower), simplify(second.upper)):
        return None
    largest, summed = first.body[0], second.body[0]
    if not isinstance(largest, Reduce) or not isinstance(summed, Reduce):
        return None
    own = Load(largest.buffer, largest.indices)
    value = substitute(largest.value, {first.name: second.variable})
    wanted = Call("exp", (Binary("-", value, own),)) if largest.buffer.dtype.is_float else None
    moving = {name for each in (largest, summed) for index in each.indices for name in free_names(index)}
    touched = {largest.buffer.name, summed.buffer.name}
    apart = len(touched) == 2 and not touched & (free_names(largest.value) | moving)
    still = not moving & {first.name, second.name}
    if (largest.operator, summed.operator, summed.value) != ("max", "+", wanted) or not (apart and still):
        return None
    return largest, summed


def siblings_between(function: Function, first: Path, second: Path) -> Body | None:
    """What stands between two statements of one body, or None if they are not in that order in one."""
    if first[:-1] != second[:-1] or first[-1] >= second[-1]:
        return None
    return tuple(statement_at(function, (*first[:-1], n)) for n in range(first[-1] + 1, second[-1]))


def initial(statement: object, summed: Reduce) -> bool:
    """Whether `statement` allocates something, or stores 0 to the sum."""
    zero = Store(summed.buffer, summed.indices, Constant(0, summed.buffer.dtype))
    return isinstance(statement, Allocate) or statement == zero
