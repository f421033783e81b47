"""Expressions as C: of one number, or of a vector with a number for each lane of a vectorized loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .affine import Interval, interval, linear, within
from .dtype import DType, bf16, boolean, f16, f32, f64, s8, s32, s64, u8
from .expression import (
    COMPARISONS,
    Binary,
    Buffer,
    Call,
    Cast,
    Constant,
    Expression,
    Load,
    Select,
    Unary,
    Variable,
)
from .registers import Registers, flat_offset
from .simplify import simplify
from .traversal import expressions, free_names, substitute

PRECEDENCE = {"+": 4, "-": 4, "*": 5, "/": 5}  # what else C has is put in parentheses or called
ATOM = 9


@dataclass(frozen=True)
class Lanes:
    """`count` consecutive iterations of the loop `name`, from `start`, done at once."""

    name: str
    start: Expression
    count: int

    def at(self, lane: int) -> Expression:
        return simplify(self.start + lane)


@dataclass(frozen=True)
class Place:
    """Where an expression stands: the lanes, the values that differ by lane, ranges of loops, registers."""

    lanes: Lanes | None = None
    vectors: frozenset[str] = frozenset()
    ranges: Mapping[str, Interval] = field(default_factory=dict)
    registers: Mapping[str, Registers] = field(default_factory=dict)

    def varies(self, expression: Expression) -> bool:
        """Whether the lanes have different values of it, as far as its variables tell."""
        if self.lanes is None:
            return False
        return bool((self.vectors | {self.lanes.name}) & free_names(expression))


def scalar(expression: Expression, place: Place, lane: int = 0, around: int = 0) -> str:
    """`expression` as C of one number: the one of `lane`, inside an operator that binds like `around`."""

    def part(operand: Expression, level: int = 0) -> str:
        return scalar(operand, place, lane, level)

    level = ATOM
    match expression:
        case Constant():
            text = constant_text(expression)
            level = 0 if text.startswith("-") else ATOM
        case Variable(name=name):
            if place.lanes is not None and name == place.lanes.name:
                return part(place.lanes.at(lane), around)
            text = f"{name}[{lane}]" if name in place.vectors else name
        case Unary(operator=sign):
            text, level = ("-" if sign == "-" else "!") + part(expression.operand, ATOM), 8
            text = narrowed(text, expression.dtype)
        case Binary(operator="//" | "%" | "min" | "max" as operator):
            text = called(expression, operator, part, place)
            level = ATOM if single_call(text) else 0
        case Binary(operator=operator):
            level = PRECEDENCE.get(operator, 1)
            text = f"{part(expression.left, level)} {C_OPERATORS.get(operator, operator)} "
            text += part(expression.right, level + 1)
            if expression.dtype in (s8, u8):
                text, level = narrowed(text, expression.dtype), ATOM
        case Select():
            text, level = f"{part(expression.condition, 2)} ? {part(expression.then, 2)} : ", 0
            text += part(expression.otherwise, 2)
        case Cast():
            text = converted(part(expression.operand, ATOM), expression.operand.dtype, expression.dtype)
            level = ATOM if single_call(text) else 8
        case Call():
            text = f"{expression.function}_{expression.dtype}({', '.join(map(part, expression.arguments))})"
        case Load():
            text = element(expression.buffer, expression.indices, place, lane)
        case _:
            raise TypeError(f"{type(expression).__name__} is no expression")
    return f"({text})" if level < around else text


C_OPERATORS = {"and": "&&", "or": "||"}


def called(expression: Binary, operator: str, part: Callable[..., str], place: Place) -> str:
    """Division, remainder and extremes: plain `/` and `%` where no operand is negative."""
    if operator in ("//", "%") and expression.dtype == s64:
        positive = interval(expression.right, place.ranges)[0] > 0
        lanes = {} if place.lanes is None else {place.lanes.name: (0.0, float("inf"))}
        if positive and interval(expression.left, {**lanes, **place.ranges})[0] >= 0:
            sign = "/" if operator == "//" else "%"
            return f"{part(expression.left, ATOM)} {sign} {part(expression.right, ATOM)}"
    name = {"//": "floor_div", "%": "floor_mod"}.get(operator, operator)
    return f"{name}_{expression.dtype}({part(expression.left)}, {part(expression.right)})"


def vector(expression: Expression, place: Place) -> str:
    """`expression` as C of a vector, one number for each lane; bool becomes a mask of s32."""
    assert place.lanes is not None
    count = place.lanes.count
    kind = vector_type(expression.dtype, count)

    def part(operand: Expression) -> str:
        """An operand of an operator: a number of C joins in with every lane."""
        return wrapped(vector(operand, place)) if place.varies(operand) else scalar(operand, place, 0, ATOM)

    if not place.varies(expression):
        if expression.dtype == boolean:
            return f"splat_s32x{count}(-({scalar(expression, place)}))"
        return f"splat_{kind}({scalar(expression, place)})"
    match expression:
        case Variable(name=name) if name in place.vectors:
            return name
        case Variable():
            return f"{scalar(place.lanes.start, place, 0, 4)} + ({kind}){{{numbers(count)}}}"
        case Unary(operator=sign):
            return ("-" if sign == "-" else "~") + wrapped(vector(expression.operand, place))
        case Binary(operator="and" | "or" as logic) if safe(expression.right, place):
            left, right = vector(expression.left, place), vector(expression.right, place)
            return f"({left}) {'&' if logic == 'and' else '|'} ({right})"
        case Binary(operator=operator) if operator in COMPARISONS:
            if expression.left.dtype == s64 and (narrow := lane_comparison(expression, place)):
                return narrow
            left, right = part(expression.left), part(expression.right)
            return as_mask(f"({left} {operator} {right})", expression.left.dtype, count)
        case Binary(operator="+" | "-" | "*" | "/" as operator):
            return f"{part(expression.left)} {operator} {part(expression.right)}"
        case Binary(operator="min" | "max" as operator):
            return f"{operator}_{kind}({vector(expression.left, place)}, {vector(expression.right, place)})"
        case Select() if place.varies(expression.condition):
            if safe(expression.then, place) and safe(expression.otherwise, place):
                choices = f"{vector(expression.then, place)}, {vector(expression.otherwise, place)}"
                return f"select_{kind}({vector(expression.condition, place)}, {choices})"
        case Select():
            condition = scalar(expression.condition, place, 0, 2)
            return f"{condition} ? {vector(expression.then, place)} : {vector(expression.otherwise, place)}"
        case Cast():
            return vector_cast(expression, place)
        case Call() if expression.dtype == f32:
            arguments = ", ".join(vector(argument, place) for argument in expression.arguments)
            return f"{expression.function}_{kind}({arguments})"
        case Load():
            offset = unit_offset(expression.buffer, expression.indices, place)
            if offset is not None:
                if expression.buffer.name in place.registers:
                    return place.registers[expression.buffer.name].vector(offset, count)
                return f"load_{kind}({address(expression.buffer, offset, place)})"
    return one_by_one(expression, place)


def lane_comparison(comparison: Binary, place: Place) -> str:
    """A comparison of s64 as one of s32 with the lane's number, where all that differs fits, else ""."""
    assert place.lanes is not None
    lanes, operator = place.lanes, comparison.operator
    form = linear(comparison.left - comparison.right)
    factor = form.coefficient(lanes.name)
    start = simplify(substitute(form.expression(), {lanes.name: lanes.start}), place.ranges)
    if factor not in (1, -1) or place.vectors & free_names(start):
        return ""
    if max(map(abs, interval(start, place.ranges))) >= 1 << 30:
        return ""
    kind = f"s32x{lanes.count}"
    rest = start if factor == -1 else simplify(Constant(0) - start)
    sides = f"splat_{kind}((s32)({scalar(rest, place)}))", f"({kind}){{{numbers(lanes.count)}}}"
    left, right = sides if factor == -1 else sides[::-1]
    return f"({left} {operator} {right})"


