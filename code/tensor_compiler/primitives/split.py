"""split: one loop becomes two, the outer one over blocks and the inner one within a block.

    for i in serial(n): S(i)
    -> exact  for i_o in serial(n // f): for i_i in serial(f): S(i_o * f + i_i)
    -> guard  for i_o in serial((n + f - 1) // f): for i_i in serial(f): if i_o * f + i_i < n: S(...)
    -> cut    the exact form for the first n // f * f iterations, then for i_t in ...: S(i_t) for the rest

1. The loop is serial, its bounds are not read from memory, and the factor is positive.
2. exact: the factor divides the number of iterations, whatever the loops around are at.

Preserves bits: the iterations run in the same order.
"""

from __future__ import annotations

from typing import Literal

from ..affine import linear
from ..expression import Binary, Constant, Expression, Variable
from ..legality import Refused, all_ranges, require_plain_bounds
from ..printer import show
from ..rewrite import new_name, renamed_copy
from ..simplify import simplify
from ..statement import Body, For, Function, If
from ..traversal import find_loop, replace_at, substitute

Tail = Literal["exact", "guard", "cut"]


def split(
    function: Function, loop: str, factor: int, tail: Tail = "exact",
    outer: str | None = None, inner: str | None = None,
) -> Function:  # fmt: skip
    """Split `loop` by `factor` into `outer` (`loop_o`) and `inner` (`loop_i`); a cut leaves `loop_t`."""
    path, old = find_loop(function, loop)
    if tail not in ("exact", "guard", "cut"):
        raise ValueError(f"'{tail}' is no way to end a split: choose one of exact, guard, cut")
    if factor < 1:
        raise Refused(function, f"'{loop}' cannot be split by {factor}", "split by 1 or more", [path])
    if old.kind != "serial":
        reason = f"'{loop}' is {old.kind}, and only a serial loop is split"
        raise Refused(function, reason, f"split it before it becomes {old.kind}", [path])
    require_plain_bounds(function, loop)
    ranges = all_ranges(function)
    count: Expression = simplify(old.upper - old.lower, ranges)
    form = linear(count)
    if tail == "exact" and any(number % factor for number in (form.constant, *(f for _, f in form.terms))):
        reason = f"'{loop}' runs {show(count)} times, which is not known to be a multiple of {factor}"
        raise Refused(function, reason, "split with tail='guard' or tail='cut'", [path])
    blocks = simplify((count + (factor - 1) if tail == "guard" else count) // factor, ranges)
    outer_name = outer or new_name(function, f"{loop}_o")
    inner_name = inner or new_name(function, f"{loop}_i")
    at = simplify(old.lower + Variable(outer_name) * factor + Variable(inner_name))
    ranges[inner_name] = (0, factor - 1)
    body = tuple(simplify(substitute(statement, {loop: at}), ranges) for statement in old.body)
    if tail == "guard":
        body = (If(Binary("<", at, old.upper), body),)
    new: Body = (For(outer_name, 0, blocks, "serial", (For(inner_name, 0, factor, "serial", body),)),)
    if tail == "cut":
        start = simplify(old.lower + blocks * factor, ranges)
        left_over: Expression = simplify(old.upper - start, ranges)
        if left_over != Constant(0):
            rest = For(loop, start, old.upper, "serial", old.body)
            new = (*new, *renamed_copy(function, (rest,), "t"))
    return replace_at(function, path, new)
