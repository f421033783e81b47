"""The array API's functions on arrays being traced."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .dtype import DType, bf16, boolean, f16, f32, f64, s8, s32, s64, u8
from .expression import Constant
from .operators import COMPARISONS, OPERATORS
from .size import PYTHON_COMPARISONS, Extents, Symbol, give_operators
from .tracer import Trace, Tracer, broadcast_shapes, dtype_of, untraceable

STORAGE = (f16, bf16)
SYNONYMS = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "bitwise_invert": "logical_not"}
SYNONYMS |= {"amax": "max", "amin": "min"}  # numpy's and PyTorch's names
Method = TypeVar("Method", bound=Callable[..., Tracer])
Axes = int | tuple[int, ...] | None


def of_array(method: Method) -> Method:
    """`method`, with a numpy array taken for `x` too: it becomes a literal."""

    @functools.wraps(method)
    def call(self: Namespace, x: Any, *arguments: Any, **options: Any) -> Tracer:
        return method(self, self.asarray(x), *arguments, **options)

    return call  # type: ignore[return-value]


class Namespace:
    """What `__array_namespace__` gives: functions by the array API's names, dtypes and constants."""

    inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None
    float64, float32, float16, bfloat16 = f64, f32, f16, bf16
    int64, int32, int8, uint8, bool = s64, s32, s8, u8, boolean

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def __getattr__(self, name: str) -> Callable[..., Tracer]:
        """Elementwise functions and reductions, by their operator. Raises NotTraceable for others."""
        operator = SYNONYMS.get(name, name)
        if operator in OPERATORS and OPERATORS[operator].kind == "elementwise":
            return lambda *operands: elementwise(self.trace, operator, *operands)
        if operator in OPERATORS and OPERATORS[operator].kind == "reduction":
            return functools.partial(self.reduce, operator)
        known = [each for each in (*OPERATORS, *vars(Namespace)) if not each.startswith("_")]
        internal = {"parameter", "literal", "extent", "copy", "cast", "permute", "trace"}
        functions = ", ".join(sorted(set(known) - internal))
        raise untraceable(f"'{name}' is not supported: write it with one of {functions}")

    @of_array
    def astype(self, x: Tracer, dtype: Any, *, copy: Any = True) -> Tracer:
        return cast(x, dtype_of(dtype))

    def asarray(self, x: Any, dtype: Any = None) -> Tracer:
        array = x if isinstance(x, Tracer) else self.trace.literal(np.asarray(x))
        return array if dtype is None else cast(array, dtype_of(dtype))

    def arange(self, start: Any, stop: Any = None, step: int = 1, *, dtype: Any = s64) -> Tracer:
        first, last = (0, start) if stop is None else (start, stop)
        count = last if (first, step) == (0, 1) else (last - first + step - 1) // step
        line = self.trace.add("arange", (), s64, (count,))
        if step != 1:
            line = elementwise(self.trace, "multiply", line, step)
        if not isinstance(first, int) or first != 0:
            line = elementwise(self.trace, "add", line, first)
        return cast(line, dtype_of(dtype))

    def full(self, shape: Any, fill_value: Any, *, dtype: Any = f32) -> Tracer:
        extents = shape if isinstance(shape, tuple | list) else (shape,)
        scalar = Constant(fill_value, dtype_of(dtype))
        return self.trace.add("broadcast", (scalar,), scalar.dtype, tuple(extents))

    def zeros(self, shape: Any, *, dtype: Any = f32) -> Tracer:
        return self.full(shape, 0, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any = f32) -> Tracer:
        return self.full(shape, 1, dtype=dtype)

    def square(self, x: Tracer) -> Tracer:
        return elementwise(self.trace, "multiply", x, x)

    def reduce(
        self, operator: str, x: Any, *, axis: Axes = None, dtype: Any = None, keepdims: Any = False
    ) -> Tracer:
        return reduction(operator, self.asarray(x, dtype), axis, keepdims)

    @of_array
    def mean(self, x: Tracer, *, axis: Axes = None, keepdims: Any = False) -> Tracer:
        if not x.dtype.is_float:
            raise untraceable(f"the mean of {x.dtype} is no {x.dtype}: cast it to float32 first")
        count: Any = math.prod([x.shape[a] for a in normal_axes(axis, x.ndim)])
        wide = cast(x, f32) if x.dtype in STORAGE else x
        total = reduction("sum", wide, axis, keepdims)
        return cast(elementwise(self.trace, "divide", total, count), x.dtype)

    def matmul(self, left: Any, right: Any, *, dtype: Any = None) -> Tracer:
        return matmul(self.trace, left, right, None if dtype is None else dtype_of(dtype))

    @of_array
    def permute_dims(self, x: Tracer, axes: tuple[int, ...]) -> Tracer:
        order = normal_axes(tuple(axes), x.ndim)
        if sorted(order) != list(range(x.ndim)):
            raise untraceable(f"{axes} is no order of {x.ndim} axes: name each once")
        shape = tuple(x.shape[axis] for axis in order)
        return self.trace.add("permute", (x.name,), x.dtype, shape, axes=order)

    @of_array
    def matrix_transpose(self, x: Tracer) -> Tracer:
        return x.mT

    @of_array
    def expand_dims(self, x: Tracer, *, axis: int = 0) -> Tracer:
        position = axis % (x.ndim + 1)
        return self.reshape(x, (*x.shape[:position], 1, *x.shape[position:]))

    @of_array
    def squeeze(self, x: Tracer, axis: Axes) -> Tracer:
        axes = normal_axes(axis, x.ndim)
        return self.reshape(x, tuple(e for n, e in enumerate(x.shape) if n not in axes))

    @of_array
    def reshape(self, x: Tracer, shape: Any) -> Tracer:
        wanted = list(shape) if isinstance(shape, tuple | list) else [shape]
        total: Any = math.prod(x.shape)
        for position, extent in enumerate(wanted):
            if isinstance(extent, int) and extent == -1:
                known: Any = math.prod(wanted[:position] + wanted[position + 1 :])
                wanted[position] = total // known
        if math.prod(wanted) != total:
            old, new = (", ".join(map(str, each)) for each in (x.shape, wanted))
            raise untraceable(f"reshape of [{old}] to [{new}]: the number of elements differs")
        return self.trace.add("reshape", (x.name,), x.dtype, tuple(wanted))

    @of_array
    def broadcast_to(self, x: Tracer, shape: tuple[Any, ...]) -> Tracer:
        broadcast_shapes("broadcast_to", [x.shape, tuple(shape)])
        return self.trace.add("broadcast", (x.name,), x.dtype, tuple(shape))


