"""Attention to a part of the keys, and how two parts become one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiled_attention.forward import scale
from tiled_attention.machine import Array


@dataclass(frozen=True)
class Partial:
    """For each query: the maximum of its scores, the sum of exp(score - maximum), and the sum of the values
    weighted by the same exponentials. Shapes (tokens, 1), (tokens, 1), (tokens, width).
    """

    maximum: Array
    sum: Array
    weighted: Array

    @property
    def result(self) -> Array:
        """What attention gives if there are no other keys."""
        return self.weighted / self.sum


def attend(q: Array, k: Array, v: Array) -> Partial:
    """Attention of `q` to the keys `k` with the values `v`."""
    scores = q @ k.T * scale(q)
    maximum = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - maximum)
    return Partial(maximum, weights.sum(axis=1, keepdims=True), weights @ v)


def merge(a: Partial, b: Partial) -> Partial:
    """Attention to the keys of both parts: exact, in whatever order parts are merged."""
    maximum = np.maximum(a.maximum, b.maximum)
    of_a, of_b = np.exp(a.maximum - maximum), np.exp(b.maximum - maximum)
    weighted = of_a * a.weighted + of_b * b.weighted
    return Partial(maximum, of_a * a.sum + of_b * b.sum, weighted)
