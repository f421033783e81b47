"""trim: a reduction ends where a mask leaves nothing to add.

    for i in serial(64): for j in serial(64): X[i, j] = v if i >= j else -inf
    for b in serial(8): for r in serial(8): for k in serial(64): m[b, r] = max(m[b, r], X[b * 8 + r, k])
    -> trim(k, at=b)                 for k in serial(b * 8 + 8): m[b, r] = max(m[b, r], X[b * 8 + r, k])

1. The loop is serial and holds one Reduce. Its value, with what one Store alone writes to a buffer put in
   place, has a choice by a comparison that fails from some iteration on. `at` is a loop around.
2. From the last of these ends within an iteration of `at` on, the value is what the reduction starts from:
   -inf for max, inf for min, 0 for sums, 1 for products, since -inf plus or minus a number is -inf,
   exp(-inf) is 0, and 0 times or divided by a number is 0.

Preserves bits wherever the numbers that the mask meets are finite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from ..access import READS, accesses
from ..affine import Linear, linear
from ..expression import Binary, Call, Constant, Expression, Load, Select, Variable
from ..legality import Refused, all_ranges
from ..rewrite import new_name
from ..simplify import simplify
from ..statement import For, Function, Reduce, Statement, Store
from ..traversal import enclosing_loops, expressions, find_loop, map_expressions, replace_at, substitute, walk

NOTHING = {"+": 0.0, "*": 1.0, "max": -inf, "min": inf}


def trim(function: Function, loop: str, at: str) -> Function:
    """End `loop` where a mask leaves nothing to reduce any more, whatever the loops inside of `at` are at."""
    path, old = find_loop(function, loop)
    around = enclosing_loops(function, path)
    names = [each.name for each in around]
    update = old.body[0]
    if old.kind != "serial" or len(old.body) > 1 or not isinstance(update, Reduce) or at not in names:
        reason = f"'{loop}' is no serial loop in '{at}' that holds one reduction"
        raise Refused(function, reason, "choose the loop that reduces, and one around it", [path])
    value = expanded(function, update.value, {*names, loop})
    ranges = all_ranges(function)
    later = Variable(new_name(function, f"{loop}_later"))
    for last in lasts(value, loop):
        end = latest(simplify(last + 1), around[names.index(at) + 1 :])
        beyond = simplify(substitute(value, {loop: end + later}), {**ranges, later.name: (0.0, inf)})
        if folded(beyond) == NOTHING[update.operator]:
            upper = simplify(Binary("min", old.upper, end), ranges)
            return replace_at(function, path, (replace(old, upper=upper),))
    reason = f"no mask is known that leaves nothing to reduce from some iteration of '{loop}' on"
    raise Refused(function, reason, "mask with a comparison of loops before the reduction", [path])


def expanded(function: Function, value: Expression, scope: set[str]) -> Expression:
    """`value` with the values of the elements put in place that one Store writes."""
    inside, written = dict(walk(function)), dict[str, list[Statement]]()
    for access in accesses(function):
        if access.kind != READS and access.buffer.scope != "parameter":
            written.setdefault(access.buffer.name, []).append(inside[access.path])

    def put(expression: Expression) -> Expression:
        if not isinstance(expression, Load):
            return expression
        match written.get(expression.buffer.name):
            case [Store(indices=indices, value=stored)]:
                pairs = zip(indices, expression.indices, strict=True)
                own = {index.name: place for index, place in pairs if isinstance(index, Variable)}
                names = {part.name for part in expressions(stored) if isinstance(part, Variable)}
                fixed = sum(isinstance(index, Constant) for index in indices)
                if len(own) + fixed == len(indices) and names - own.keys() <= scope:
                    return map_expressions(put, substitute(stored, own))
        return expression

    return map_expressions(put, value)


def lasts(value: Expression, loop: str) -> Iterator[Expression]:
    """For each comparison that chooses and fails for a later `loop`, the last iteration in which it holds."""
    for part in expressions(value):
        if isinstance(part, Select) and isinstance(part.condition, Binary):
            left, right = part.condition.left, part.condition.right
            holds = {">=": left - right, ">": left - right - 1, "<=": right - left, "<": right - left - 1}
            if part.condition.operator in holds:
                form: Linear = linear(holds[part.condition.operator])
                if form.coefficient(loop) == -1:
                    yield form.without(loop).expression()


def latest(end: Expression, inner: Sequence[For]) -> Expression:
    """The greatest value of `end` over the `inner` loops."""
    for loop in reversed(inner):
        factor = linear(end).coefficient(loop.name) or 0
        if factor:
            end = simplify(substitute(end, {loop.name: loop.upper - 1 if factor > 0 else loop.lower}))
    return end


def folded(value: Expression) -> float | None:
    """The number that `value` is whatever finite numbers are loaded; None if that is not known."""
    match value:
        case Constant(value=number):
            return float(number)
        case Call(function="exp", arguments=(argument,)):
            return 0.0 if folded(argument) == -inf else None
        case Binary(operator="+" | "-" | "*" | "/" as operator):
            left, right = folded(value.left), folded(value.right)
            masked = -inf if operator in ("+", "-") else 0.0
            if left == masked or (right == masked and operator in ("+", "*")):
                return masked
    return None
