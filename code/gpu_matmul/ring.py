# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""What the rungs with a copy engine share: a ring of slots in shared memory, each with its barriers."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import fence_async_shared, mbarrier, tma


@gluon.jit
def allocate_tiles(a, b, STAGES: gl.constexpr):
    """STAGES slots for a tile of a, and for one of b; Gluon's Python has no starred lists."""
    a_tiles = gl.allocate_shared_memory(a.dtype, [STAGES] + a.block_type.shape, a.layout)  # noqa: RUF005
    b_tiles = gl.allocate_shared_memory(b.dtype, [STAGES] + b.block_type.shape, b.layout)  # noqa: RUF005
    return a_tiles, b_tiles


@gluon.jit
def allocate_barriers(STAGES: gl.constexpr):
    """One barrier per slot; a phase of it ends with one arrival and the bytes that it announced."""
    barriers = mbarrier.allocate_mbarrier(batch=STAGES)
    for i in gl.static_range(STAGES):
        mbarrier.init(barriers.index(i), count=1)
    return barriers


@gluon.jit
def fill(a, b, a_tiles, b_tiles, ready, slot, row, column, k, pred):
    """Begin to copy the tiles at depth k into a slot, which is ready when both are there."""
    barrier = ready.index(slot)
    mbarrier.expect(barrier, a.block_type.nbytes + b.block_type.nbytes, pred=pred)
    tma.async_copy_global_to_shared(a, [row, k], barrier, a_tiles.index(slot), pred=pred)
    tma.async_copy_global_to_shared(b, [k, column], barrier, b_tiles.index(slot), pred=pred)


@gluon.jit
def write(c, row, column, result):
    """Write a tile of c through shared memory, by the copy engine."""
    tile = gl.allocate_shared_memory(c.dtype, c.block_type.shape, c.layout, result)
    fence_async_shared()
    tma.async_copy_shared_to_global(c, [row, column], tile)
    tma.store_wait(0)
