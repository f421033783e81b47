"""How far a product may lie from its oracle, by the model of `the_block.tolerance`."""

from __future__ import annotations

import math

from the_block.tolerance import SAFETY, UNIT_ROUNDOFF


def product_tolerance(depth: int, dtype: str) -> float:
    """For `depth` terms summed in float32 and stored in `dtype`; relative to the largest element."""
    return SAFETY * (math.sqrt(depth) * UNIT_ROUNDOFF["float32"] + UNIT_ROUNDOFF[dtype])
