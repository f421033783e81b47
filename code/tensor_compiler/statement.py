"""The eight statements of the loop IR, and the function that holds them.

Bodies are tuples. The scope of `Let` and `Allocate` is the rest of the body that they stand in. Names of
loops, values, buffers and sizes are unique in a function: a loop's name is the reference to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from .dtype import s64
from .expression import Buffer, Expression, Load, Part, Variable, as_index, check_condition, check_indices

Kind = Literal["serial", "parallel", "vectorized", "unrolled"]
Reduction = Literal["+", "*", "max", "min"]
KINDS, REDUCTIONS = map(get_args, (Kind, Reduction))


class Statement(Part):
    """Base of the eight."""


Body = tuple[Statement, ...]


@dataclass(frozen=True)
class For(Statement):
    """`body` for each `name` from `lower` to `upper` - 1.

    Iterations of a parallel or vectorized loop are independent, with one exception: those of a vectorized
    loop may `Reduce` into one element, which reassociates.
    """

    name: str
    lower: Expression
    upper: Expression
    kind: Kind
    body: Body

    def __init__(
        self, name: str, lower: Expression | int, upper: Expression | int, kind: Kind, body: Body
    ) -> None:
        bounds = {"lower": as_index(lower), "upper": as_index(upper)}
        for field, value in {"name": name, **bounds, "kind": kind, "body": tuple(body)}.items():
            object.__setattr__(self, field, value)
        if kind not in KINDS:
            raise TypeError(f"'{kind}' is no kind of loop: choose one of {', '.join(KINDS)}")
        if any(bound.dtype != s64 for bound in bounds.values()):
            raise TypeError(f"a bound of the loop '{name}' is not s64: cast it with s64(...)")

    @property
    def variable(self) -> Variable:
        return Variable(self.name)


@dataclass(frozen=True)
class Store(Statement):
    """`buffer[indices] = value`; a non-temporal one goes past the caches (a hint: the value is the same)."""

    buffer: Buffer
    indices: tuple[Expression, ...]
    value: Expression
    non_temporal: bool = False

    def __post_init__(self) -> None:
        check_element(self.buffer, self.indices, self.value)


@dataclass(frozen=True)
class Reduce(Statement):
    """`buffer[indices] = buffer[indices] operator value`, an accumulation whose order may be changed."""

    buffer: Buffer
    indices: tuple[Expression, ...]
    operator: Reduction
    value: Expression

    def __post_init__(self) -> None:
        check_element(self.buffer, self.indices, self.value)
        if self.operator not in REDUCTIONS:
            raise TypeError(f"'{self.operator}' does not reduce: choose one of {', '.join(REDUCTIONS)}")
        if not self.buffer.dtype.computes:
            raise TypeError(f"'{self.buffer.name}' is {self.buffer.dtype}, which only stores: reduce in f32")


@dataclass(frozen=True)
class If(Statement):
    """`then` if `condition` holds, else `otherwise`."""

    condition: Expression
    then: Body
    otherwise: Body = ()

    def __post_init__(self) -> None:
        check_condition(self.condition)


@dataclass(frozen=True)
class Let(Statement):
    """Binds `name` to `value` for the rest of the body."""

    name: str
    value: Expression

    @property
    def variable(self) -> Variable:
        return Variable(self.name, self.value.dtype)


@dataclass(frozen=True)
class Allocate(Statement):
    """Uninitialised memory for the rest of the body; its scope is not `parameter`."""

    buffer: Buffer

    def __post_init__(self) -> None:
        if self.buffer.scope == "parameter":
            raise TypeError(f"'{self.buffer.name}' is a parameter: allocate registers, stack or scratch")


@dataclass(frozen=True)
class Prefetch(Statement):
    """A hint to bring the cache line of an element near. It may lie outside of the buffer."""

    buffer: Buffer
    indices: tuple[Expression, ...]

    def __post_init__(self) -> None:
        check_indices(self.buffer, self.indices)


@dataclass(frozen=True)
class Invoke(Statement):
    """A tile instruction, `instruction(acc[0], A[i, k], ...)`: each operand is the first element of its tile.

    `tile.TILES` holds what each instruction does, as a loop function over its tiles.
    """

    instruction: str
    operands: tuple[Load, ...]


@dataclass(frozen=True)
class Function(Part):
    """A loop function. Parameters are buffers and scalars; those that are extents are read off the arrays."""

    name: str
    parameters: tuple[Buffer | Variable, ...]
    body: Body

    def __hash__(self) -> int:
        return hash((self.name, self.parameters))  # of the body, which is long, equality is enough

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        return tuple(parameter for parameter in self.parameters if isinstance(parameter, Buffer))

    @property
    def sizes(self) -> tuple[Variable, ...]:
        """The scalar parameters that are extents of a buffer, and so are read off the arrays."""
        extents = {extent for buffer in self.buffers for extent in buffer.shape}
        return tuple(p for p in self.parameters if isinstance(p, Variable) and p in extents)


def nested(loops: Iterable[tuple[str, Expression]], body: Body) -> Body:
    """`body` in serial loops from 0, given by name and extent, outermost first."""
    for name, extent in reversed(list(loops)):
        body = (For(name, 0, extent, "serial", body),)
    return body


def check_element(buffer: Buffer, indices: tuple[Expression, ...], value: Expression) -> None:
    """Raises TypeError unless `value` can be written to `buffer[indices]`."""
    check_indices(buffer, indices)
    if value.dtype != buffer.dtype:
        what = f"'{buffer.name}' holds {buffer.dtype}, the value is {value.dtype}"
        raise TypeError(f"{what}: write {buffer.dtype}(...)")
