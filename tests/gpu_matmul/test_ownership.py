"""Every element of a tile has one owner, by the layouts that the kernels name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.blackwell import TensorMemoryLayout, get_tmem_reg_layout

from gpu_matmul.ownership import blocked, printed_offsets, printed_owners, sectors_per_load

sides = st.sampled_from([(32, 1), (16, 2), (8, 4), (4, 8), (2, 16), (1, 32)])
layouts = st.builds(
    gl.BlockedLayout,
    st.sampled_from([[1, 1], [1, 2], [2, 1], [1, 8], [2, 4]]),
    sides.map(list),
    st.sampled_from([[4, 1], [1, 4], [2, 2]]),
    st.sampled_from([[0, 1], [1, 0]]),
)


@given(layouts, st.integers(1, 2), st.integers(1, 2))
def test_every_element_has_one_owner_and_it_is_the_one_that_triton_prints(
    layout: gl.BlockedLayout, down: int, across: int
) -> None:
    whole = np.prod([layout.size_per_thread, layout.threads_per_warp, layout.warps_per_cta], axis=0)
    shape = [int(whole[0]) * down, int(whole[1]) * across]
    thread, register = blocked(layout).owners((shape[0], shape[1]))
    assert len(set(zip(thread.flat, register.flat, strict=True))) == shape[0] * shape[1]
    printed = printed_owners(layout, shape)
    assert printed.shape == (*shape, 1, 2)
    assert np.array_equal(printed[..., 0, 0], thread)  # registers are numbered in another order
    assert len(np.unique(printed.reshape(-1, 2), axis=0)) == shape[0] * shape[1]


MEMORY = TensorMemoryLayout([128, 128], col_stride=1)
SUMS = {
    "sm_80": gl.NVMMADistributedLayout([2, 0], [2, 2], [16, 8]),
    "sm_90": gl.NVMMADistributedLayout([3, 0], [4, 1], [16, 128, 16]),
    "sm_100": get_tmem_reg_layout(gl.float32, [128, 128], MEMORY, 4),
}


@pytest.mark.parametrize("target", SUMS)
def test_the_sums_are_each_held_once_and_evenly(target: str) -> None:
    owners = printed_owners(SUMS[target], [128, 128])
    assert owners.shape == (128, 128, 1, 2)
    assert len(np.unique(owners.reshape(-1, 2), axis=0)) == 128 * 128
    assert set(np.unique(owners[..., 0], return_counts=True)[1]) == {128}  # per thread


@pytest.mark.parametrize(("operand", "shape"), [(0, [128, 64]), (1, [64, 128])])
def test_an_operand_is_held_by_the_two_warps_that_need_it(operand: int, shape: list[int]) -> None:
    owners = printed_owners(gl.DotOperandLayout(operand, SUMS["sm_80"], 2), shape)
    assert owners.shape == (*shape, 2, 2)
    warps = owners[..., 0] // 32
    assert (warps[..., 0] != warps[..., 1]).all()


@pytest.mark.parametrize(
    "layout",
    [
        gl.SwizzledSharedLayout(vec=8, per_phase=1, max_phase=8, order=[1, 0]),
        gl.NVMMASharedLayout.get_default_for([128, 64], gl.float16),
    ],
)
def test_a_swizzle_moves_every_element_to_a_place_of_its_own(layout: object) -> None:
    places = printed_offsets(layout, [128, 64])
    assert len(np.unique(places, axis=0)) == len(places) == 128 * 64
    assert not np.array_equal(places[:, 1], np.tile(np.arange(64), 128))


@pytest.mark.parametrize(("each", "sectors"), [(1, 2), (2, 4), (8, 16)])
def test_neighbours_fill_their_sectors(each: int, sectors: int) -> None:
    layout = gl.BlockedLayout([1, each], [1, 32], [4, 1], [1, 0])
    assert sectors_per_load(layout, [4, 32 * each], 2) == sectors  # 32 threads x each x 2 bytes, whole


def test_columns_touch_a_sector_each() -> None:
    layout = gl.BlockedLayout([8, 1], [32, 1], [1, 4], [0, 1])
    assert sectors_per_load(layout, [256, 64], 2) == 256
