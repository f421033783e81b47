"""The eight expressions of the loop IR, and the buffers that they load from.

All are frozen and compare by value. A constructor checks dtypes and raises TypeError with one sentence,
so that an expression that exists is well typed. Plain ints are taken where an expression is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .dtype import DType, boolean, f32, s64
from .intrinsics import INTRINSICS

Scope = Literal["parameter", "registers", "stack", "scratch"]
Arithmetic = Literal["+", "-", "*", "/", "//", "%", "min", "max"]
Comparison = Literal["<", "<=", ">", ">=", "==", "!="]
Logic = Literal["and", "or"]
BinaryOperator = Literal[Arithmetic, Comparison, Logic]
SCOPES, ARITHMETIC, COMPARISONS, LOGIC = map(get_args, (Scope, Arithmetic, Comparison, Logic))


class Part:
    """What programs are made of: expressions, statements, buffers and functions, all frozen dataclasses."""

    __match_args__: tuple[str, ...] = ()  # the names of the fields


def infix(operator: Arithmetic, turned: bool = False) -> Callable[[Expression, Expression | int], Binary]:
    """The method for one of Python's operators; `turned` if the expression stands on its right."""

    def build(self: Expression, other: Expression | int) -> Binary:
        sides = (self, constant_like(other, self))
        return Binary(operator, *(sides[::-1] if turned else sides))

    return build


class Expression(Part):
    """Base of the eight. `+ - * // %` on index expressions build `Binary`; nothing is folded."""

    if TYPE_CHECKING:  # a field of some of the eight, computed by the others

        @property
        def dtype(self) -> DType: ...

    __add__, __radd__ = infix("+"), infix("+", turned=True)
    __mul__, __rmul__ = infix("*"), infix("*", turned=True)
    __sub__, __floordiv__, __mod__ = infix("-"), infix("//"), infix("%")


@dataclass(frozen=True)
class Constant(Expression):
    """A number; `value` is what `dtype` holds for it (0.1 of f32 is the nearest f32)."""

    value: bool | int | float
    dtype: DType = s64

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.dtype.canonical(self.value))


@dataclass(frozen=True)
class Variable(Expression):
    """A loop variable (s64), a size or scalar parameter, or a value bound by `Let`."""

    name: str
    dtype: DType = s64


@dataclass(frozen=True)
class Unary(Expression):
    """`-x` of numbers, `not x` of booleans."""

    operator: Literal["-", "not"]
    operand: Expression

    def __post_init__(self) -> None:
        wanted = self.operand.dtype.computes if self.operator == "-" else self.operand.dtype == boolean
        if not wanted:
            raise TypeError(f"'{self.operator}' is not defined on {self.operand.dtype}{advice(self.operand)}")

    @property
    def dtype(self) -> DType:
        return self.operand.dtype


@dataclass(frozen=True)
class Binary(Expression):
    """Two operands of one dtype. `/` is of floats; `//` and `%` of integers, rounding down as Python's do."""

    operator: BinaryOperator
    left: Expression
    right: Expression

    def __post_init__(self) -> None:
        left, right = self.left.dtype, self.right.dtype
        if left != right:
            raise TypeError(f"'{self.operator}' has {left} on its left and {right} on its right: cast one")
        if self.operator in LOGIC:
            defined = left == boolean
        else:
            defined = left.computes and self.operator not in (("//", "%") if left.is_float else ("/",))
        if not defined:
            raise TypeError(f"'{self.operator}' is not defined on {left}{advice(self.left)}")

    @property
    def dtype(self) -> DType:
        return self.left.dtype if self.operator in ARITHMETIC else boolean


@dataclass(frozen=True)
class Select(Expression):
    """`then` where `condition` holds, `otherwise` elsewhere; only the chosen one is evaluated."""

    condition: Expression
    then: Expression
    otherwise: Expression

    def __post_init__(self) -> None:
        check_condition(self.condition)
        if self.then.dtype != self.otherwise.dtype:
            raise TypeError(f"one choice is {self.then.dtype}, the other {self.otherwise.dtype}: cast one")

    @property
    def dtype(self) -> DType:
        return self.then.dtype


