"""Index arithmetic: linear forms, and intervals over the loops around.

Every s64 expression has a linear form: what is not affine in it (`i // 2`, `n * m`, a load) is an atom.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .dtype import boolean, s64
from .expression import Binary, Constant, Expression, Select, Unary, Variable
from .intrinsics import OPERATIONS
from .printer import show
from .statement import For
from .traversal import free_names

Interval = tuple[float, float]  # the least and the greatest value, both possible; infinite where unknown
Ranges = Mapping[str, Interval]
ANYTHING: Interval = (-math.inf, math.inf)


@dataclass(frozen=True)
class Linear:
    """`constant` plus the atoms times their coefficients, none of them 0, in order of appearance."""

    terms: tuple[tuple[Expression, int], ...]
    constant: int

    def coefficient(self, name: str) -> int | None:
        """The coefficient of the variable `name`; None if an atom other than the variable depends on it."""
        if any(name in free_names(atom) and atom != Variable(name) for atom, _ in self.terms):
            return None
        return dict(self.terms).get(Variable(name), 0)

    def without(self, name: str) -> Linear:
        """The form with the variable `name` at 0."""
        return Linear(tuple(term for term in self.terms if term[0] != Variable(name)), self.constant)

    def expression(self) -> Expression:
        """The form as an expression, such as `i * 8 - j + 3`."""
        total: Expression | None = None
        for atom, factor in self.terms:
            if total is None:
                total = atom if factor == 1 else Unary("-", atom) if factor == -1 else atom * factor
            else:
                scaled = atom if abs(factor) == 1 else atom * abs(factor)
                total = total + scaled if factor > 0 else total - scaled
        if total is None:
            return Constant(self.constant)
        if self.constant:
            return total + self.constant if self.constant > 0 else total - -self.constant
        return total


def linear(expression: Expression) -> Linear:
    """The linear form of an s64 expression."""
    match expression:
        case Constant(value=value):
            return Linear((), int(value))
        case Unary(operator="-"):
            return combine(Linear((), 0), linear(expression.operand), -1)
        case Binary(operator="+" | "-" as sign):
            return combine(linear(expression.left), linear(expression.right), 1 if sign == "+" else -1)
        case Binary(operator="*"):
            left, right = linear(expression.left), linear(expression.right)
            for one, other in ((left, right), (right, left)):
                if not other.terms:
                    return combine(Linear((), 0), one, other.constant)
    return Linear(((expression, 1),), 0)


def combine(first: Linear, second: Linear, factor: int) -> Linear:
    """`first + factor * second`."""
    terms = dict(first.terms)
    for atom, coefficient in second.terms:
        terms[atom] = terms.get(atom, 0) + factor * coefficient
    kept = tuple((atom, coefficient) for atom, coefficient in terms.items() if coefficient)
    return Linear(kept, first.constant + factor * second.constant)


def interval(expression: Expression, ranges: Ranges) -> Interval:
    """Bounds of an s64 expression when its variables lie in `ranges`; those not named may be anything.

    They are exact if each variable appears once, and safe always.
    """
    form = linear(expression)
    low: float = form.constant
    high: float = form.constant
    for atom, factor in form.terms:
        bounds = [factor * bound for bound in atom_interval(atom, ranges)]
        low, high = low + min(bounds), high + max(bounds)
    return low, high


def atom_interval(atom: Expression, ranges: Ranges) -> Interval:
    """Bounds of an expression that has no linear form but itself."""
    match atom:
        case Variable(name=name):
            return ranges.get(name, ANYTHING)
        case Binary(operator="min" | "max" as extreme):
            (a, b), (c, d) = interval(atom.left, ranges), interval(atom.right, ranges)
            return OPERATIONS[extreme](a, c), OPERATIONS[extreme](b, d)
        case Binary(operator="//", right=Constant(value=divisor)) if divisor > 0:
            low, high = interval(atom.left, ranges)
            return floor_divided(low, int(divisor)), floor_divided(high, int(divisor))
        case Binary(operator="%", right=Constant(value=divisor)) if divisor > 0:
            low, high = interval(atom.left, ranges)
            return (low, high) if low >= 0 and high < divisor else (0, divisor - 1)
        case Binary(operator="*"):
            (a, b), (c, d) = interval(atom.left, ranges), interval(atom.right, ranges)
            if not any(map(math.isinf, (a, b, c, d))):
                products = (a * c, a * d, b * c, b * d)
                return min(products), max(products)
            return (a * c, math.inf) if a >= 0 and c >= 0 and math.isfinite(a * c) else ANYTHING
        case Select():
            (a, b), (c, d) = interval(atom.then, ranges), interval(atom.otherwise, ranges)
            return min(a, c), max(b, d)
    return ANYTHING


def floor_divided(value: float, divisor: int) -> float:
    return value if math.isinf(value) else int(value) // divisor


def loop_ranges(loops: Iterable[For], known: Ranges | None = None) -> dict[str, Interval]:
    """The values that each loop variable takes, outer loops first; `known` bounds sizes.

    A bound that depends on an outer loop (a triangle) counts with its extreme. A loop that never runs has
    an upper end below its lower.
    """
    ranges = dict(known or {})
    for loop in loops:
        ranges[loop.name] = (interval(loop.lower, ranges)[0], interval(loop.upper, ranges)[1] - 1)
    return ranges


def within(index: Expression, extent: Expression, ranges: Ranges) -> bool:
    """Whether 0 <= index < extent is proved; both are s64."""
    assert index.dtype == s64
    return interval(index, ranges)[0] >= 0 and interval(extent - index, ranges)[0] >= 1


def evaluate(expression: Expression, values: Mapping[str, Any]) -> int:
    """The value of an expression of integers and conditions on them, where `values` holds its variables.

    Raises ValueError if it has others.
    """
    match expression:
        case Constant(value=value, dtype=dtype) if dtype in (s64, boolean):
            return int(value)
        case Variable(name=name) if type(values.get(name)) is int:
            return int(values[name])
        case Unary(operator=sign):
            operand = evaluate(expression.operand, values)
            return -operand if sign == "-" else not operand
        case Binary(operator=sign, left=left, right=right) if left.dtype in (s64, boolean):
            return int(OPERATIONS[sign](evaluate(left, values), evaluate(right, values)))
    raise ValueError(f"'{show(expression)}' has no value before the loops run: make it of sizes and numbers")
