# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The product in Gluon for sm_100: sums lie in tensor memory, the matrix unit itself reports to barriers."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.blackwell import (
    TensorMemoryLayout,
    allocate_tensor_memory,
    get_tmem_reg_layout,
    tcgen05_mma,
)
from triton.experimental.gluon.language.nvidia.hopper import mbarrier

from gpu_matmul.ring import allocate_barriers, allocate_tiles, fill, write


@gluon.jit
def tensor_memory_kernel(a, b, c, K, STAGES: gl.constexpr):
    """One program makes one tile of c; a slot is refilled when the matrix unit has read it."""
    shape: gl.constexpr = c.block_type.shape
    depth: gl.constexpr = a.block_type.shape[1]
    memory: gl.constexpr = TensorMemoryLayout(shape, col_stride=1)
    registers: gl.constexpr = get_tmem_reg_layout(gl.float32, shape, memory, gl.num_warps())
    row = gl.program_id(0) * shape[0]
    column = gl.program_id(1) * shape[1]
    a_tiles, b_tiles = allocate_tiles(a, b, STAGES)
    ready = allocate_barriers(STAGES)
    empty = allocate_barriers(STAGES)
    total = allocate_tensor_memory(gl.float32, shape, memory)
    steps = gl.cdiv(K, depth)
    for i in gl.static_range(STAGES - 1):
        fill(a, b, a_tiles, b_tiles, ready, i, row, column, i * depth, i < steps)
    for step in range(steps):
        ahead = step + STAGES - 1
        refill = ahead % STAGES  # the slot that the step before this one multiplies from
        mbarrier.wait(empty.index(refill), (step - 1) // STAGES & 1, pred=step > 0)
        k = ahead * depth
        fill(a, b, a_tiles, b_tiles, ready, refill, row, column, k, ahead < steps)
        slot = step % STAGES
        mbarrier.wait(ready.index(slot), step // STAGES & 1)
        a_tile, b_tile = a_tiles.index(slot), b_tiles.index(slot)
        tcgen05_mma(a_tile, b_tile, total, use_acc=step > 0, mbarriers=[empty.index(slot)])
    last = steps - 1
    mbarrier.wait(empty.index(last % STAGES), last // STAGES & 1)
    write(c, row, column, total.load(registers).to(c.dtype))
