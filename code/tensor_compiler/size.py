"""Sizes that stay symbolic: what the trace may assume of them is recorded as guards."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .dtype import DType
from .expression import COMPARISONS, Binary, Constant, Expression, Variable
from .intrinsics import NEGATED, OPERATIONS
from .printer import show
from .simplify import simplify


@dataclass(frozen=True)
class Size:
    """An extent that may differ from call to call; `example` decides the branches that the trace takes."""

    name: str
    example: int


@dataclass(frozen=True, init=False)
class TensorType:
    """The dtype and shape of an argument, with an int or a `Size` for each extent."""

    dtype: DType
    shape: tuple[int | Size, ...]

    def __init__(self, dtype: DType, *shape: int | Size) -> None:
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "shape", shape)


@dataclass(frozen=True, eq=False)
class Symbol:
    """A symbolic size in a trace: an expression, its value at the example, and the guards.

    Arithmetic stays symbolic. A comparison answers for the example and records the guard under which the
    answer holds. Asking for the number (`int`, `float`, `**`, use as an index) records this value.
    """

    expression: Expression
    value: int
    guards: list[Binary] = field(repr=False)

    __hash__ = None  # type: ignore[assignment]

    def __index__(self) -> int:
        compare("==", self, self.value)
        return self.value

    __int__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())

    def __str__(self) -> str:
        return show(self.expression)


def combine(sign: str, left: int | Symbol, right: int | Symbol) -> Any:
    """An integer operation, of which one side at least is symbolic."""
    if not all(isinstance(side, int | Symbol) for side in (left, right)):
        return NotImplemented
    terms = [side.expression if isinstance(side, Symbol) else Constant(side) for side in (left, right)]
    numbers = [side.value if isinstance(side, Symbol) else side for side in (left, right)]
    guards = left.guards if isinstance(left, Symbol) else right.guards if isinstance(right, Symbol) else []
    return Symbol(simplify(Binary(sign, *terms)), OPERATIONS[sign](*numbers), guards)  # type: ignore[arg-type]


def compare(sign: str, size: Symbol, other: object) -> Any:
    """What a comparison gives at the example; that it does so is a guard from now on."""
    if not isinstance(other, int | Symbol):
        return NotImplemented
    term = other.expression if isinstance(other, Symbol) else Constant(other)
    if term == size.expression:
        return OPERATIONS[sign](0, 0)
    holds = OPERATIONS[sign](size.value, other.value if isinstance(other, Symbol) else other)
    guard = Binary(sign if holds else NEGATED[sign], size.expression, term)  # type: ignore[arg-type]
    if guard not in size.guards:
        size.guards.append(guard)
    return holds


def of_number(function: Callable[[Any, Any], Any], *sides: Any) -> Any:
    """An operation that has no symbolic result: of the numbers of the sizes."""
    return function(*(float(side) if isinstance(side, Symbol) else side for side in sides))


def give_operators(
    owner: type, function: Callable[..., Any], names: Mapping[str, Any], turned: bool = False
) -> None:
    """Give `owner` Python's operators by name: `function` of what the name means and of the operands.

    `turned` gives those with `owner` on their right side too.
    """
    for name, meaning in names.items():
        setattr(owner, f"__{name}__", lambda *sides, meaning=meaning: function(meaning, *sides))
        if turned:
            setattr(
                owner, f"__r{name}__", lambda self, other, meaning=meaning: function(meaning, other, self)
            )


PYTHON_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
SYMBOLIC = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%"}
give_operators(Symbol, combine, SYMBOLIC, turned=True)
give_operators(Symbol, compare, dict(zip(PYTHON_COMPARISONS, COMPARISONS, strict=True)))
give_operators(Symbol, of_number, {"truediv": operator.truediv, "pow": operator.pow}, turned=True)
Extents = tuple[int | Symbol, ...]


def symbol(size: Size, guards: list[Binary]) -> Symbol:
    return Symbol(Variable(size.name), size.example, guards)


def plain(extent: int | Symbol) -> int | Expression:
    """An extent as the graph holds it."""
    return extent.expression if isinstance(extent, Symbol) else int(extent)
