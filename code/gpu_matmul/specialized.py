# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The product in Gluon for sm_90 with specialized warps: one warp only copies, four only multiply."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, warpgroup_mma, warpgroup_mma_wait

from gpu_matmul.ring import allocate_barriers, allocate_tiles, fill, write


@gluon.jit
def producer(a, b, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES: gl.constexpr):
    """Fill slot after slot, each as soon as it is empty; in the first round all are."""
    depth: gl.constexpr = a.block_type.shape[1]
    for step in range(steps):
        slot = step % STAGES
        mbarrier.wait(empty.index(slot), (step // STAGES & 1) ^ 1)
        fill(a, b, a_tiles, b_tiles, ready, slot, row, column, step * depth, True)


@gluon.jit
def consumer(c, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES: gl.constexpr):
    """Multiply from slot after slot, each as soon as it is ready, and declare it empty."""
    shape: gl.constexpr = c.block_type.shape
    warps: gl.constexpr = gl.num_warps()
    mma: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [warps, 1], [16, shape[1], 16])
    total = gl.zeros(shape, gl.float32, layout=mma)
    for step in range(steps):
        slot = step % STAGES
        mbarrier.wait(ready.index(slot), step // STAGES & 1)
        total = warpgroup_mma(a_tiles.index(slot), b_tiles.index(slot), total, is_async=True)
        total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
        mbarrier.arrive(empty.index(slot), count=1)
    write(c, row, column, total.to(c.dtype))


@gluon.jit
def specialized_kernel(a, b, c, K, STAGES: gl.constexpr):
    """One program makes one tile of c; the producer's warp leaves registers to the consumer's."""
    row = gl.program_id(0) * c.block_type.shape[0]
    column = gl.program_id(1) * c.block_type.shape[1]
    a_tiles, b_tiles = allocate_tiles(a, b, STAGES)
    ready = allocate_barriers(STAGES)
    empty = allocate_barriers(STAGES)
    steps = gl.cdiv(K, a.block_type.shape[1])
    gl.warp_specialize(
        [
            (consumer, (c, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES)),
            (producer, (a, b, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES)),
        ],
        [1],  # warps of the producer; the consumer has those of the launch
        [24],  # registers per thread of the producer
    )
