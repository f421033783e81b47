"""Attention: a block of query rows goes through both products and the softmax between them at once.

Dao, Fu, Ermon, Rudra and Re, FlashAttention, 2022, fuse the same; here the rows of scores of a block fit
L2, so that the softmax need not be online.
"""

from __future__ import annotations

from ..schedule import Schedule
from ..target import Target
from .matmul import accumulate, register_tile
from .nest import attempt, divisor, expect, length, nests, written
from .rows import fuse_rows


def attention(schedule: Schedule, target: Target) -> None:
    """The rule for product, rows, product."""
    found = nests(schedule)
    expect(schedule, len(found) > 3 and bool(found[0].reduced and found[-1].reduced), "attention")
    first, *between, weights, last = found
    *outer, i, j = last.loops
    keys = length(schedule, last.reduced[0])
    rows = divisor(length(schedule, i), target.caches[1] // 4 // (8 * keys))
    expect(schedule, rows > 1, "blocks of rows of attention")
    block, inner = schedule.split(i, rows)
    attempt(schedule.trim, last.reduced[0], block)
    schedule.compute_at(weights.loops[0], block, "scratch")
    row = weights.loops[-2]
    fuse_rows(schedule, target, between, row, block)
    schedule.compute_at(first.loops[0], block, "scratch")
    for product, loops in ((first, first.loops[-2:]), (last, (inner, j))):
        tile = register_tile(target, *(length(schedule, loop) for loop in loops))
        i_o, j_o, i_i, _ = schedule.tile(loops, tile)
        schedule.reorder(j_o, i_o)
        schedule.cache_write(written(schedule, i_i), i_o, "registers")
        accumulate(schedule, target, product, i_o, outer[-1] if outer else None, tile[1])
    schedule.parallel(outer[0] if outer else block)
