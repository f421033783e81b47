"""reorder: loops that are directly in each other change places.

    for i in serial(n): for j in serial(m): S(i, j)  ->  for j in serial(m): for i in serial(n): S(i, j)

1. Each of the loops, but the innermost, holds the next one and nothing else.
2. No bound of a loop depends on a loop that it moves out of.
3. No two iterations that change order touch one element, one of them writing. Two that reduce into it by the
   same operator may.
4. The iterations of a parallel or vectorized loop that moves out stay independent.

Preserves bits, but where iterations that reduce into one element change order: there up to reassociation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from ..access import accesses
from ..dependence import AFTER, BEFORE, EQUAL, independent, independent_iterations
from ..legality import Refused, require
from ..statement import For, Function
from ..traversal import enclosing_loops, find_loop, free_names, replace_at, statement_at


def reorder(function: Function, loops: Sequence[str], trust: bool = False) -> Function:
    """Bring `loops`, which are nested in any order, into the order given, outermost first."""
    depth = {name: len(find_loop(function, name)[0]) for name in loops}
    if len(depth) != len(loops) or len(loops) < 2:
        raise ValueError("name two or more different loops")
    order = sorted(loops, key=lambda name: depth[name])
    for outer, inner in itertools.pairwise(order):
        perfectly_nested(function, outer, inner)
    for position, name in enumerate(loops):
        while order.index(name) > position:
            at = order.index(name)
            function = interchange(function, order[at - 1], name, trust)
            order[at - 1 : at + 1] = [name, order[at - 1]]
    return function


def perfectly_nested(function: Function, outer: str, inner: str) -> None:
    """Raises Refused unless `inner` is all that `outer` holds."""
    path, loop = find_loop(function, outer)
    inside, _ = find_loop(function, inner)
    if len(loop.body) == 1 and inside == (*path, 0):
        return
    if inside[: len(path)] != path:
        raise Refused(function, f"'{inner}' is not in '{outer}'", "name loops of one nest", [path, inside])
    between = {(*path, position): "" for position in range(len(loop.body))}
    reason = f"'{inner}' is not all that '{outer}' holds"
    hint = "name the loops between them too, or move what stands beside the loop with decompose_reduction"
    raise Refused(function, reason, hint, between)


def interchange(function: Function, outer: str, inner: str, trust: bool) -> Function:
    """`function` with two loops, one directly in the other, in the other order."""
    path, first = find_loop(function, outer)
    second = statement_at(function, (*path, 0))
    assert isinstance(second, For)
    if outer in free_names(second.lower) | free_names(second.upper):
        reason = f"the bounds of '{inner}' depend on '{outer}'"
        hint = f"split '{outer}' or '{inner}' and reorder loops whose bounds are free of each other"
        raise Refused(function, reason, hint, [path, (*path, 0)])
    around = dict.fromkeys((loop.name for loop in enclosing_loops(function, path)), EQUAL)
    inside = accesses(function, path)
    # the first iteration comes before in `outer` and after in `inner`: it is the second one afterwards
    verdict = independent(function, inside, inside, around | {outer: BEFORE, inner: AFTER}, True)
    what = f"'{inner}' cannot move out of '{outer}'"
    require(function, what, verdict, "keep the order of these two loops, or separate the two accesses", trust)
    swapped = replace_at(function, path, (replace(second, body=(replace(first, body=second.body),)),))
    if second.kind in ("parallel", "vectorized"):
        verdict = independent_iterations(swapped, path, reductions=second.kind == "vectorized")
        hint = f"reorder before '{inner}' becomes {second.kind}"
        require(swapped, f"'{inner}' would not be {second.kind} around '{outer}'", verdict, hint, trust)
    return swapped
