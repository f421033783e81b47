"""Twelve small functions on a tensor, each with one habit of Python that captures of graphs stumble over.

They lie in a file, since TorchScript reads their source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

SCALES = {"small": 0.5, "large": 2.0}
CALLS: list[int] = []


class Gate:
    """An object of the reader's own, with state."""

    def __init__(self) -> None:
        self.bias = 1.0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(x + self.bias)


GATE = Gate()


def straight(x: torch.Tensor) -> torch.Tensor:
    """Nothing but operations on tensors."""
    return torch.tanh(x * 2) + x


def shape_branch(x: torch.Tensor) -> torch.Tensor:
    """A branch on a size."""
    if x.shape[0] > 4:
        return x * 2
    return x


def value_branch(x: torch.Tensor) -> torch.Tensor:
    """A branch on numbers in a tensor."""
    if x.sum() > 0:
        return x * 2
    return x - 1


def value_loop(x: torch.Tensor) -> torch.Tensor:
    """A loop that ends when numbers in a tensor say so."""
    while x.abs().max() > 1:
        x = x / 2
    return x


def unpacked(*xs: torch.Tensor) -> torch.Tensor:
    """A variable number of arguments."""
    total = xs[0] * 0
    for each in xs:
        total = total + each
    return total


def comprehension(x: torch.Tensor) -> torch.Tensor:
    """A generator expression inside of a call."""
    return torch.stack([part * scale for part, scale in zip(x.unbind(), range(len(x)), strict=False)])


def dictionary(x: torch.Tensor) -> torch.Tensor:
    """A dictionary of the module, looked up by a string."""
    return x * SCALES["large"] + SCALES.get("none", 0.0)


def own_object(x: torch.Tensor) -> torch.Tensor:
    """A call of an object with state."""
    return GATE(x) * x


def closure(x: torch.Tensor) -> torch.Tensor:
    """A function that is made and called on the way."""

    def twice(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda y: function(function(y))

    return twice(torch.sin)(x)


def caught(x: torch.Tensor) -> torch.Tensor:
    """An exception that is raised and caught."""
    try:
        raise ValueError
    except ValueError:
        return x + 1


def counted(x: torch.Tensor) -> torch.Tensor:
    """A side effect: a list of the module grows by one at each call."""
    CALLS.append(1)
    return x * len(CALLS)


def through_numpy(x: torch.Tensor) -> torch.Tensor:
    """A detour through NumPy."""
    import numpy as np

    return torch.from_numpy(np.cumsum(x.numpy()))


PROGRAMS: tuple[Callable[..., Any], ...] = (
    straight,
    shape_branch,
    value_branch,
    value_loop,
    unpacked,
    comprehension,
    dictionary,
    own_object,
    closure,
    caught,
    counted,
    through_numpy,
)
