"""Loop functions as C with vector extensions and OpenMP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .affine import loop_ranges
from .c_expression import Lanes, Place, address, element, scalar, unit_offset, vector, vector_type
from .dtype import DType, boolean, f16, f32
from .expression import Buffer, Constant, Expression, Variable
from .registers import NotInRegisters, Registers, flat_offset, pieces
from .simplify import simplify
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Prefetch, Reduce, Statement, Store
from .target import Target
from .tile import expand, tile
from .traversal import (
    accesses,
    bound_names,
    children,
    expressions,
    free_names,
    loads,
    statements,
    substitute,
    writes,
    written_buffers,
)

INLINE = 4  # vectors of a vectorized loop that are written out; more become a loop in C
STACK = 256 * 1024  # bytes that a stack buffer may take
HALF = "__FLT16_MANT_DIG__"  # a macro of compilers that know _Float16
REDUCERS = {"+": "add", "*": "mul", "max": "max", "min": "min"}


class Unsupported(ValueError):
    """A loop function that has no C: one sentence that says what to change."""


def c_source(function: Function, target: Target) -> str:
    """`function` as C for `target`. Raises Unsupported."""
    return Emitter(function, target).source()


class Emitter:
    """One function. Methods give lines; a `Place` says where they stand."""

    def __init__(self, function: Function, target: Target) -> None:
        self.function, self.target = function, target
        self.widths: set[int] = set()
        self.scratches: set[str] = set()
        self.names = bound_names(function)

    def source(self) -> str:
        if f16 in dtypes(self.function) and HALF not in self.target.macros:
            raise Unsupported(f"{self.target.compiler} has no f16: take a newer one, or use bf16")
        place = Place(ranges={size.name: (0.0, float("inf")) for size in self.function.sizes})
        try:
            body = list(self.body(self.function.body, place, outer=True))
        except NotInRegisters as refusal:
            raise Unsupported(str(refusal)) from None
        written = written_buffers(self.function)
        parameters = [self.parameter(parameter, written) for parameter in self.function.parameters]
        head = ['#include "runtime.h"', *(f"VECTORS({width})" for width in sorted(self.widths)), ""]
        head += [f"static _Thread_local Scratch {name}_memory;" for name in sorted(self.scratches)]
        signature = f"void {self.function.name}({', '.join([*parameters, 's32 threads'])}) {{"
        return "\n".join([*head, signature, "  (void)threads;", *indented(body), "}", ""])

    def parameter(self, parameter: Buffer | Variable, written: set[str]) -> str:
        if isinstance(parameter, Variable):
            return f"{parameter.dtype} {parameter.name}"
        constant = "" if parameter.name in written else "const "
        return f"{constant}{parameter.dtype} *restrict {parameter.name}"

    def body(self, body: Body, place: Place, outer: bool = False) -> Iterator[str]:
        """`outer` holds outside of every parallel loop: only the outermost shares its iterations out."""
        for position, statement in enumerate(body):
            if isinstance(statement, Allocate) and statement.buffer.scope == "registers":
                buffer = statement.buffer
                lanes = self.target.lanes if runs_along(buffer, body[position + 1 :]) else 1
                registers = Registers(buffer, lanes, self.names)
                self.widths |= {chunk.width for chunk in registers.chunks if chunk.width > 1}
                place = replace(place, registers={**place.registers, buffer.name: registers})
                yield from registers.declarations()
            elif isinstance(statement, Allocate):
                yield from self.allocation(statement.buffer, place)
            elif isinstance(statement, Let):
                varies = place.varies(statement.value)
                dtype = statement.value.dtype
                kind = "u8" if dtype == boolean else str(dtype)
                if varies and place.lanes is not None:
                    kind = vector_type(dtype, place.lanes.count)
                text = vector(statement.value, place) if varies else scalar(statement.value, place)
                yield f"const {kind} {statement.name} = {text};"
                if varies:
                    place = replace(place, vectors=place.vectors | {statement.name})
            else:
                yield from self.statement(statement, place, outer)

    def allocation(self, buffer: Buffer, place: Place) -> Iterator[str]:
        size: Expression = Constant(1)
        for extent in buffer.shape:
            size = size * extent
        size = simplify(size)
        if buffer.scope == "scratch":
            self.scratches.add(buffer.name)
            count = scalar(size, place, 0, 5)
            memory = f"acquire(&{buffer.name}_memory, {count} * sizeof({buffer.dtype}))"
            yield f"{buffer.dtype} *restrict {buffer.name} = {memory};"
            return
        if not isinstance(size, Constant) or int(size.value) * buffer.dtype.bytes > STACK:
            what = f"'{buffer.name}' is too large for the stack or of unknown size"
            raise Unsupported(f"{what}: allocate scratch")
        yield f"{buffer.dtype} {buffer.name}[{max(int(size.value), 1)}] __attribute__((aligned(64)));"

    def statement(self, statement: Statement, place: Place, outer: bool) -> Iterator[str]:
        match statement:
            case For():
                yield from self.loop(statement, place, outer)
            case If():
                condition = simplify(statement.condition, place.ranges)
                yield f"if ({scalar(condition, place)}) {{"
                yield from indented(self.body(statement.then, place, outer))
                if statement.otherwise:
                    yield "} else {"
                    yield from indented(self.body(statement.otherwise, place, outer))
                yield "}"
            case Store():
                yield from self.write(statement, None, place)
            case Reduce():
                yield from self.write(statement, statement.operator, place)
            case Prefetch():
                offset = flat_offset(statement.buffer, statement.indices)
                if place.lanes is not None:
                    offset = substitute(offset, {place.lanes.name: place.lanes.start})
                if statement.buffer.name not in place.registers:
                    where = address(statement.buffer, simplify(offset, place.ranges), place)
                    yield f"__builtin_prefetch({where}, 0, 2);"  # into L2: L1 is full of what is worked on
            case Invoke():
                yield from self.invoke(statement, place, outer)
            case _:
                raise TypeError(f"{type(statement).__name__} is no statement")

    def write(self, statement: Store | Reduce, operator: str | None, place: Place) -> Iterator[str]:
        buffer, indices, dtype = statement.buffer, statement.indices, statement.buffer.dtype
        value = simplify(statement.value, place.ranges)
        if place.lanes is None:
            yield updated(element(buffer, indices, place), operator, scalar(value, place), str(dtype))
            return
        count, kind = place.lanes.count, vector_type(dtype, place.lanes.count)
        offset = unit_offset(buffer, indices, place)
        if not any(place.varies(index) for index in indices):
            target = element(buffer, indices, place)
            if operator is None:
                name = place.lanes.name.rstrip("'")
                raise Unsupported(f"all lanes of '{name}' write one {buffer.name}: make '{name}' serial")
            total = f"reduce_{REDUCERS[operator]}_{kind}({vector(value, place)})"
            yield updated(target, operator, total, str(dtype))
            return
        whole = None
        if offset is not None and buffer.name in place.registers:
            whole = place.registers[buffer.name].whole(offset, count)
        if whole is not None:
            yield updated(whole, operator, vector(value, place), kind)
        elif offset is not None and buffer.name not in place.registers:
            to = address(buffer, offset, place)
            text = vector(value, place)
            if operator is not None:
                text = combined(f"load_{kind}({to})", operator, text, kind)
            stream = isinstance(statement, Store) and statement.non_temporal and dtype == f32
            yield f"{'stream' if stream else 'store'}_{kind}({to}, {text});"
        else:
            lines = [f"const {kind} value__ = {vector(value, place)};"]
            for lane in range(count):
                target = element(buffer, indices, place, lane)
                lines.append(updated(target, operator, f"value__[{lane}]", str(dtype)))
            yield from braced("", lines)

    def loop(self, loop: For, place: Place, outer: bool) -> Iterator[str]:
        lower, upper = simplify(loop.lower, place.ranges), simplify(loop.upper, place.ranges)
        inside = replace(place, ranges=loop_ranges([loop], place.ranges))
        if loop.kind == "unrolled" and isinstance(lower, Constant) and isinstance(upper, Constant):
            for value in range(int(lower.value), int(upper.value)):
                copy = substitute(loop.body, {loop.name: Constant(value)})
                yield from block(copy, list(self.body(copy, place, outer)))
            return
        if loop.kind == "vectorized" and place.lanes is None and self.vectorizable(loop, place):
            yield from self.vectorized(loop, lower, upper, inside, outer)
            return
        if loop.kind == "parallel" and outer:
            yield from self.parallel(loop, lower, upper, inside)
            return
        body = [*in_order(loop), *self.body(loop.body, inside, outer and loop.kind != "parallel")]
        yield from braced(f"for ({header(loop.name, lower, upper, place)})", body)

    def parallel(self, loop: For, lower: Expression, upper: Expression, inside: Place) -> Iterator[str]:
        """Iterations are dealt out one by one if they differ in length, as the rows of a triangle do."""
        loops = [each for each in statements(loop) if isinstance(each, For)]
        triangular = any(loop.name in free_names(each.lower) | free_names(each.upper) for each in loops)
        schedule = "dynamic" if triangular else "static"
        streams = any(isinstance(write, Store) and write.non_temporal for write in writes(loop))
        shared = braced(f"for ({header(loop.name, lower, upper, inside)})", self.body(loop.body, inside))
        lines = [f"#pragma omp for schedule({schedule}) nowait", *shared, *["stream_fence();"] * streams]
        yield "#pragma omp parallel num_threads(threads) if (threads > 1)"
        yield from braced("", lines)

    def vectorized(
        self, loop: For, lower: Expression, upper: Expression, inside: Place, outer: bool
    ) -> Iterator[str]:
        """Whole vectors, then narrower ones, then single elements; a loop in C where there are many."""
        lanes = self.target.lanes
        lane = f"{loop.name}'"  # the C variable of the loop is where the vector starts
        ranges = {**inside.ranges, lane: inside.ranges[loop.name]}

        def step(start: Expression, width: int) -> list[str]:
            body = substitute(loop.body, {loop.name: start if width == 1 else Variable(lane)})
            at = inside
            if width > 1:
                self.widths.add(width)
                at = replace(inside, lanes=Lanes(lane, start, width), ranges=ranges)
            return block(body, list(self.body(body, at, outer)))

        if isinstance(lower, Constant) and isinstance(upper, Constant):
            first, last = int(lower.value), int(upper.value)
            count = max(last - first, 0) // lanes
            if count > INLINE and not any(moves(loop, name) for name in inside.registers):
                end = first + count * lanes
                head = f"for (s64 {loop.name} = {first}; {loop.name} < {end}; {loop.name} += {lanes})"
                yield from braced(head, step(loop.variable, lanes))
                first = end
            for start, width in pieces(first, last, lanes):
                yield from step(Constant(start), width)
            return
        variable, bound = loop.name, scalar(upper, inside, 0, 4)
        whole = f"for (; {variable} + {lanes} <= {bound}; {variable} += {lanes})"
        vectors = braced(whole, step(loop.variable, lanes))
        rest = braced(f"for (; {variable} < {bound}; {variable}++)", self.body(loop.body, inside, outer))
        yield from braced("", [f"s64 {variable} = {scalar(lower, inside)};", *vectors, *rest])

    def vectorizable(self, loop: For, place: Place) -> bool:
        """Whether every statement has a vector form; if one has not, the loop is emitted as a scalar one."""
        varying = {loop.name}
        for statement in statements(loop.body):
            varies = any(varying & free_names(each) for each in children(statement))
            match statement:
                case Let() if varies:
                    varying.add(statement.name)
                case For(kind="vectorized" | "parallel") | Allocate() | Invoke():
                    return False
                case For() | If() if varies:
                    return False
        return True

    def invoke(self, statement: Invoke, place: Place, outer: bool) -> Iterator[str]:
        """The instruction if the target has it and the accumulator is a vector register, else its loops."""
        accumulator, *others = statement.operands
        if tile(statement).macro in self.target.macros and accumulator.buffer.name in place.registers:
            offset = simplify(flat_offset(accumulator.buffer, accumulator.indices), place.ranges)
            whole = place.registers[accumulator.buffer.name].whole(offset, 16)
            if whole is not None:
                offsets = [simplify(flat_offset(o.buffer, o.indices), place.ranges) for o in others]
                places = [address(o.buffer, at, place) for o, at in zip(others, offsets, strict=True)]
                self.widths.add(16)
                yield f"{whole} = {statement.instruction}({whole}, {', '.join(places)});"
                return
        yield from self.body(expand(statement, self.names), place, outer)


def in_order(loop: For) -> list[str]:
    """What keeps iterations in order where an innermost loop seems to load what it stores in another one."""
    innermost = not any(isinstance(inside, For) for inside in statements(loop.body))
    stored = [(write.buffer, write.indices) for write in writes(loop)]
    carried = any(a.buffer == b and a.indices != at for a in loads(loop) for b, at in stored)
    return ["IN_ORDER;"] if innermost and carried else []


def dtypes(function: Function) -> set[DType]:
    """The dtypes of all buffers and values in `function`."""
    buffers = {p.dtype for p in function.parameters} | {e.dtype for e in expressions(function)}
    return buffers | {each.buffer.dtype for each in statements(function) if isinstance(each, Allocate)}


def moves(loop: For, name: str) -> bool:
    """Whether the elements of the buffer `name` that `loop` touches depend on its variable."""
    return any(
        access.buffer.name == name and any(loop.name in free_names(index) for index in access.indices)
        for access in accesses(loop)
    )


def runs_along(buffer: Buffer, body: Body) -> bool:
    """Whether a vectorized loop or an instruction takes `buffer` by rows, so that they are vectors."""
    return any(
        (isinstance(inside, For) and inside.kind == "vectorized" and moves(inside, buffer.name))
        or (isinstance(inside, Invoke) and inside.operands[0].buffer == buffer)
        for inside in statements(body)
    )


def updated(target: str, operator: str | None, value: str, kind: str) -> str:
    """An assignment, or an accumulation."""
    if operator in ("+", "*") and kind not in ("s8", "u8"):
        return f"{target} {operator}= {value};"
    return f"{target} = {value if operator is None else combined(target, operator, value, kind)};"


def combined(old: str, operator: str, value: str, kind: str) -> str:
    if operator in ("max", "min"):
        return f"{operator}_{kind}({old}, {value})"
    return f"{old} {operator} ({value})"


def braced(head: str, lines: Iterable[str]) -> Iterator[str]:
    """`lines` in braces after `head`."""
    yield f"{head} {{".lstrip()
    yield from indented(lines)
    yield "}"


def header(name: str, lower: Expression, upper: Expression, place: Place) -> str:
    return f"s64 {name} = {scalar(lower, place)}; {name} < {scalar(upper, place, 0, 4)}; {name}++"


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (line if line.startswith("#") else f"  {line}" for line in lines)


def block(body: Body, lines: list[str]) -> list[str]:
    """`lines` of one copy of a body, in braces if the body declares names."""
    if any(isinstance(statement, Let | Allocate) for statement in body):
        return list(braced("", lines))
    return lines