def normal_axes(axis: Axes, rank: int) -> tuple[int, ...]:
    """Axes counted from the front. Raises NotTraceable for one that is not there."""
    axes = tuple(range(rank)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        if not -rank <= each < rank:
            raise untraceable(f"there is no axis {each} of {rank} dimension(s): name one there is")
    return tuple(each % rank for each in axes)


def cast(x: Tracer, dtype: DType) -> Tracer:
    if x.dtype == dtype:
        return x
    if dtype == boolean:
        return elementwise(x.trace, "not_equal", x, 0)
    if x.dtype == boolean:
        return x.trace.add("where", (x.name, Constant(1, dtype), Constant(0, dtype)), dtype, x.shape)
    return x.trace.add("cast", (x.name,), dtype, x.shape)


def elementwise(trace: Trace, operator: str, *given: Any) -> Tracer:
    """The node of an elementwise operator: broadcast shapes, one dtype; f16 and bf16 compute in f32."""
    values = [trace.literal(each) if isinstance(each, np.ndarray) else each for each in given]
    values = [
        cast(trace.add("extent", (), s64, (), value=each.expression), first_dtype(values))
        if isinstance(each, Symbol)
        else each
        for each in values
    ]
    choices = values[1:] if operator == "where" else values
    dtypes = {each.dtype for each in choices if isinstance(each, Tracer)}
    if len(dtypes) > 1:
        first, second = sorted(dtypes, key=str)
        raise untraceable(f"'{operator}' of {first} and {second}: cast one of them with astype")
    floats = any(isinstance(each, float | np.floating) for each in choices)
    dtype = dtypes.pop() if dtypes else f32 if floats else s64
    if operator in ("logical_and", "logical_or", "logical_not") and dtype != boolean:
        raise untraceable(f"'{operator}' is of bool, not of {dtype}: compare with 0 first")
    if operator == "where" and not (isinstance(values[0], Tracer) and values[0].dtype == boolean):
        raise untraceable("the first argument of 'where' is no bool array: compare something")
    storage = dtype in STORAGE and operator != "where"
    work = f32 if storage else dtype
    operands = [
        (cast(each, work) if each.dtype == dtype else each) if isinstance(each, Tracer)
        else scalar(operator, each, work)
        for each in values
    ]  # fmt: skip
    calls = OPERATORS[operator].symbol in ("exp", "tanh", "sqrt", "sigmoid", "gelu", "/")
    if (calls and not work.is_float) or (operator in ("floor_divide", "remainder") and work.is_float):
        kind = "integers" if work.is_float else "floats"
        raise untraceable(f"'{operator}' is of {kind}, not of {work}: cast with astype first")
    if work == boolean and not operator.startswith("logical") and operator not in ("where", "copy"):
        raise untraceable(f"'{operator}' is not of bool: choose numbers with where first")
    shape = broadcast_shapes(operator, [each.shape for each in operands if isinstance(each, Tracer)])
    result = boolean if operator in COMPARISONS else work
    names = tuple(each.name if isinstance(each, Tracer) else each for each in operands)
    node = trace.add(operator, names, result, shape)
    return cast(node, dtype) if storage and operator not in COMPARISONS else node


def first_dtype(values: list[Any]) -> DType:
    """The dtype that scalars take: of the first array among `values`."""
    return next(each.dtype for each in values if isinstance(each, Tracer))


def scalar(operator: str, value: Any, dtype: DType) -> Constant:
    """A Python number as an operand of `dtype`."""
    if not isinstance(value, int | float | np.number | np.bool):
        raise untraceable(f"'{operator}' of a {type(value).__name__}: pass arrays and numbers")
    try:
        return Constant(value.item() if isinstance(value, np.generic) else value, dtype)
    except (ValueError, OverflowError):
        what = f"'{operator}' of {dtype} and {value}, which {dtype} does not hold"
        raise untraceable(f"{what}: cast the array first") from None


def reduction(operator: str, x: Tracer, axis: Axes, keepdims: Any) -> Tracer:
    axes = normal_axes(axis, x.ndim)
    if x.dtype == boolean:
        raise untraceable(f"'{operator}' of bool: cast it with astype first")
    shape = tuple(1 if n in axes else e for n, e in enumerate(x.shape) if keepdims or n not in axes)
    wide = cast(x, f32) if x.dtype in STORAGE else x
    attributes = {"axes": tuple(sorted(axes)), "keepdims": bool(keepdims)}
    return cast(x.trace.add(operator, (wide.name,), wide.dtype, shape, **attributes), x.dtype)


def matmul(trace: Trace, given_left: Any, given_right: Any, dtype: DType | None = None) -> Tracer:
    """The matrix product, accumulated in f32 or wider, of integers in s32 (`dtype` must ask for it)."""
    given = (given_left, given_right)
    left, right = (trace.literal(side) if isinstance(side, np.ndarray) else side for side in given)
    if not (isinstance(left, Tracer) and isinstance(right, Tracer)):
        raise untraceable("a matrix product is of two arrays: multiply by a number with *")
    if left.dtype != right.dtype and (left.dtype, right.dtype) != (u8, s8):
        raise untraceable(f"'matmul' of {left.dtype} and {right.dtype}: cast one of them with astype")
    if left.dtype in (s8, u8) and dtype != s32:
        what = f"the product of {left.dtype} matrices overflows {left.dtype}"
        raise untraceable(f"{what}: ask for matmul(a, b, dtype=int32)")
    if not left.ndim or not right.ndim:
        raise untraceable("a matrix product is of 1 dimension or more: multiply by a number with *")
    xp = Namespace(trace)
    vectors = left.ndim == 1, right.ndim == 1
    left = xp.expand_dims(left, axis=0) if vectors[0] else left
    right = xp.expand_dims(right, axis=1) if vectors[1] else right
    if left.shape[-1] != right.shape[-2]:
        first, second = (", ".join(map(str, side.shape)) for side in (left, right))
        inner = f"the inner extents {left.shape[-1]} and {right.shape[-2]} differ, make them equal"
        raise untraceable(f"'matmul' of [{first}] and [{second}]: {inner}")
    batch = broadcast_shapes("matmul", [left.shape[:-2], right.shape[:-2]])
    work = s32 if left.dtype in (s8, u8) else f32 if left.dtype in STORAGE else left.dtype
    shape: Extents = (*batch, left.shape[-2], right.shape[-1])
    node = trace.add("matmul", (left.name, right.name), work, shape, left="mk", right="kn", packed=0)
    result = cast(node, dtype or given_dtype(left, work))
    dropped = tuple(axis for axis, vector in zip((-2, -1), vectors, strict=True) if vector)
    return xp.squeeze(result, dropped) if dropped else result


def given_dtype(left: Tracer, work: DType) -> DType:
    return left.dtype if left.dtype in STORAGE else work


def index(x: Tracer, key: Any) -> Tracer:
    """Basic indexing: ints, slices with positive steps, None and an ellipsis."""
    items = list(key) if isinstance(key, tuple) else [key]
    for each in items:
        if not (each is None or each is ... or isinstance(each, int | slice)):
            what = f"an index that is a {type(each).__name__}"
            raise untraceable(f"{what} is not supported: use ints, slices, None")
    given = sum(each is not None and each is not ... for each in items)
    if given > x.ndim:
        raise untraceable(f"{given} indices for {x.ndim} dimension(s): drop some")
    at = next((n for n, each in enumerate(items) if each is ...), len(items))
    items[at : at + 1] = [slice(None)] * (x.ndim - given)
    starts, steps = list[int](), list[int]()
    cut, final = list[int | Symbol](), list[int | Symbol]()
    axes = iter(x.shape)
    for each in items:
        if each is None:
            final.append(1)
            continue
        extent = next(axes)
        if each == slice(None):
            start, step, count = 0, 1, extent
        elif isinstance(each, slice):
            start, stop, step = each.indices(int(extent))
            if step < 1:
                raise untraceable(f"a slice with the step {step} is not supported: use a positive one")
            count = len(range(start, stop, step))
        else:
            if not -int(extent) <= each < int(extent):
                raise untraceable(f"the index {each} is outside of {extent} elements")
            start, step, count = each % int(extent), 1, 1
        starts.append(start)
        steps.append(step)
        cut.append(count)
        if not isinstance(each, int):
            final.append(count)
    whole = all(start == 0 for start in starts) and all(a is b for a, b in zip(cut, x.shape, strict=True))
    if not whole:
        x = x.trace.add("slice", (x.name,), x.dtype, tuple(cut), starts=tuple(starts), steps=tuple(steps))
    same = len(final) == len(cut) and all(a is b for a, b in zip(final, cut, strict=True))
    return x if same else Namespace(x.trace).reshape(x, tuple(final))


def applied(operator: str, *sides: Any) -> Tracer:
    """An operator of Python on arrays, one of which at least is traced."""
    trace = next(side.trace for side in sides if isinstance(side, Tracer))
    return matmul(trace, *sides) if operator == "matmul" else elementwise(trace, operator, *sides)


ARITHMETIC = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "mod": "remainder"}
ARITHMETIC |= {"floordiv": "floor_divide", "and": "logical_and", "or": "logical_or", "matmul": "matmul"}
give_operators(Tracer, applied, ARITHMETIC, turned=True)
give_operators(Tracer, applied, dict(zip(PYTHON_COMPARISONS, COMPARISONS, strict=True)))
give_operators(Tracer, applied, {"neg": "negative", "abs": "abs", "invert": "logical_not"})
