"""The dtypes of buffers and values, and what each is for numpy and for C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class DType:
    """A type of numbers. `bf16` and `f16` are storage: they are loaded, stored and cast, never computed with.

    `storage` names the numpy dtype of an array of it; bf16, which numpy lacks, is stored as uint16.
    """

    name: str
    kind: Literal["float", "signed", "unsigned", "bool"]
    bytes: int
    storage: str
    c_type: str

    def __repr__(self) -> str:
        return self.name

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def computes(self) -> bool:
        """Whether arithmetic is defined on it."""
        return self.name not in ("bf16", "f16", "bool")

    def canonical(self, value: float) -> bool | int | float:
        """The Python number that this dtype holds for `value`. Raises ValueError if it holds none."""
        if self.kind == "bool":
            return bool(value)
        if self.is_float:
            if self.name == "bf16":
                return float(round_to_bf16(np.float32(value)))
            with np.errstate(over="ignore"):
                return float(np.dtype(self.storage).type(value))
        limits = np.iinfo(self.storage)
        if value != int(value) or not limits.min <= value <= limits.max:
            raise ValueError(f"{self.name} does not hold {value}")
        return int(value)


def round_to_bf16(value: np.float32) -> np.float32:
    """The nearest bfloat16, ties to even, as a float32 (its upper 16 bits)."""
    bits = int(np.float32(value).view(np.uint32))
    if bits & 0x7FFFFFFF > 0x7F800000:  # a NaN stays one: rounding up could carry it into infinity's bits
        return np.uint32(0x7FC00000).view(np.float32)
    return np.uint32((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)


f64 = DType("f64", "float", 8, "float64", "double")
f32 = DType("f32", "float", 4, "float32", "float")
f16 = DType("f16", "float", 2, "float16", "_Float16")
bf16 = DType("bf16", "float", 2, "uint16", "uint16_t")
s64 = DType("s64", "signed", 8, "int64", "int64_t")
s32 = DType("s32", "signed", 4, "int32", "int32_t")
s8 = DType("s8", "signed", 1, "int8", "int8_t")
u8 = DType("u8", "unsigned", 1, "uint8", "uint8_t")
boolean = DType("bool", "bool", 1, "bool", "uint8_t")

DTYPES = {dtype.name: dtype for dtype in (f64, f32, f16, bf16, s64, s32, s8, u8, boolean)}
