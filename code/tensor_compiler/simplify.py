"""Integer and boolean expressions, made shorter: linear forms, exact divisions, decided comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from .affine import Interval, Linear, combine, interval, linear
from .dtype import boolean, s64
from .expression import Binary, Constant, Expression, Select, Unary
from .intrinsics import NEGATED, OPERATIONS
from .traversal import AnyNode, map_expressions


def simplify(node: AnyNode, ranges: Mapping[str, Interval] | None = None) -> AnyNode:
    """`node` with its s64 and bool expressions simplified where variables lie in `ranges`.

    The value is the same; floating arithmetic stays as it is. Applying it twice changes nothing more.
    """
    known = ranges or {}
    return map_expressions(lambda expression: simplified(expression, known), node)


def simplified(expression: Expression, ranges: Mapping[str, Interval]) -> Expression:
    """`expression`, whose operands are simplified already."""
    match expression:
        case Binary(operator="<" | "<=" | ">" | ">=" | "==" | "!=") if expression.left.dtype == s64:
            return compared(expression, ranges)
        case Binary(operator="and" | "or" as logic):
            absorbing = logic == "or"
            sides = [side for side in (expression.left, expression.right) if isinstance(side, Constant)]
            if not sides:
                return expression
            if any(side.value == absorbing for side in sides):
                return Constant(absorbing, boolean)
            return expression.right if expression.left == sides[0] else expression.left
        case Unary(operator="not", operand=Constant(value=value)):
            return Constant(not value, boolean)
        case Select(condition=Constant(value=value)):
            return expression.then if value else expression.otherwise
        case Binary(operator="//" | "%") if expression.dtype == s64:
            return divided(expression, ranges)
        case Binary(operator="min" | "max" as operator) if expression.dtype == s64:
            low, high = interval(expression.left - expression.right, ranges)
            if low >= 0 or high <= 0:
                return expression.left if (low >= 0) == (operator == "max") else expression.right
            return expression
        case Binary() | Unary() if expression.dtype == s64:
            return linear(expression).expression()
    return expression


def compared(expression: Binary, ranges: Mapping[str, Interval]) -> Expression:
    """A comparison, decided if the interval of the difference decides it."""
    low, high = interval(expression.left - expression.right, ranges)
    if always(expression.operator, low, high):
        return Constant(True, boolean)
    return Constant(False, boolean) if always(NEGATED[expression.operator], low, high) else expression


def always(comparison: str, low: float, high: float) -> bool:
    """Whether the numbers from `low` to `high` all compare so with 0."""
    if comparison == "!=":
        return low > 0 or high < 0
    return all(OPERATIONS[comparison](end, 0) for end in (low, high))


def divided(expression: Binary, ranges: Mapping[str, Interval]) -> Expression:
    """`//` or `%` by a positive number: the multiples of the divisor come out of it."""
    if not isinstance(expression.right, Constant) or expression.right.value <= 0:
        return expression
    divisor = int(expression.right.value)
    form = linear(expression.left)
    multiples = tuple((atom, factor // divisor) for atom, factor in form.terms if factor % divisor == 0)
    rest = Linear(tuple(term for term in form.terms if term[1] % divisor), form.constant % divisor)
    low, high = interval(rest.expression(), ranges)
    exact = low >= 0 and high < divisor
    if expression.operator == "%":
        return rest.expression() if exact else Binary("%", rest.expression(), expression.right)
    quotient = Linear(multiples, form.constant // divisor)
    if not exact:
        quotient = combine(quotient, linear(Binary("//", rest.expression(), expression.right)), 1)
    return quotient.expression()
