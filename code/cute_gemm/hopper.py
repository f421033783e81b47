# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""silu(A @ B) for sm_90a: the TMA copies tiles, wgmma reads them from shared memory.

A is (M, K), B is (N, K) and C is (M, N), halves; the sums are float32. M and N are multiples of 128, K of 64.
Two warp groups make a tile of 128 x 128. One buffer per operand: copies and products take turns.
"""

import cutlass
import cutlass.cute as cute
from cutlass.cute.nvgpu import OperandMajorMode, cpasync, warpgroup
from cutlass.cute.nvgpu.warpgroup import OperandSource, SmemLayoutAtomKind

TILE = (128, 128, 64)
THREADS = 256
BYTES = 2 * TILE[2] * (TILE[0] + TILE[1])  # of a tile of A and one of B


@cute.kernel
def tile(copy_A: cute.CopyAtom, A: cute.Tensor, copy_B: cute.CopyAtom, B: cute.Tensor,
         C: cute.Tensor, mma: cute.TiledMma,
         layout_A: cute.ComposedLayout, layout_B: cute.ComposedLayout):  # fmt: skip
    """One block makes one tile of C."""
    thread, _, _ = cute.arch.thread_idx()
    warp = cute.arch.make_warp_uniform(cute.arch.warp_idx())
    row, column, _ = cute.arch.block_idx()
    gA = cute.local_tile(A, (TILE[0], TILE[2]), (row, None))
    gB = cute.local_tile(B, (TILE[1], TILE[2]), (column, None))
    gC = cute.local_tile(C, (TILE[0], TILE[1]), (row, column))
    memory = cutlass.memory.SmemAllocator()
    sA = memory.allocate_tensor(cutlass.Float16, layout_A.outer, 1024, layout_A.inner)
    sB = memory.allocate_tensor(cutlass.Float16, layout_B.outer, 1024, layout_B.inner)
    full = memory.allocate_array(cutlass.Int64, 1)
    one = cute.make_layout(1)
    to_A, from_A = cpasync.tma_partition(
        copy_A, 0, one, cute.group_modes(sA, 0, 2), cute.group_modes(gA, 0, 2)
    )
    to_B, from_B = cpasync.tma_partition(
        copy_B, 0, one, cute.group_modes(sB, 0, 2), cute.group_modes(gB, 0, 2)
    )
    if thread == 0:
        cute.arch.mbarrier_init(full, 1)
    cute.arch.mbarrier_init_fence()
    cute.arch.barrier()

    mine = mma.get_slice(thread)
    sums = mma.make_fragment_C(mine.partition_shape_C((TILE[0], TILE[1])))
    sums.fill(0.0)
    rA = mma.make_fragment_A(mine.partition_A(sA))
    rB = mma.make_fragment_B(mine.partition_B(sB))
    mma.set(warpgroup.Field.ACCUMULATE, True)
    for k in cutlass.range(cute.size(gA, mode=[2]), unroll=1):
        if warp == 0:
            with cute.arch.elect_one():
                cute.arch.mbarrier_arrive_and_expect_tx(full, BYTES)
            cute.copy(copy_A, from_A[None, k], to_A, tma_bar_ptr=full)
            cute.copy(copy_B, from_B[None, k], to_B, tma_bar_ptr=full)
        cute.arch.mbarrier_wait(full, k % 2)
        warpgroup.fence()
        cute.gemm(mma, sums, rA, rB, sums)
        warpgroup.commit_group()
        warpgroup.wait_group(0)
        cute.arch.barrier()

    half = 0.5 * sums.load()
    silu = cute.make_rmem_tensor_like(sums, cutlass.Float16)
    silu.store((half + half * cute.math.tanh(half, fastmath=True)).to(cutlass.Float16))
    cute.autovec_copy(silu, mine.partition_C(gC))


@cute.jit
def product(A: cute.Tensor, B: cute.Tensor, C: cute.Tensor,
            order: cutlass.Constexpr = (1, 0)):  # fmt: skip
    """Chooses the layouts and launches a block per tile.

    `order` says along which side of B's tile its swizzled pieces come first.
    """
    operation = warpgroup.MmaF16BF16Op(
        cutlass.Float16, cutlass.Float32, (64, TILE[1], 16),
        OperandSource.SMEM, OperandMajorMode.K, OperandMajorMode.MN,
    )  # fmt: skip
    mma = cute.make_tiled_mma(operation, (2, 1, 1))
    rows = warpgroup.make_smem_layout_atom(SmemLayoutAtomKind.K_SW128, cutlass.Float16)
    columns = warpgroup.make_smem_layout_atom(SmemLayoutAtomKind.MN_SW128, cutlass.Float16)
    layout_A = cute.tile_to_shape(rows, (TILE[0], TILE[2]), (0, 1))
    layout_B = cute.tile_to_shape(columns, (TILE[1], TILE[2]), order)
    print(mma, layout_A, layout_B, sep="\n")
    tma = cpasync.CopyBulkTensorTileG2SOp()
    copy_A, at_A = cpasync.make_tiled_tma_atom(tma, A, layout_A, (TILE[0], TILE[2]))
    copy_B, at_B = cpasync.make_tiled_tma_atom(tma, B, layout_B, (TILE[1], TILE[2]))
    blocks = (cute.size(C, mode=[0]) // TILE[0], cute.size(C, mode=[1]) // TILE[1], 1)
    kernel = tile(copy_A, at_A, copy_B, at_B, C, mma, layout_A, layout_B)
    kernel.launch(grid=blocks, block=(THREADS, 1, 1))
