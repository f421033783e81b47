"""The primitives of a schedule: functions from a loop function to one that does the same.

Each refuses, with `Refused`, what it does not know to be right. Their arguments besides the function are
numbers, strings and lists of them, so that a step of a schedule is data.
"""

from __future__ import annotations

from collections.abc import Callable

from ..statement import Function
from .annotate import parallel, unroll, vectorize
from .cache import cache_read, cache_write
from .compute_at import compute_at
from .distribute import decompose_reduction, merge
from .fuse import fuse
from .hints import non_temporal, prefetch
from .inline import inline
from .online import online
from .reorder import reorder
from .replace_with import replace_with
from .rfactor import rfactor
from .split import split
from .tile import tile
from .trim import trim

PRIMITIVES: dict[str, Callable[..., Function]] = {
    each.__name__: each
    for each in (
        split, fuse, reorder, tile, unroll, vectorize, parallel, cache_read, cache_write, compute_at, inline,
        merge, decompose_reduction, rfactor, online, trim, replace_with, non_temporal, prefetch,
    )
}  # fmt: skip
