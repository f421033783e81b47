"""The operators of the graph: what each is in numpy and, one element of it, in the loop language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .dtype import DType, bf16, boolean
from .expression import Binary, Call, Cast, Expression, Select, Unary
from .meaning import gelu

Kind = Literal["elementwise", "reduction", "matmul", "view", "source"]


@dataclass(frozen=True)
class Operator:
    """`symbol` is what the loop language calls it; `meaning` takes numpy arrays, which agree in dtype.

    Elementwise operators broadcast their operands. Views rename elements; sources have no operands.
    """

    name: str
    kind: Kind
    symbol: str = ""
    meaning: Callable[..., Any] = np.asarray

    def element(self, dtype: DType, operands: tuple[Expression, ...]) -> Expression:
        """One element of an elementwise operator whose result has `dtype`."""
        if self.name == "copy":
            return operands[0]
        if self.name == "cast":
            return operands[0] if operands[0].dtype == dtype else Cast(dtype, operands[0])
        if self.name == "where":
            return Select(*operands)
        if self.name in ("negative", "logical_not"):
            return Unary("-" if self.name == "negative" else "not", operands[0])
        if len(operands) == 2:
            return Binary(self.symbol, *operands)  # type: ignore[arg-type]
        return Call(self.symbol, operands)


def lanewise(function: Callable[..., Any]) -> Callable[..., Any]:
    """An intrinsic that is defined on numpy scalars, on arrays."""
    return lambda x: np.vectorize(lambda lane: function(x.dtype.type(lane)), otypes=[x.dtype])(x)


OPERATORS = {
    entry.name: entry
    for entry in (
        *(Operator(name, "elementwise", symbol, getattr(np, name)) for name, symbol in {
            "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//",
            "remainder": "%", "maximum": "max", "minimum": "min", "less": "<", "less_equal": "<=",
            "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=", "logical_and": "and",
            "logical_or": "or", "logical_not": "not", "negative": "-", "exp": "exp", "tanh": "tanh",
            "sqrt": "sqrt", "abs": "abs", "where": "",
        }.items()),
        Operator("sigmoid", "elementwise", "sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        Operator("gelu", "elementwise", "gelu", lanewise(gelu)),
        Operator("cast", "elementwise"),
        Operator("copy", "elementwise"),
        Operator("sum", "reduction", "+", np.add.reduce),
        Operator("prod", "reduction", "*", np.multiply.reduce),
        Operator("max", "reduction", "max", np.maximum.reduce),
        Operator("min", "reduction", "min", np.minimum.reduce),
        Operator("matmul", "matmul", "+", np.matmul),
        Operator("permute", "view"),
        Operator("reshape", "view"),
        Operator("broadcast", "view"),
        Operator("slice", "view"),
        Operator("parameter", "source"),
        Operator("literal", "source"),
        Operator("arange", "source"),
        Operator("extent", "source"),
    )
}  # fmt: skip

COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")


def widened(array: Any, dtype: DType) -> Any:
    """A numpy array as it is computed with: bf16, which numpy lacks, as float32."""
    stored = np.asarray(array)
    if dtype == bf16 and stored.dtype.name in ("uint16", "bfloat16"):
        return (stored.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return stored


def stored(array: Any, dtype: DType) -> Any:
    """The inverse of `widened`: what an array of `dtype` holds in memory."""
    wide = np.array(array, order="C")
    return (wide.view(np.uint32) >> 16).astype(np.uint16) if dtype == bf16 else wide.astype(dtype.storage)


def converted(array: Any, dtype: DType) -> Any:
    """`array` rounded to `dtype`, as `widened` gives it."""
    if dtype != bf16:
        return array.astype(bool if dtype == boolean else dtype.storage)
    bits = np.asarray(array, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(array), np.float32(np.nan), rounded.view(np.float32))


def panels(matrix: Any, width: int) -> Any:
    """A (k, n) matrix as [ceil(n / width), k, width], the last panel filled up with zeros."""
    k, n = matrix.shape
    padded = np.zeros((k, -(-n // width) * width), matrix.dtype)
    padded[:, :n] = matrix
    return np.ascontiguousarray(padded.reshape(k, -1, width).transpose(1, 0, 2))
