"""Binding numpy arrays to the parameters of a loop function, for the interpreter and for compiled code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .affine import evaluate
from .dtype import DType
from .expression import Buffer, Variable
from .statement import Function
from .traversal import written_buffers

Array = np.ndarray[Any, Any]
ALIGNMENT = 64  # bytes: a cache line, and the widest vector


class BadArgument(ValueError):
    """An argument that a loop function cannot take: one sentence that says what to do."""


@dataclass(frozen=True)
class Binding:
    """`arrays` by buffer, `scalars` by scalar parameter, among them the sizes read off the arrays."""

    arrays: dict[str, Array]
    scalars: dict[str, int | float]


def bind(function: Function, arguments: tuple[Any, ...]) -> Binding:
    """Match `arguments` with the parameters that are no sizes, in order.

    Arrays must have the dtype of the buffer (bf16: uint16 or a dtype named bfloat16), its shape, row-major
    order and natural alignment; those that are written must be writable and share no memory with others.
    Raises BadArgument.
    """
    sizes = {size.name for size in function.sizes}
    wanted = [parameter for parameter in function.parameters if parameter.name not in sizes]
    if len(arguments) != len(wanted):
        names = ", ".join(parameter.name for parameter in wanted)
        raise BadArgument(f"'{function.name}' takes {len(wanted)} arguments ({names}), not {len(arguments)}")
    arrays: dict[str, Array] = {}
    scalars: dict[str, int | float] = {}
    for parameter, argument in zip(wanted, arguments, strict=True):
        if isinstance(parameter, Variable):
            scalars[parameter.name] = parameter.dtype.canonical(argument)
        else:
            arrays[parameter.name] = checked(parameter, argument)
    for buffer in function.buffers:
        for extent, count in zip(buffer.shape, arrays[buffer.name].shape, strict=True):
            if isinstance(extent, Variable) and extent.name in sizes:
                scalars.setdefault(extent.name, count)
    for buffer in function.buffers:
        shape = tuple(evaluate(extent, scalars) for extent in buffer.shape)
        if arrays[buffer.name].shape != shape:
            found = list(arrays[buffer.name].shape)
            raise BadArgument(f"'{buffer.name}' is {found}, its type says {list(shape)}: reshape it")
    refuse_overlap(function, arrays)
    return Binding(arrays, scalars)


def checked(buffer: Buffer, given: Any) -> Array:
    """`given` as an array of the storage dtype of `buffer`, without a copy."""
    if not isinstance(given, np.ndarray):
        raise BadArgument(f"'{buffer.name}' is a {type(given).__name__}: pass a numpy array")
    argument: Array = given
    if buffer.dtype.name == "bf16" and argument.dtype.name == "bfloat16":
        argument = argument.view(np.uint16)
    if argument.dtype != np.dtype(buffer.dtype.storage):
        wanted = f"convert it with .astype('{buffer.dtype.storage}')"
        raise BadArgument(f"'{buffer.name}' is an array of {argument.dtype}: {wanted}")
    if (rank := len(buffer.shape)) != argument.ndim:
        raise BadArgument(f"'{buffer.name}' has {argument.ndim} dimensions, not {rank}: reshape it")
    if not argument.flags.c_contiguous:
        raise BadArgument(f"'{buffer.name}' is not in row-major order: pass numpy.ascontiguousarray(...)")
    if not argument.flags.aligned:
        raise BadArgument(f"'{buffer.name}' does not start at a multiple of its element: pass a copy of it")
    return argument


def refuse_overlap(function: Function, arrays: dict[str, Array]) -> None:
    """Raises BadArgument if a written array is read-only or shares memory with another argument."""
    for name in written_buffers(function) & set(arrays):
        if not arrays[name].flags.writeable:
            raise BadArgument(f"'{name}' is written to but read-only: pass a writable array")
        for other in arrays.keys() - {name}:
            if np.may_share_memory(arrays[name], arrays[other]):  # exact for contiguous arrays
                first, second = sorted((name, other))
                raise BadArgument(f"'{first}' and '{second}' share memory and one is written to: pass a copy")


def aligned_empty(shape: tuple[int, ...], dtype: DType) -> Array:
    """An uninitialised array that starts at a cache line, as vector and non-temporal stores like it best."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.bytes
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype.storage).reshape(shape)
