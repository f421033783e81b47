"""Programs as data: a batch of square matrices goes through a list of named steps.

A value is a batch of matrices or of columns. Every step keeps numbers of ordinary size, so that a large
error means a wrong program and not an unlucky one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # of NumPy or JAX, or anything else with __array_namespace__
Apply = Callable[[Any, Array, Array], Array]  # namespace, value, input


@dataclass(frozen=True)
class Step:
    """One operation: the kind of value that it takes, that it gives, and how."""

    takes: str  # "matrices" or "columns"
    gives: str
    apply: Apply


def _each(takes: str, gives: str, **steps: Apply) -> dict[str, Step]:
    return {name: Step(takes, gives, apply) for name, apply in steps.items()}


def _constant_product(xp: Any, v: Array, x: Array) -> Array:
    return v @ xp.full_like(v, 1 / v.shape[-1])


def _soften(xp: Any, v: Array, x: Array) -> Array:
    return v / (1 + xp.abs(v))


STEPS: dict[str, Step] = (
    _each(
        "matrices",
        "matrices",
        halve=lambda xp, v, x: v * 0.5,
        soften=_soften,
        transpose=lambda xp, v, x: xp.matrix_transpose(v),
        add_input=lambda xp, v, x: v + x,
        times_input=lambda xp, v, x: v @ x / x.shape[-1],
        times_constant=_constant_product,
    )
    | _each(
        "matrices",
        "columns",
        sum_rows=lambda xp, v, x: xp.sum(v, axis=-1, keepdims=True),
        max_rows=lambda xp, v, x: xp.max(v, axis=-1, keepdims=True),
    )
    | _each("columns", "columns", soften_column=_soften)
    | _each("columns", "matrices", spread=lambda xp, v, x: v + x)
)


@dataclass(frozen=True)
class Program:
    """Steps on an input of shape (batch, side, side)."""

    batch: int
    side: int
    steps: tuple[str, ...]

    def __call__(self, x: Array) -> Array:
        """Run the steps on `x`, in the library that `x` belongs to."""
        xp, value = x.__array_namespace__(), x
        for step in self.steps:
            value = STEPS[step].apply(xp, value, x)
        return value

    def __str__(self) -> str:
        return f"{self.batch} x {self.side} x {self.side}: {', '.join(self.steps) or 'nothing'}"

    @property
    def fits(self) -> bool:
        """Whether each step takes what the one before it gives."""
        kind = "matrices"
        for step in self.steps:
            if STEPS[step].takes != kind:
                return False
            kind = STEPS[step].gives
        return True

    def input(self, dtype: Any = np.float32) -> np.ndarray:
        """A normal input, the same in every process."""
        shape = (self.batch, self.side, self.side)
        return np.random.default_rng(0).standard_normal(shape).astype(dtype)

    def error(self, compiled: Callable[[np.ndarray], Any]) -> float:
        """The largest error of `compiled` relative to the largest number that NumPy finds in float64.

        A result that is not finite is an infinite error.
        """
        x = self.input()
        expected = self(x.astype(np.float64))
        found = np.asarray(compiled(x)).astype(np.float64)
        if not np.isfinite(found).all():
            return float("inf")
        return float(np.abs(found - expected).max() / np.abs(expected).max())


def random_program(seed: int, longest: int = 6) -> Program:
    """A program of two to `longest` steps, of a shape between 1 x 16 x 16 and 4 x 64 x 64, by its seed."""
    random = np.random.default_rng(seed)
    batch, side = int(random.integers(1, 5)), int(random.choice([16, 32, 48, 64]))
    steps: list[str] = []
    kind = "matrices"
    for _ in range(random.integers(2, longest + 1)):
        step = str(random.choice([name for name, each in STEPS.items() if each.takes == kind]))
        steps.append(step)
        kind = STEPS[step].gives
    return Program(batch, side, tuple(steps))
