"""One query against many keys: split the keys, so that more programs can work, and merge.

Dao, Haziza, Massa and Sizov, Flash-Decoding for long-context inference, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from tiled_attention.machine import Array
from tiled_attention.partial import Partial, attend, merge


def split(q: Array, k: Array, v: Array, splits: int) -> list[Partial]:
    """Attention of `q` to each of `splits` parts of the keys, as equal as can be."""
    parts = zip(np.array_split(k, splits), np.array_split(v, splits), strict=True)
    return [attend(q, keys, values) for keys, values in parts if len(keys)]


def combined(parts: Sequence[Partial]) -> Array:
    """Attention to the keys of all parts."""
    return reduce(merge, parts).result


def moved_by_split(keys: int, width: int, splits: int) -> int:
    """Numbers that one query moves: keys and values once, the query for each part, the result.

    With more than one part, each writes its weighted values, maximum and sum, and the merge reads them.
    """
    partial = 2 * splits * (width + 2) if splits > 1 else 0
    return 2 * keys * width + splits * width + width + partial


def waves(programs: int, multiprocessors: int) -> int:
    """How many times all multiprocessors take a program, the last time perhaps not all of them."""
    return math.ceil(programs / multiprocessors)


def modelled_time(keys: int, heads: int, splits: int, multiprocessors: int, start: int = 64) -> float:
    """Time in keys that one multiprocessor passes: each wave has its start.

    `start` is what beginning a program costs, merging included. The model knows no
    shared bandwidth.
    """
    return waves(heads * splits, multiprocessors) * (math.ceil(keys / splits) + start)
