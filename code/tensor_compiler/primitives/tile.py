"""tile: loops that are directly in each other are split, and the outer halves move out.

    for i in serial(64): for j in serial(64): S(i, j)
    -> for i_o in serial(8): for j_o in serial(4): for i_i in serial(8): for j_i in serial(16): S(...)

The preconditions are those of the splits and of the reorder that it is made of, and so is what it preserves.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..statement import Function
from .reorder import reorder
from .split import split


def tile(function: Function, loops: Sequence[str], factors: Sequence[int], trust: bool = False) -> Function:
    """Split each of `loops`, outermost first, by its factor into `loop_o` and `loop_i`, blocks outside."""
    if len(loops) != len(factors):
        raise ValueError(f"{len(loops)} loops and {len(factors)} factors: name one factor for each loop")
    for loop, factor in zip(loops, factors, strict=True):
        function = split(function, loop, factor, outer=f"{loop}_o", inner=f"{loop}_i")
    return reorder(function, [f"{loop}_o" for loop in loops] + [f"{loop}_i" for loop in loops], trust)
