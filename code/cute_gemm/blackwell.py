# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""silu(A @ B) for sm_100a: the TMA copies tiles, tcgen05 multiplies them into tensor memory.

A is (M, K), B is (N, K) and C is (M, N), halves; the sums are float32. M and N are multiples of 128, K of 64.
Four warps make a tile of 128 x 128; one of them issues everything. One buffer per operand.
"""

import cutlass
import cutlass.cute as cute
from cutlass.cute.nvgpu import OperandMajorMode, cpasync, tcgen05
from cutlass.cute.nvgpu.tcgen05 import CtaGroup, OperandSource, SmemLayoutAtomKind

TILE = (128, 128, 64)
THREADS = 128
BYTES = 2 * TILE[2] * (TILE[0] + TILE[1])  # of a tile of A and one of B


@cute.kernel
def tile(copy_A: cute.CopyAtom, A: cute.Tensor, copy_B: cute.CopyAtom, B: cute.Tensor,
         C: cute.Tensor, mma: cute.TiledMma,
         layout_A: cute.ComposedLayout, layout_B: cute.ComposedLayout):  # fmt: skip
    """One block makes one tile of C."""
    thread, _, _ = cute.arch.thread_idx()
    warp = cute.arch.make_warp_uniform(cute.arch.warp_idx())
    row, column, _ = cute.arch.block_idx()
    whole = mma.get_slice(0)
    gA = whole.partition_A(cute.local_tile(A, (TILE[0], TILE[2]), (row, None)))
    gB = whole.partition_B(cute.local_tile(B, (TILE[1], TILE[2]), (column, None)))
    gC = whole.partition_C(cute.local_tile(C, (TILE[0], TILE[1]), (row, column)))
    memory = cutlass.memory.SmemAllocator()
    sA = memory.allocate_tensor(cutlass.Float16, layout_A.outer, 1024, layout_A.inner)
    sB = memory.allocate_tensor(cutlass.Float16, layout_B.outer, 1024, layout_B.inner)
    full = memory.allocate_array(cutlass.Int64, 2)
    used, place = full + 1, memory.allocate_array(cutlass.Int32, 1)
    one = cute.make_layout(1)
    to_A, from_A = cpasync.tma_partition(
        copy_A, 0, one, cute.group_modes(sA, 0, 3), cute.group_modes(gA, 0, 3)
    )
    to_B, from_B = cpasync.tma_partition(
        copy_B, 0, one, cute.group_modes(sB, 0, 3), cute.group_modes(gB, 0, 3)
    )
    if thread == 0:
        cute.arch.mbarrier_init(full, 1)
        cute.arch.mbarrier_init(used, 1)
    if warp == 0:
        cute.arch.alloc_tmem(TILE[1], place)
    cute.arch.mbarrier_init_fence()
    cute.arch.barrier()
    columns = cute.arch.retrieve_tmem_ptr(cutlass.Float32, 16, place)
    shape = mma.partition_shape_C((TILE[0], TILE[1]))
    sums = cute.make_tensor(columns, mma.make_fragment_C(shape).layout)
    rA, rB = mma.make_fragment_A(sA), mma.make_fragment_B(sB)

    for k in cutlass.range(cute.size(gA, mode=[3]), unroll=1):
        if warp == 0:
            with cute.arch.elect_one():
                cute.arch.mbarrier_arrive_and_expect_tx(full, BYTES)
            cute.copy(copy_A, from_A[None, k], to_A, tma_bar_ptr=full)
            cute.copy(copy_B, from_B[None, k], to_B, tma_bar_ptr=full)
            cute.arch.mbarrier_wait(full, k % 2)
            for part in cutlass.range_constexpr(cute.size(rA, mode=[2])):
                mma.set(tcgen05.Field.ACCUMULATE, k + part != 0)
                cute.gemm(mma, sums, rA[None, None, part], rB[None, None, part], sums)
            with cute.arch.elect_one():
                tcgen05.commit(used)
        cute.arch.mbarrier_wait(used, k % 2)

    atom = cute.make_copy_atom(tcgen05.Ld32x32bOp(tcgen05.Repetition.x32), cutlass.Float32)
    load = tcgen05.make_tmem_copy(atom, sums)
    mine = load.get_slice(thread)
    my_C = mine.partition_D(gC)
    mine_sums = cute.make_rmem_tensor(my_C.shape, cutlass.Float32)
    silu = cute.make_rmem_tensor(my_C.shape, cutlass.Float16)
    cute.copy(load, mine.partition_S(sums), mine_sums)
    cute.arch.fence_view_async_tmem_load()
    half = 0.5 * mine_sums.load()
    silu.store((half + half * cute.math.tanh(half, fastmath=True)).to(cutlass.Float16))
    cute.autovec_copy(silu, my_C)
    cute.arch.barrier()
    if warp == 0:
        cute.arch.dealloc_tmem(columns, TILE[1])


@cute.jit
def product(A: cute.Tensor, B: cute.Tensor, C: cute.Tensor):
    """Chooses the layouts and launches a block per tile."""
    operation = tcgen05.MmaF16BF16Op(
        cutlass.Float16, cutlass.Float32, (TILE[0], TILE[1], 16), CtaGroup.ONE,
        OperandSource.SMEM, OperandMajorMode.K, OperandMajorMode.MN,
    )  # fmt: skip
    mma = cute.make_tiled_mma(operation)
    rows = tcgen05.make_smem_layout_atom(SmemLayoutAtomKind.K_SW128, cutlass.Float16)
    columns = tcgen05.make_smem_layout_atom(SmemLayoutAtomKind.MN_SW128, cutlass.Float16)
    shape_A = mma.partition_shape_A((TILE[0], TILE[2]))
    shape_B = mma.partition_shape_B((TILE[1], TILE[2]))
    layout_A = tcgen05.tile_to_mma_shape(rows, shape_A)
    layout_B = tcgen05.tile_to_mma_shape(columns, shape_B, (1, 0))
    print(mma, layout_A, layout_B, sep="\n")
    tma = cpasync.CopyBulkTensorTileG2SOp()
    copy_A, at_A = cute.nvgpu.make_tiled_tma_atom_A(tma, A, layout_A, TILE, mma)
    copy_B, at_B = cute.nvgpu.make_tiled_tma_atom_B(tma, B, layout_B, TILE, mma)
    blocks = (cute.size(C, mode=[0]) // TILE[0], cute.size(C, mode=[1]) // TILE[1], 1)
    kernel = tile(copy_A, at_A, copy_B, at_B, C, mma, layout_A, layout_B)
    kernel.launch(grid=blocks, block=(THREADS, 1, 1))
