"""Softmax with a number chosen beforehand in the place of the maximum.

Hong et al., FlashDecoding++, 2024, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tiled_attention.machine import Array


@dataclass(frozen=True)
class OneMaximum:
    """`constant` is taken off every score; exponentials are made in `dtype`.

    A query falls back to its own maximum if one of its scores leaves the window
    `constant` + (`low`, `high`). Sums are kept in float32.
    """

    constant: float
    low: float
    high: float
    dtype: Any = np.float32

    def falls_back(self, scores: Array) -> Array:
        """Which queries do, for scores of shape (queries, keys): (queries, 1), bool."""
        shifted = scores - self.constant
        outside = (shifted <= self.low) | (shifted >= self.high)
        return np.asarray(outside.any(axis=1, keepdims=True))

    def __call__(self, scores: Array, v: Array, parts: int = 1) -> Array:
        """Softmax of (queries, keys) times values (keys, width), summed over `parts`."""
        own = scores.max(axis=1, keepdims=True)
        taken_off = np.where(self.falls_back(scores), own, self.constant)
        weights = np.exp((scores - taken_off).astype(self.dtype)).astype(np.float32)
        values = v.astype(np.float32)
        pieces = np.array_split(np.arange(len(v)), parts)
        total = sum(weights[:, piece] @ values[piece] for piece in pieces)
        sums = sum(weights[:, piece].sum(axis=1, keepdims=True) for piece in pieces)
        result: Array = np.asarray(total / sums)
        return result
