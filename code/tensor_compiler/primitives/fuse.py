"""fuse: two loops, one directly in the other, become one.

    for i in serial(n): for j in serial(8): S(i, j)
    -> for i_j in serial(n * 8): S(i_j // 8, i_j % 8)

1. The inner loop is all that the outer one holds, both are serial, and their bounds are not read from memory.
2. The inner loop runs a fixed number of times.

Preserves bits: the iterations run in the same order.
"""

from __future__ import annotations

from ..expression import Variable
from ..legality import Refused, all_ranges, extent, require_plain_bounds
from ..rewrite import new_name
from ..simplify import simplify
from ..statement import For, Function
from ..traversal import find_loop, replace_at, substitute
from .reorder import perfectly_nested


def fuse(function: Function, outer: str, inner: str, name: str | None = None) -> Function:
    """Fuse `inner` into `outer` around it, as the loop `name` (`outer_inner`)."""
    path, first = find_loop(function, outer)
    inside, second = find_loop(function, inner)
    perfectly_nested(function, outer, inner)
    for name_of in (outer, inner):
        require_plain_bounds(function, name_of)
    for place, loop in ((path, first), (inside, second)):
        if loop.kind != "serial":
            reason = f"'{loop.name}' is {loop.kind}, and only serial loops are fused"
            raise Refused(function, reason, f"fuse before it becomes {loop.kind}", [place])
    count = extent(second)
    if not count:
        reason = f"how often '{inner}' runs is not a number"
        raise Refused(function, reason, f"split '{inner}' and fuse with a loop of fixed length", [inside])
    name = name or new_name(function, f"{outer}_{inner}")
    total = simplify((first.upper - first.lower) * count)
    ranges = all_ranges(function) | {name: (0.0, float("inf"))}
    at = {outer: simplify(first.lower + Variable(name) // count, ranges)}
    at[inner] = substitute(second.lower, at) + Variable(name) % count
    body = tuple(simplify(substitute(statement, at), ranges) for statement in second.body)
    return replace_at(function, path, (For(name, 0, total, "serial", body),))