@dataclass(frozen=True)
class Cast(Expression):
    """`operand` as `dtype`: floats round to nearest even, floats to integers truncate, integers wrap."""

    dtype: DType
    operand: Expression

    def __post_init__(self) -> None:
        if boolean in (self.dtype, self.operand.dtype):
            raise TypeError("bool is not cast: compare a number with 0, or choose one of two numbers by it")


@dataclass(frozen=True)
class Call(Expression):
    """One of `INTRINSICS` on arguments of one dtype, f32 or f64."""

    function: str
    arguments: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if self.function not in INTRINSICS:
            known = ", ".join(INTRINSICS)
            raise TypeError(f"'{self.function}' is no function: choose one of {known}, max, min")
        arity = INTRINSICS[self.function].arity
        if len(self.arguments) != arity:
            raise TypeError(f"'{self.function}' takes {arity} argument(s), not {len(self.arguments)}")
        for argument in self.arguments:
            if not (argument.dtype.is_float and argument.dtype.computes and argument.dtype == self.dtype):
                what = f"'{self.function}' takes f32 or f64, not {argument.dtype}"
                raise TypeError(f"{what}: cast the argument")

    @property
    def dtype(self) -> DType:
        return self.arguments[0].dtype


@dataclass(frozen=True)
class Buffer(Part):
    """Memory, row-major. `shape` holds s64 expressions: constants, or sizes such as a symbolic batch.

    Scopes: `parameter` is the caller's array; `registers` becomes named C variables, so its indices must be
    constant once the unrolled loops are; `stack` is an aligned C array; `scratch` is from the heap, kept
    between calls, one for each thread that reaches the allocation.
    """

    name: str
    dtype: DType
    shape: tuple[Expression, ...]
    scope: Scope = "parameter"

    def __init__(
        self, name: str, dtype: DType, shape: tuple[Expression | int, ...], scope: Scope = "parameter"
    ) -> None:
        fields = {"name": name, "dtype": dtype, "shape": tuple(map(as_index, shape)), "scope": scope}
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        if scope not in SCOPES:
            raise TypeError(f"'{scope}' is no scope: choose one of {', '.join(SCOPES)}")
        if dtype == boolean:
            raise TypeError("a buffer holds numbers, not bool: use u8")

    @property
    def extents(self) -> tuple[int, ...]:
        """The shape as ints. Raises ValueError if an extent is symbolic."""
        if not all(isinstance(extent, Constant) for extent in self.shape):
            raise ValueError(f"the shape of '{self.name}' is symbolic: bind its sizes first")
        return tuple(int(extent.value) for extent in self.shape if isinstance(extent, Constant))


@dataclass(frozen=True)
class Load(Expression):
    """`buffer[indices]`: one index per dimension."""

    buffer: Buffer
    indices: tuple[Expression, ...]

    def __post_init__(self) -> None:
        check_indices(self.buffer, self.indices)

    @property
    def dtype(self) -> DType:
        return self.buffer.dtype


def check_condition(condition: Expression) -> None:
    """Raises TypeError unless `condition` is bool."""
    if condition.dtype != boolean:
        raise TypeError(f"a condition is bool, this one is {condition.dtype}: compare it with something")


def check_indices(buffer: Buffer, indices: tuple[Expression, ...]) -> None:
    """Raises TypeError unless `indices` are one s64 for each dimension of `buffer`."""
    if len(indices) != len(buffer.shape):
        raise TypeError(f"'{buffer.name}' has {len(buffer.shape)} dimension(s), not {len(indices)}")
    for index in indices:
        if index.dtype != s64:
            raise TypeError(f"an index of '{buffer.name}' is s64, not {index.dtype}: cast it with s64(...)")


def as_index(value: Expression | int) -> Expression:
    """`value` as an expression, an int as an s64 constant."""
    return Constant(value) if isinstance(value, int) else value


def constant_like(value: Expression | float, other: Expression) -> Expression:
    """`value` as an expression, a Python number as a constant of the dtype of `other`."""
    return value if isinstance(value, Expression) else Constant(value, other.dtype)


def number(value: float, dtype: DType = f32) -> Constant:
    """A constant, of f32 unless said."""
    return Constant(value, dtype)


def advice(operand: Expression) -> str:
    """What to do with a storage dtype, for the end of a sentence."""
    return "" if operand.dtype.computes or operand.dtype == boolean else ": cast to f32 first"
