"""What the Block costs by arithmetic alone: the floor that no compiler can go below."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from the_block.sizes import Size
from the_block.tensors import PARAMETERS, SHAPES


@dataclass(frozen=True)
class Cost:
    """FLOPs of the matrix products (a multiplication and an addition are two), and the bytes that must
    move if every argument is read once, the result written once and nothing else touches memory.
    """

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """FLOPs per byte."""
        return self.flops / self.bytes


def cost(function: Callable[..., Any] | str, size: Size, itemsize: int = 4) -> Cost:
    """The cost of one of the Block's functions for elements of `itemsize` bytes.

    Attention counts the full square of scores, as compilers compute it; a norm has no matrix product and
    counts four operations per element (square, add, divide, scale).
    """
    name = function if isinstance(function, str) else function.__name__
    t, w, h = size.tokens, size.width, size.hidden
    attention = 2 * (4 * t * w * w + 2 * t * t * w)
    mlp = 2 * (2 * t * w * h)
    flops = {"rmsnorm": 4 * t * w, "attention": attention, "mlp": mlp, "block": attention + mlp}[name]
    elements = t * w + sum(math.prod(SHAPES[parameter](size)) for parameter in PARAMETERS[name])
    return Cost(flops, itemsize * elements)
