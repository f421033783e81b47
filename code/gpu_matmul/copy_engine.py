# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The product in Gluon for sm_90: a copy engine fills a ring of slots, a warp group multiplies from it."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, warpgroup_mma, warpgroup_mma_wait

from gpu_matmul.ring import allocate_barriers, allocate_tiles, fill, write


@gluon.jit
def copy_engine_kernel(a, b, c, K, STAGES: gl.constexpr):
    """One program makes one tile of c; STAGES - 1 steps are copied ahead of the products."""
    depth: gl.constexpr = a.block_type.shape[1]
    shape: gl.constexpr = c.block_type.shape
    warps: gl.constexpr = gl.num_warps()
    mma: gl.constexpr = gl.NVMMADistributedLayout([3, 0], [warps, 1], [16, shape[1], 16])
    row = gl.program_id(0) * shape[0]
    column = gl.program_id(1) * shape[1]
    a_tiles, b_tiles = allocate_tiles(a, b, STAGES)
    ready = allocate_barriers(STAGES)
    steps = gl.cdiv(K, depth)
    for i in gl.static_range(STAGES - 1):
        fill(a, b, a_tiles, b_tiles, ready, i, row, column, i * depth, i < steps)
    total = gl.zeros(shape, gl.float32, layout=mma)
    for step in range(steps):
        slot = step % STAGES
        mbarrier.wait(ready.index(slot), step // STAGES & 1)
        total = warpgroup_mma(a_tiles.index(slot), b_tiles.index(slot), total, is_async=True)
        total = warpgroup_mma_wait(num_outstanding=1, deps=(total,))
        ahead = step + STAGES - 1
        refill = ahead % STAGES  # the slot of the step before, whose product is done
        k = ahead * depth
        fill(a, b, a_tiles, b_tiles, ready, refill, row, column, k, ahead < steps)
    total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
    write(c, row, column, total.to(c.dtype))
