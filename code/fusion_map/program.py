"""A compiled program: its fusion map, the memory that it needs, and how to run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fusion_map.operation import FusionMap

Function = Callable[..., Any]
Arrays = Sequence[np.ndarray]


@dataclass(frozen=True)
class Program:
    """One function through one compiler.

    `fusion` is None where sizes are symbols. `temporaries` are the bytes between arguments and results that
    the compiler's own memory plan asks for, -1 where it depends on sizes. `place` moves NumPy arrays to where
    the program wants them, `run` computes on those and waits.
    """

    compiler: str
    fusion: FusionMap | None
    temporaries: int
    place: Callable[[np.ndarray], Any] = field(repr=False)
    run: Callable[..., Any] = field(repr=False)

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """The result at `arrays`, as a NumPy array."""
        return np.asarray(self.bound(arrays)())

    def bound(self, arrays: Arrays) -> Callable[[], Any]:
        """The call with its arguments in place: what a clock is held to."""
        placed = [self.place(array) for array in arrays]
        return lambda: self.run(*placed)
