"""A machine with a large memory and a small one on the chip, that counts instead of hurrying."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Machine:
    """Numbers read from memory and written to it, and operations on the chip by kind.

    What `load` gives lies on the chip. A product of (m, k) and (k, n) counts 2 m k n operations of the
    kind "matmul"; every other operation counts one per number that it makes, a reduction one per number
    that it takes.
    """

    reads: int = 0
    writes: int = 0
    operations: Counter[str] = field(default_factory=Counter)

    @property
    def moved(self) -> int:
        """Numbers that crossed between memory and chip."""
        return self.reads + self.writes

    @property
    def besides_products(self) -> int:
        """Operations that are no part of a matrix product."""
        return self.operations.total() - self.operations["matmul"]

    def load(self, array: Array) -> Array:
        """A copy on the chip."""
        self.reads += array.size
        return array.copy()

    def store(self, place: Array, values: Array) -> None:
        """Write `values` to `place` in memory."""
        self.writes += values.size
        place[...] = values

    def matmul(self, a: Array, b: Array) -> Array:
        """The product, on the chip."""
        self.operations["matmul"] += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        result: Array = a @ b
        return result

    def each(self, name: str, *operands: Array) -> Array:
        """The NumPy function `name` for each number, such as "exp", "multiply" or "maximum"."""
        result: Array = getattr(np, name)(*operands)
        self.operations[name] += result.size
        return result

    def rows(self, name: str, array: Array) -> Array:
        """Each row of `array` reduced by `name`, "max" or "sum", to a column."""
        self.operations[name] += array.size
        result: Array = getattr(np, name)(array, axis=1, keepdims=True)
        return result
