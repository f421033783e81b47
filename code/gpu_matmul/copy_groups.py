# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The product in Gluon for sm_80: threads copy tiles into shared memory and do not wait for them."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.ampere import async_copy, mma_v2


@gluon.jit
def copy_tile(tile, source, row, column, width, LAYOUT: gl.constexpr, inside):
    """Begin to copy the tile at (row, column) of a matrix that is `width` wide; nothing where not inside."""
    m = row + gl.arange(0, tile.shape[0], layout=gl.SliceLayout(1, LAYOUT))
    n = column + gl.arange(0, tile.shape[1], layout=gl.SliceLayout(0, LAYOUT))
    pointers = source + m[:, None] * width + n[None, :]
    async_copy.async_copy_global_to_shared(tile, pointers, mask=inside)


@gluon.jit
def copy_groups_kernel(
    a, b, c, N, K, ROWS: gl.constexpr, COLUMNS: gl.constexpr, DEPTH: gl.constexpr, STAGES: gl.constexpr
):
    """One program makes ROWS x COLUMNS elements of c; STAGES - 1 steps of DEPTH are under way."""
    # 16 bytes per thread, and neighbouring threads along the rows.
    left: gl.constexpr = gl.BlockedLayout([1, 8], [256 // DEPTH, DEPTH // 8], [4, 1], [1, 0])
    right: gl.constexpr = gl.BlockedLayout([1, 8], [256 // COLUMNS, COLUMNS // 8], [4, 1], [1, 0])
    shared: gl.constexpr = gl.SwizzledSharedLayout(vec=8, per_phase=1, max_phase=8, order=[1, 0])
    mma: gl.constexpr = gl.NVMMADistributedLayout([2, 0], [2, 2], [16, 8])
    row = gl.program_id(0) * ROWS
    column = gl.program_id(1) * COLUMNS
    a_tiles = gl.allocate_shared_memory(gl.float16, [STAGES, ROWS, DEPTH], shared)
    b_tiles = gl.allocate_shared_memory(gl.float16, [STAGES, DEPTH, COLUMNS], shared)
    for i in gl.static_range(STAGES - 1):
        copy_tile(a_tiles.index(i), a, row, i * DEPTH, K, left, i * DEPTH < K)
        copy_tile(b_tiles.index(i), b, i * DEPTH, column, N, right, i * DEPTH < K)
        async_copy.commit_group()
    total = gl.zeros([ROWS, COLUMNS], gl.float32, layout=mma)
    steps = gl.cdiv(K, DEPTH)
    for step in range(steps):
        async_copy.wait_group(STAGES - 2)
        slot = step % STAGES
        a_part = a_tiles.index(slot).load(gl.DotOperandLayout(0, mma, 2))
        b_part = b_tiles.index(slot).load(gl.DotOperandLayout(1, mma, 2))
        ahead = step + STAGES - 1
        refill = ahead % STAGES
        copy_tile(a_tiles.index(refill), a, row, ahead * DEPTH, K, left, ahead < steps)
        copy_tile(b_tiles.index(refill), b, ahead * DEPTH, column, N, right, ahead < steps)
        async_copy.commit_group()
        total = mma_v2(a_part, b_part, total)
    async_copy.wait_group(0)
    m = row + gl.arange(0, ROWS, layout=gl.SliceLayout(1, right))
    n = column + gl.arange(0, COLUMNS, layout=gl.SliceLayout(0, right))
    result = gl.convert_layout(total.to(gl.float16), right)
    gl.store(c + m[:, None] * N + n[None, :], result)