def one_by_one(expression: Expression, place: Place) -> str:
    """A vector put together from the numbers of the lanes."""
    assert place.lanes is not None
    kind = vector_type(expression.dtype, place.lanes.count)
    negate = "-" if expression.dtype == boolean else ""
    lanes = (f"{negate}{scalar(expression, place, lane, ATOM)}" for lane in range(place.lanes.count))
    return f"({kind}){{{', '.join(lanes)}}}"


def vector_cast(cast: Cast, place: Place) -> str:
    assert place.lanes is not None
    count, source, target = place.lanes.count, cast.operand.dtype, cast.dtype
    operand = vector(cast.operand, place)
    if source == target:
        return operand
    if {source, target} == {bf16, f32}:
        return f"{target}x{count}_from_{source}x{count}({operand})"
    if bf16 in (source, target):
        return one_by_one(cast, place)
    return f"__builtin_convertvector({operand}, {vector_type(target, count)})"


def safe(expression: Expression, place: Place) -> bool:
    """Whether lanes that do not want it may evaluate it: its loads are in bounds, it divides by numbers."""
    for part in expressions(expression):
        if isinstance(part, Binary) and part.operator in ("//", "%") and not isinstance(part.right, Constant):
            return False
        if isinstance(part, Load) and not all(
            within(index, extent, place.ranges)
            for index, extent in zip(part.indices, part.buffer.shape, strict=True)
        ):
            return False
    return True


