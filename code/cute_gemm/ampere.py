# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""silu(A @ B) for sm_80: cp.async into swizzled tiles, ldmatrix into fragments, mma.sync.

A is (M, K), B is (N, K) and C is (M, N), halves; the sums are float32. M and N are multiples of 64, K is too.
Four warps make a tile of 64 x 64. One buffer per operand: copies and products take turns.
"""

import cutlass
import cutlass.cute as cute
from cutlass.cute.nvgpu import cpasync, warp

TILE = (64, 64, 64)
THREADS = 128


@cute.kernel
def tile(A: cute.Tensor, B: cute.Tensor, C: cute.Tensor, mma: cute.TiledMma,
         store_A: cute.TiledCopy, store_B: cute.TiledCopy,
         layout_A: cute.ComposedLayout, layout_B: cute.ComposedLayout):  # fmt: skip
    """One block makes one tile of C."""
    thread, _, _ = cute.arch.thread_idx()
    row, column, _ = cute.arch.block_idx()
    gA = cute.local_tile(A, (TILE[0], TILE[2]), (row, None))
    gB = cute.local_tile(B, (TILE[1], TILE[2]), (column, None))
    gC = cute.local_tile(C, (TILE[0], TILE[1]), (row, column))
    memory = cutlass.memory.SmemAllocator()
    sA = memory.allocate_tensor(cutlass.Float16, layout_A, 128)
    sB = memory.allocate_tensor(cutlass.Float16, layout_B, 128)

    mine = mma.get_slice(thread)
    sums = mma.make_fragment_C(mine.partition_shape_C((TILE[0], TILE[1])))
    sums.fill(0.0)
    rA = mma.make_fragment_A(mine.partition_A(sA))
    rB = mma.make_fragment_B(mine.partition_B(sB))
    rows = cute.make_copy_atom(warp.LdMatrix8x8x16bOp(False, 4), cutlass.Float16)
    columns = cute.make_copy_atom(warp.LdMatrix8x8x16bOp(True, 4), cutlass.Float16)
    load_A = cute.make_tiled_copy_A(rows, mma)
    load_B = cute.make_tiled_copy_B(columns, mma)
    my_A, my_B = load_A.get_slice(thread), load_B.get_slice(thread)
    to_A, to_B = store_A.get_slice(thread), store_B.get_slice(thread)

    for k in cutlass.range(cute.size(gA, mode=[2]), unroll=1):
        cute.arch.barrier()
        cute.copy(store_A, to_A.partition_S(gA[None, None, k]), to_A.partition_D(sA))
        cute.copy(store_B, to_B.partition_S(gB[None, None, k]), to_B.partition_D(sB))
        cute.arch.cp_async_commit_group()
        cute.arch.cp_async_wait_group(0)
        cute.arch.barrier()
        cute.copy(load_A, my_A.partition_S(sA), my_A.retile(rA))
        cute.copy(load_B, my_B.partition_S(sB), my_B.retile(rB))
        cute.gemm(mma, sums, rA, rB, sums)

    half = 0.5 * sums.load()
    silu = cute.make_rmem_tensor_like(sums, cutlass.Float16)
    silu.store((half + half * cute.math.tanh(half, fastmath=True)).to(cutlass.Float16))
    cute.autovec_copy(silu, mine.partition_C(gC))


@cute.jit
def product(A: cute.Tensor, B: cute.Tensor, C: cute.Tensor):
    """Chooses the layouts and launches a block per tile."""
    operation = warp.MmaF16BF16Op(cutlass.Float16, cutlass.Float32, (16, 8, 16))
    mma = cute.make_tiled_mma(operation, (2, 2, 1), permutation_mnk=(32, 32, 16))
    atom = cute.make_copy_atom(cpasync.CopyG2SOp(), cutlass.Float16, num_bits_per_copy=128)
    across, along = cute.make_layout((16, 8), stride=(8, 1)), cute.make_layout((8, 16))
    store_A = cute.make_tiled_copy_tv(atom, across, cute.make_layout((1, 8)))
    store_B = cute.make_tiled_copy_tv(atom, along, cute.make_layout((8, 1)))
    swizzle = cute.make_swizzle(3, 3, 3)
    rows = cute.make_layout((TILE[0], TILE[2]), stride=(TILE[2], 1))
    columns = cute.make_layout((TILE[1], TILE[2]))
    layout_A = cute.make_composed_layout(swizzle, 0, rows)
    layout_B = cute.make_composed_layout(swizzle, 0, columns)
    print(mma, layout_A, layout_B, sep="\n")
    blocks = (cute.size(C, mode=[0]) // TILE[0], cute.size(C, mode=[1]) // TILE[1], 1)
    kernel = tile(A, B, C, mma, store_A, store_B, layout_A, layout_B)
    kernel.launch(grid=blocks, block=(THREADS, 1, 1))
