"""A swizzle: bits of an offset, exclusive-or into lower ones."""

from __future__ import annotations

from dataclasses import dataclass

from layout_algebra.layout import IntTuple, Layout


@dataclass(frozen=True)
class Swizzle:
    """A permutation of offsets: `bits` bits, from position `base + shift` on, change those from `base` on.

    Runs of 2**base offsets stay together. Raises ValueError where changed bits would be among the changing
    ones.
    """

    bits: int
    base: int
    shift: int

    def __post_init__(self) -> None:
        if min(self.bits, self.base) < 0 or self.shift < self.bits:
            raise ValueError(
                f"{self} needs bits and base of at least 0 and a shift of at least {self.bits} bits"
            )

    def __call__(self, offset: int) -> int:
        mask = ((1 << self.bits) - 1) << self.base
        return offset ^ (offset >> self.shift & mask)

    def __str__(self) -> str:
        return f"S<{self.bits},{self.base},{self.shift}>"


@dataclass(frozen=True)
class Swizzled:
    """A swizzle after a layout: what no shape and stride can say."""

    swizzle: Swizzle
    layout: Layout

    def __call__(self, *coordinate: IntTuple) -> int:
        return self.swizzle(self.layout(*coordinate))

    def __str__(self) -> str:
        return f"{self.swizzle} o {self.layout}"
