"""Attention in FP8: how numbers are rounded, and the rotation that hides outliers from the rounding.

Shah et al., FlashAttention-3, 2024, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np

from tiled_attention.forward import scale
from tiled_attention.machine import Array

E4M3 = ml_dtypes.float8_e4m3fn
LARGEST = 448.0  # the largest number of e4m3


def rounded(x: Array) -> Array:
    """Each number as its nearest FP8 number, in float32 again."""
    return x.astype(E4M3).astype(np.float32)


def with_scale(x: Array, block: int | None) -> Array:
    """Rounded to FP8, the largest number of each `block` of rows scaled to 448; None: of all rows."""
    result = np.empty_like(x)
    for row in range(0, len(x), block or len(x)):
        part = x[row : row + (block or len(x))]
        factor = np.abs(part).max() / LARGEST
        result[row : row + len(part)] = rounded(part / factor) * factor
    return result


def rotation(width: int, seed: int = 0) -> Array:
    """An orthogonal (width, width) matrix: a Hadamard matrix whose rows get random signs.

    `width` is a power of two. (q R) (k R)^T is q k^T, and no number of q R stands out.
    """
    if width < 1 or width & (width - 1):
        raise ValueError(f"a Hadamard matrix of side {width} is built for powers of two only")
    hadamard = np.ones((1, 1), np.float32)
    while len(hadamard) < width:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (width, 1))
    result: Array = (signs * hadamard / np.sqrt(width)).astype(np.float32)
    return result


@dataclass(frozen=True)
class Quantised:
    """Attention whose products take FP8: a scale per `block` rows, and rotated queries and keys."""

    block: int | None = 128
    incoherent: bool = True

    def __call__(self, q: Array, k: Array, v: Array) -> Array:
        """The result in float32 for (tokens, width) in float32. Sums are kept in float32."""
        if self.incoherent:
            turn = rotation(q.shape[1])
            q, k = q @ turn, k @ turn
        q, k, v = (with_scale(each, self.block) for each in (q, k, v))
        scores = q @ k.T * np.float32(scale(q))
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))  # 0 to 1: they need no scale
        result: Array = rounded(weights) @ v / weights.sum(axis=1, keepdims=True)
        return result


FULL = Quantised()
