"""Layouts of tiles in registers: each element has a thread, and a register of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LANES = 32  # threads of a warp of NVIDIA


class Owners(NamedTuple):
    """For each element of a tile the thread that holds it, counted over all warps, and which register of it.

    Where a tile is smaller than its layout several threads hold an element; the first of them is given.
    """

    thread: np.ndarray
    register: np.ndarray


@dataclass(frozen=True)
class Blocked:
    """`#ttg.blocked`: a thread holds a small rectangle, a warp a rectangle of those, the warps another.

    All are extents along the tile's dimensions. `order` lists the dimensions from the one along which
    neighbours follow each other to the slowest. A tile that is larger than all threads together repeats.
    """

    size_per_thread: tuple[int, ...]
    threads_per_warp: tuple[int, ...]
    warps: tuple[int, ...]
    order: tuple[int, ...]

    def owners(self, shape: tuple[int, ...]) -> Owners:
        """The owner of each element of a tile of that shape."""
        rest = list(np.indices(shape))
        digits = []
        for extents in (self.size_per_thread, self.threads_per_warp, self.warps):
            digits.append([place % extent for place, extent in zip(rest, extents, strict=True)])
            rest = [place // extent for place, extent in zip(rest, extents, strict=True)]
        lanes = int(np.prod(self.threads_per_warp))
        lane = self._number(digits[1], self.threads_per_warp)
        warp = self._number(digits[2], self.warps)
        repeats = tuple(int(place.max()) + 1 for place in rest)
        own = self._number(digits[0], self.size_per_thread)
        register = own + self._number(rest, repeats) * int(np.prod(self.size_per_thread))
        return Owners(warp * lanes + lane, register)

    def _number(self, places: list[np.ndarray], extents: tuple[int, ...]) -> np.ndarray:
        """One number for each tuple of places, which counts along `order`."""
        number, stride = np.zeros_like(places[0]), 1
        for dimension in self.order:
            number = number + places[dimension] * stride
            stride *= extents[dimension]
        return number


@dataclass(frozen=True)
class TensorCore:
    """`#ttg.nvidia_mma` of version 2: the result of `mma.m16n8`, as the tensor cores of sm_80 deliver it.

    Eight rows of four threads that hold two neighbours each, and the same again eight rows below. `warps`
    are their numbers along rows and columns. See NVIDIA's PTX manual, matrix fragments for mma.m16n8k16.
    """

    warps: tuple[int, int]

    def owners(self, shape: tuple[int, int]) -> Owners:
        """The owner of each element of a tile of that shape."""
        row, column = np.indices(shape)
        lane = row % 8 * 4 + column % 8 // 2
        warp = row // 16 % self.warps[0] * self.warps[1] + column // 8 % self.warps[1]
        repeat_row, repeat_column = row // (16 * self.warps[0]), column // (8 * self.warps[1])
        repeat = repeat_row * (int(repeat_column.max()) + 1) + repeat_column
        return Owners(warp * LANES + lane, column % 2 + row // 8 % 2 * 2 + 4 * repeat)
