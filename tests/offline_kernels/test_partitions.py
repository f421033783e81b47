"""Warps that load and warps that multiply, told apart in what Triton makes of one kernel."""

from __future__ import annotations

from typing import Any

import pytest

from lowering_explorer import Array
from lowering_explorer.request import CannotCapture
from offline_kernels import OfflineKernel, compile_for, partitions
from the_block.triton_descriptors import described_matmul, describing_matmul, descriptor

pytestmark = pytest.mark.slow

TILE: dict[str, Any] = {"ROWS": 128, "COLUMNS": 128, "DEPTH": 64, "num_stages": 3}


def kernel(target: str, warps: int, specialize: bool = True) -> OfflineKernel:
    a, b, c = (Array("f16", shape) for shape in ((256, 512), (512, 512), (256, 512)))
    arguments = (a, b, c, 256, 512, 512)
    return compile_for(target, describing_matmul, *arguments, SPECIALIZE=specialize, num_warps=warps, **TILE)


def test_on_sm_90_one_group_loads_and_two_multiply() -> None:
    loading, *multiplying = partitions(kernel("sm_90", 4).texts["ttgir"])
    assert (loading.name, loading.warps) == ("default", 4)
    assert loading.operations["ttng.async_tma_copy_global_to_local"] == 3
    assert "ttng.warp_group_dot" not in loading.operations
    assert [(part.name, part.warps) for part in multiplying] == [("partition0", 4), ("partition1", 4)]
    for part in multiplying:
        assert part.operations["ttng.warp_group_dot"] == 1
        assert part.operations["ttng.async_tma_copy_local_to_global"] == 1
        assert "ttng.async_tma_copy_global_to_local" not in part.operations


def test_on_sm_100_one_group_waits_while_one_loads_and_one_multiplies() -> None:
    waiting, multiplying, loading = partitions(kernel("sm_100", 4).texts["ttgir"])
    assert "ttng.tc_gen5_mma" in multiplying.operations
    assert loading.operations["ttng.async_tma_copy_global_to_local"] == 2
    assert not {"ttng.tc_gen5_mma", "ttng.async_tma_copy_global_to_local"} & set(waiting.operations)


def test_a_kernel_without_specialized_warps_has_no_partitions() -> None:
    assert partitions(kernel("sm_90", 4, specialize=False).texts["ttgir"]) == []


def test_on_sm_90_eight_warps_are_not_specialized() -> None:
    asked, plain = (kernel("sm_90", 8, specialize) for specialize in (True, False))
    assert asked.texts["ptx"] == plain.texts["ptx"]


def test_on_sm_90_descriptors_of_the_caller_are_refused() -> None:
    matrices = (
        descriptor(256, 512, (128, 64)),
        descriptor(512, 512, (64, 128)),
        descriptor(256, 512, (128, 128)),
    )
    with pytest.raises(CannotCapture, match="must have the same number of elements"):
        compile_for("sm_90", described_matmul, *matrices, 512, SPECIALIZE=True, num_warps=4, **TILE)
