"""The dtypes of buffers and values, and what each is for numpy and for C."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Literal

FORMATS = {"f64": "<d", "f32": "<f", "f16": "<e"}  # as the module struct names them
FLOATS = {"f64": (52, 1023), "f32": (23, 127), "f16": (10, 15), "bf16": (7, 127)}  # fraction bits, exponent


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

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest finite number."""
        if self.is_float:
            bits, exponent = FLOATS[self.name]
            return -(2 - 2.0**-bits) * 2.0**exponent, (2 - 2.0**-bits) * 2.0**exponent
        values, signed = 1 << 8 * self.bytes, self.kind == "signed"
        return (-values // 2, values // 2 - 1) if signed else (0, values - 1)

    def canonical(self, value: float) -> bool | int | float:
        """The Python number that this dtype holds for `value`. Raises ValueError if it holds none."""
        if self.kind == "bool":
            return bool(value)
        if self.name == "bf16":
            return round_to_bf16(value)
        if self.is_float:
            return rounded(value, FORMATS[self.name])
        if value != int(value) or not self.limits[0] <= value <= self.limits[1]:
            raise ValueError(f"{self.name} does not hold {value}")
        return int(value)

    def digits(self, value: float) -> str:
        """`value` with the fewest digits that tell it apart from the other numbers of this dtype."""
        if self.name != "f32" or not math.isfinite(value):
            return str(value)
        tried = (repr(float(f"{value:.{count}g}")) for count in range(1, 10))
        return next(text for text in tried if self.canonical(float(text)) == value)

    def neutral(self, operator: str) -> float:
        """What a reduction by `operator` starts from."""
        least, greatest = (-math.inf, math.inf) if self.is_float else self.limits
        return {"+": 0, "*": 1, "max": least, "min": greatest}[operator]


def rounded(value: float, layout: str) -> float:
    """The nearest number of a format of the module struct, ties to even."""
    try:
        return float(struct.unpack(layout, struct.pack(layout, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def round_to_bf16(value: float) -> float:
    """The nearest bfloat16, ties to even: the upper 16 bits of the float32."""
    single = rounded(value, "<f")
    if not math.isfinite(single):  # rounding up could carry the bits of a NaN into infinity's
        return single
    (bits,) = struct.unpack("<I", struct.pack("<f", single))
    upper = bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000
    return float(struct.unpack("<f", struct.pack("<I", upper))[0])


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
