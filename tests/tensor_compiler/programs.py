"""Random loop functions that are valid: in bounds, initialised before read, free of races.

A program is a chain of stages. Each stage fills a new buffer, element by element, from earlier ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tensor_compiler.dtype import DType, bf16, f32, s32, s64
from tensor_compiler.expression import (
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
from tensor_compiler.statement import (
    Allocate,
    For,
    Function,
    If,
    Let,
    Prefetch,
    Reduce,
    Statement,
    Store,
)

Ranges = dict[str, int]  # a loop's name, and its extent: loops start at 0


@st.composite
def programs(draw: st.DrawFn, calls: bool = True) -> Function:
    """Loop functions of one to three stages; without `calls`, C and the interpreter agree to the bit."""
    readable = [
        Buffer(f"X{n}", dtype, (draw(st.integers(1, 5)), draw(st.integers(1, 20))))
        for n, dtype in enumerate(draw(st.lists(st.sampled_from([f32, bf16, s32]), min_size=1, max_size=2)))
    ]
    parameters, body = list(readable), []
    count = draw(st.integers(1, 3))
    for stage in range(count):
        dtype = draw(st.sampled_from([f32, bf16, s32]))
        scope = (
            "parameter" if stage == count - 1 else draw(st.sampled_from(["parameter", "stack", "scratch"]))
        )
        target = Buffer(f"T{stage}", dtype, (draw(st.integers(1, 5)), draw(st.integers(1, 40))), scope)
        if scope == "parameter":
            parameters.append(target)
        else:
            body.append(Allocate(target))
        body.append(draw(fill(target, readable, stage, calls)))
        readable.append(target)
    return Function("program", tuple(parameters), tuple(body))


@st.composite
def fill(draw: st.DrawFn, target: Buffer, readable: list[Buffer], stage: int, calls: bool) -> Statement:
    """Two loops that write each element of `target` once, or accumulate into it."""
    rows, columns = target.extents
    i, j, k = Variable(f"i{stage}"), Variable(f"j{stage}"), Variable(f"k{stage}")
    ranges = {i.name: rows, j.name: columns}
    place = (i, j)
    inner: list[Statement] = []
    if draw(st.booleans()):
        binding = Let(f"v{stage}", draw(values(f32, readable, ranges, calls)))
        extra: Expression | None = binding.variable
        inner.append(binding)
    else:
        extra = None
    if draw(st.booleans()):
        inner.append(Prefetch(readable[0], (i, j)))
    first = Store(
        target, place, draw(values(target.dtype, readable, ranges, calls, extra)), draw(st.booleans())
    )
    shape = draw(st.sampled_from(["store", "choose", "reduce"]))
    if shape == "reduce" and target.dtype.computes:
        extent = draw(st.integers(1, 4))
        value = draw(values(target.dtype, readable, ranges | {k.name: extent}, calls, extra))
        operator = draw(st.sampled_from(["+", "max", "min"]))
        kind = draw(st.sampled_from(["serial", "unrolled"]))
        inner += [first, For(k.name, 0, extent, kind, (Reduce(target, place, operator, value),))]
    elif shape == "choose":
        second = Store(target, place, draw(values(target.dtype, readable, ranges, calls, extra)))
        inner.append(If(draw(conditions(ranges)), (first,), (second,)))
    else:
        inner.append(first)
    kinds = [draw(st.sampled_from(["serial", "parallel", "unrolled"]))]
    kinds.append(draw(st.sampled_from(["serial", "vectorized", "vectorized"])))
    return For(i.name, 0, rows, kinds[0], (For(j.name, 0, columns, kinds[1], tuple(inner)),))


@st.composite
def indices(draw: st.DrawFn, extent: int, ranges: Ranges) -> Expression:
    """An index that lies in 0, ..., extent - 1 whatever the loops are at."""
    fitting = [name for name, upper in ranges.items() if upper <= extent]
    shapes = ["constant", "wrapped", "clamped", *(["variable"] * 3 if fitting else [])]
    shape = draw(st.sampled_from(shapes))
    if shape == "constant":
        return Constant(draw(st.integers(0, extent - 1)))
    if shape == "variable":
        return Variable(draw(st.sampled_from(fitting)))
    name = Variable(draw(st.sampled_from(sorted(ranges))))
    scaled = name * draw(st.integers(-2, 3)) + draw(st.integers(-3, 3))
    if shape == "wrapped":
        return scaled % extent
    return Binary("max", Constant(0), Binary("min", scaled, Constant(extent - 1)))


@st.composite
def conditions(draw: st.DrawFn, ranges: Ranges) -> Expression:
    """A comparison of loop variables with constants: exact, so that no rounding decides."""
    name = Variable(draw(st.sampled_from(sorted(ranges))))
    operator = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    compared = Binary(operator, name * draw(st.integers(1, 2)), Constant(draw(st.integers(-1, 8))))
    wrapping = draw(st.sampled_from(["plain", "not", "and", "or"]))
    if wrapping == "plain":
        return compared
    if wrapping == "not":
        return Unary("not", compared)
    return Binary(wrapping, compared, draw(conditions(ranges)))


@st.composite
def values(
    draw: st.DrawFn,
    dtype: DType,
    readable: list[Buffer],
    ranges: Ranges,
    calls: bool,
    extra: Expression | None = None,
    depth: int = 2,
) -> Expression:
    """A value of `dtype` from elements of `readable`, the loop variables and `extra`."""

    def below(of: DType = dtype) -> Expression:
        return draw(values(of, readable, ranges, calls, extra, depth - 1))

    if dtype == bf16:
        return Cast(bf16, below(f32))
    shape = draw(st.sampled_from(["load", "load", "number", "variable", "extra"]))
    if depth > 0:
        shape = draw(st.sampled_from(["binary", "binary", "select", "negative", "call", shape]))
    if shape == "binary":
        return Binary(draw(st.sampled_from(["+", "-", "*", "max", "min"])), below(), below())
    if shape == "select":
        return Select(draw(conditions(ranges)), below(), below())
    if shape == "negative":
        return Unary("-", below())
    if shape == "call" and calls and dtype == f32:
        if draw(st.booleans()):
            return Call("fma", (below(), below(), below()))
        bounded = Binary("max", Constant(-2, f32), Binary("min", below(), Constant(2, f32)))
        return Call(draw(st.sampled_from(["exp", "tanh", "sigmoid", "gelu", "abs"])), (bounded,))
    if shape == "extra" and extra is not None and extra.dtype == dtype:
        return extra
    if shape == "number":
        integer = st.integers(-3, 3)
        return Constant(draw(st.floats(-2, 2, width=32) if dtype.is_float else integer), dtype)
    if shape == "variable":
        return Cast(dtype, Variable(draw(st.sampled_from(sorted(ranges)))))
    candidates = [buffer for buffer in readable if (buffer.dtype == s32) == (dtype == s32)]
    if not candidates:
        return Cast(dtype, Binary("%", Variable(sorted(ranges)[0]), Constant(3, s64)))
    buffer = draw(st.sampled_from(candidates))
    load = Load(buffer, tuple(draw(indices(extent, ranges)) for extent in buffer.extents))
    return load if load.dtype == dtype else Cast(dtype, load)


def arrays_for(program: Function, seed: int) -> list[np.ndarray[Any, Any]]:
    """An array for each buffer, of small numbers; those of s32 are of 0 to 9."""
    random = np.random.default_rng(seed)
    arrays: list[np.ndarray[Any, Any]] = []
    for buffer in program.buffers:
        if buffer.dtype == s32:
            arrays.append(random.integers(0, 10, buffer.extents).astype(np.int32))
            continue
        numbers = random.uniform(-2, 2, buffer.extents).astype(np.float32)
        arrays.append((numbers.view(np.uint32) >> 16).astype(np.uint16) if buffer.dtype == bf16 else numbers)
    return arrays