def unit_offset(buffer: Buffer, indices: tuple[Expression, ...], place: Place) -> Expression | None:
    """The offset of the first lane if the lanes are neighbours in memory, else None."""
    assert place.lanes is not None
    offset = flat_offset(buffer, indices)
    if place.vectors & free_names(offset):
        return None
    if linear(offset).coefficient(place.lanes.name) != 1:
        return None
    return simplify(substitute(offset, {place.lanes.name: place.lanes.start}), place.ranges)


def element(buffer: Buffer, indices: tuple[Expression, ...], place: Place, lane: int = 0) -> str:
    """An element as C, to read or to write."""
    offset = flat_offset(buffer, indices)
    if place.lanes is not None:
        offset = substitute(offset, {place.lanes.name: place.lanes.at(lane)})
    offset = simplify(offset, place.ranges)
    if buffer.name in place.registers:
        return place.registers[buffer.name].element(offset)
    return f"{buffer.name}[{scalar(offset, place, lane)}]"


def address(buffer: Buffer, offset: Expression, place: Place) -> str:
    return buffer.name if offset == Constant(0) else f"{buffer.name} + {scalar(offset, place, 0, 4)}"


def constant_text(constant: Constant) -> str:
    """A number as C reads it back to the bit."""
    value, dtype = constant.value, constant.dtype
    if dtype in (f32, f64, f16):
        if not math.isfinite(value):
            return {math.inf: "INFINITY", -math.inf: "-INFINITY"}.get(value, "NAN")
        return f"{dtype.digits(value)}f" if dtype == f32 else f"{'(f16)' if dtype == f16 else ''}{value!r}"
    if dtype == bf16:
        return f"bf16_from_f32({constant_text(Constant(value, f32))})"
    if dtype == boolean:
        return "1" if value else "0"
    if dtype == s64 and abs(value) >= 1 << 31:
        return f"INT64_C({value})" if value > -(1 << 63) else "INT64_MIN"
    return str(value) if dtype in (s64, s32) else f"({dtype}){value}"


def converted(text: str, source: DType, target: DType) -> str:
    """A C conversion of one number."""
    if source == target:
        return text
    if source == bf16:
        return converted(f"f32_from_bf16({text})", f32, target)
    if target == bf16:
        return f"bf16_from_f32({converted(text, source, f32)})"
    return f"({target}){text}"


def narrowed(text: str, dtype: DType) -> str:
    """C computes small integers as int: the cast wraps them."""
    return f"({dtype})({text})" if dtype in (s8, u8) else text


def vector_type(dtype: DType, count: int) -> str:
    return f"{'s32' if dtype == boolean else dtype}x{count}"


def as_mask(text: str, dtype: DType, count: int) -> str:
    """Comparisons give integers as wide as what they compare."""
    return text if dtype.bytes == 4 else f"__builtin_convertvector({text}, s32x{count})"


def wrapped(text: str) -> str:
    """`text` in parentheses unless it is a name, a call or an element."""
    simple = text.replace("_", "").isalnum()
    return text if simple or single_call(text) else f"({text})"


def single_call(text: str) -> bool:
    """Whether `text` is one name with one pair of parentheses that closes at its end."""
    name, bracket, rest = text.partition("(")
    if not bracket or not name.replace("_", "").isalnum():
        return False
    depth = 1
    for position, letter in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return position == len(rest) - 1
    return False


def numbers(count: int) -> str:
    return ", ".join(map(str, range(count)))
