"""Rows: reductions along the last axis and what comes before and after them, row after row.

What a row needs stays in registers and in L1: only the inputs and the outputs go through memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..expression import Binary, Buffer, Call, Constant, Scope
from ..legality import extent
from ..schedule import Schedule
from ..statement import Reduce
from ..target import Target
from ..traversal import expressions, find_loop, writes
from .nest import Nest, attempt, expect, inside, length, nests

CHAINS = 4  # vectors of partial results: enough to hide the latency of an addition
ON_STACK = 1 << 16  # bytes of a row


def rows(schedule: Schedule, target: Target) -> None:
    """The rule for rows, and for element-wise stages, which are rows without a reduction."""
    found = nests(schedule)
    expect(schedule, bool(found), "rows")
    *before, last = found
    row = last.loops[-1:] if last.reduced else last.loops[-2:-1]
    expect(schedule, bool(row), "rows")
    fuse_rows(schedule, target, before, row[0])
    if large(last.buffer, target):
        for buffer in schedule.function.buffers:
            if buffer != last.buffer and large(buffer, target):
                fetch_ahead(schedule, target, buffer, row[0])
        attempt(schedule.non_temporal, last.buffer.name, row[0])
    attempt(schedule.parallel, last.loops[0])


def fuse_rows(schedule: Schedule, target: Target, before: Sequence[Nest], row: str, block: str = "") -> None:
    """Compute the nests `before` in the loop `row`: a cheap one at each use, the others once for each row.

    Reductions end where a mask leaves nothing to add in all rows of `block`.
    """
    for nest in reversed(before):
        if not (cheap(nest) and attempt(schedule.inline, nest.buffer.name)):
            schedule.compute_at(nest.loops[0], row, scope_of_row(nest.buffer))
            if nest.reduced and block:
                attempt(schedule.trim, nest.reduced[0], block)
    for name in inside(schedule, row):
        vectorize_row(schedule, name, target)


def fetch_ahead(schedule: Schedule, target: Target, buffer: Buffer, row: str) -> None:
    """Fetch the next row of `buffer` in the last pass over this one, if a row is long: between short ones the
    processor goes on by itself.
    """
    if target.caches[0] // 2 <= row_bytes(buffer) < math.inf:
        width = int(row_bytes(buffer)) // buffer.dtype.bytes
        for loop in reversed(inside(schedule, row)):
            if attempt(schedule.prefetch, buffer.name, loop, width):
                return


def scope_of_row(buffer: Buffer) -> Scope:
    """Where a row of `buffer` lives: one element in a register."""
    if row_bytes(buffer) == buffer.dtype.bytes:
        return "registers"
    return "stack" if row_bytes(buffer) <= ON_STACK else "scratch"


def row_bytes(buffer: Buffer) -> float:
    """Bytes of a row; infinite if that is not known."""
    width = buffer.shape[-1] if buffer.shape else Constant(1)
    return int(width.value) * buffer.dtype.bytes if isinstance(width, Constant) else math.inf


def cheap(nest: Nest) -> bool:
    """Whether an element costs no more than to load it: nothing is reduced, called or divided."""
    return not nest.reduced and not any(
        isinstance(part, Call) or (isinstance(part, Binary) and part.operator in ("/", "//", "%"))
        for part in expressions(nest.update.value)
    )


def vectorize_row(schedule: Schedule, name: str, target: Target) -> None:
    """Vectorize a loop along the row; one that reduces gets several partial results first."""
    parts = [name]
    width = math.gcd(length(schedule, name), CHAINS * target.lanes)
    loop = find_loop(schedule.function, name)[1]
    if isinstance(next(writes(loop)), Reduce):
        if width >= target.lanes:
            start, _, *parts = schedule.rfactor(name, width, "registers")
            parts.append(start)
    elif extent(loop) is None:
        _, *parts = schedule.split(name, width)
    for part in parts:
        attempt(schedule.vectorize, part)


def large(buffer: Buffer, target: Target) -> bool:
    """Whether a tensor is far larger than the cache of a core, so that nothing of it is there when needed."""
    extents = [int(extent.value) for extent in buffer.shape if isinstance(extent, Constant)]
    return math.prod(extents) * buffer.dtype.bytes > 2 * target.caches[1]
