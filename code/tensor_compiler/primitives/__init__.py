"""The primitives of a schedule: functions from a loop function to one that does the same.

Each refuses, with `Refused`, what it does not know to be right. Their arguments besides the function are
numbers, strings and lists of them, so that a step of a schedule is data.
"""

from __future__ import annotations

from collections.abc import Callable

from tensor_compiler.primitives.annotate import parallel, unroll, vectorize
from tensor_compiler.primitives.cache import cache_read, cache_write
from tensor_compiler.primitives.compute_at import compute_at
from tensor_compiler.primitives.distribute import decompose_reduction, merge
from tensor_compiler.primitives.fuse import fuse
from tensor_compiler.primitives.hints import non_temporal, prefetch
from tensor_compiler.primitives.inline import inline
from tensor_compiler.primitives.online import online
from tensor_compiler.primitives.reorder import reorder
from tensor_compiler.primitives.replace_with import replace_with
from tensor_compiler.primitives.rfactor import rfactor
from tensor_compiler.primitives.split import split
from tensor_compiler.primitives.tile import tile
from tensor_compiler.primitives.trim import trim
from tensor_compiler.statement import Function

PRIMITIVES: dict[str, Callable[..., Function]] = {
    each.__name__: each
    for each in (
        split, fuse, reorder, tile, unroll, vectorize, parallel, cache_read, cache_write, compute_at, inline,
        merge, decompose_reduction, rfactor, online, trim, replace_with, non_temporal, prefetch,
    )
}  # fmt: skip
