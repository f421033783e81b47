"""Functions that the tests of Inductor for CUDA capture: each step on a line of its own."""

from __future__ import annotations

import numpy as np
import torch


def scaled(x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    squares = torch.mean(x * x, -1, keepdim=True)
    root = torch.sqrt(squares + 1e-6)
    unit = x / root
    return unit * g


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    c = a @ b
    return torch.relu(c)


def numbered(x: torch.Tensor) -> torch.Tensor:
    return x + torch.arange(x.shape[-1])


def through_numpy(x: torch.Tensor) -> torch.Tensor:
    return np.sqrt(x)


def by_value(x: torch.Tensor) -> torch.Tensor:
    total = x.sum()
    if total > 0:
        return x * 2
    return x


def positive(x: torch.Tensor) -> torch.Tensor:
    return x[x > 0]


def bits(x: torch.Tensor) -> torch.Tensor:
    return torch.bitwise_and(x, x)


def added(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x + y
