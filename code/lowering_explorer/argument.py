"""What a compiler must know of an argument: dtype and shape, written as f32[128,1024]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Short name, as XLA writes it -> the name that NumPy, JAX and PyTorch share.
DTYPES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "s8": "int8",
    "s16": "int16",
    "s32": "int32",
    "s64": "int64",
    "u8": "uint8",
    "pred": "bool",
}
ALIASES = {f"i{bits}": f"s{bits}" for bits in (8, 16, 32, 64)} | {"bool": "pred"}
SHORT = {long: short for short, long in DTYPES.items()}


class BadArgument(ValueError):
    """An argument that no compiler can be told about; the message says how to write it."""


@dataclass(frozen=True)
class Array:
    """An array that is known by dtype (its short name) and shape; its elements do not matter."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    @property
    def dtype_name(self) -> str:
        """The name that NumPy, JAX and PyTorch share: float32."""
        return DTYPES[self.dtype]


@dataclass(frozen=True)
class Tiles:
    """An array that a Triton or Gluon kernel reaches through a tensor descriptor, one tile at a time."""

    array: Array
    tile: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.array}@[{','.join(map(str, self.tile))}]"


def parse(text: str) -> Any:
    """An argument of the command line: `f32[128,1024]`, `f16[128,1024]@[64,64]`, `s32[]`, a number or a bool.

    Raises BadArgument.
    """
    if tiles := re.fullmatch(r"(.*)@\[([\d, ]+)\]", text.strip()):
        return Tiles(parse(tiles[1]), _extents(tiles[2]))
    match = re.fullmatch(r"(\w+)\[([\d, ]*)\]", text.strip())
    if match is None:
        if re.fullmatch(r"[+-]?\d+", text):
            return int(text)
        try:
            return {"True": True, "False": False}[text] if text in ("True", "False") else float(text)
        except ValueError:
            raise BadArgument(f"{text!r} is neither an array such as f32[128,1024] nor a number") from None
    dtype = ALIASES.get(match[1], match[1])
    dtype = SHORT.get(dtype, dtype)
    if dtype not in DTYPES:
        raise BadArgument(f"{text!r} has no known dtype; known are {', '.join(DTYPES)}")
    return Array(dtype, _extents(match[2]))


def _extents(text: str) -> tuple[int, ...]:
    return tuple(int(extent) for extent in text.replace(" ", "").split(",") if extent)


def described(value: Any) -> Any:
    """The same argument with an `Array` for every array; tuples, lists and dicts are looked into.

    Raises BadArgument for what is neither an array, a number, a string, None nor one of those.
    """
    if isinstance(value, Array | Tiles) or value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return type(value)(described(item) for item in value)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: described(item) for key, item in value.items()}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        name = str(value.dtype).removeprefix("torch.")
        if name not in SHORT:
            raise BadArgument(f"an array of dtype {name} cannot be passed; known are {', '.join(SHORT)}")
        return Array(SHORT[name], tuple(int(extent) for extent in value.shape))
    raise BadArgument(
        f"an argument of type {type(value).__name__} cannot be passed to a compiler's process; "
        "pass arrays, numbers, strings, or tuples, lists and dicts of them"
    )


def with_arrays(value: Any, make: Any, describe: Any = None) -> Any:
    """The same argument with `make(array)` for each `Array` and `describe(tiles)` for each `Tiles`.

    Raises BadArgument for `Tiles` where nothing describes them.
    """
    if isinstance(value, Array):
        return make(value)
    if isinstance(value, Tiles):
        if describe is None:
            raise BadArgument(f"{value} goes to a Triton or Gluon kernel; pass {value.array} to a function")
        return describe(value)
    if isinstance(value, tuple | list):
        return type(value)(with_arrays(item, make, describe) for item in value)
    if isinstance(value, dict):
        return {key: with_arrays(item, make, describe) for key, item in value.items()}
    return value


def written(value: Any) -> str:
    """An argument in the form that `parse` reads, containers as Python writes them."""
    if isinstance(value, tuple | list):
        inner = ", ".join(map(written, value))
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    return str(value)
