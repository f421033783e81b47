"""One pass at a time gives the kernel that all at once give, and leaving one out shows what it did."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from lowering_explorer import Array
from lowering_explorer.request import CannotCapture
from offline_kernels import OfflineKernel, PassRun, UnknownPass, compile_for, step_through
from the_block.triton_bfloat16 import bfloat16_matmul
from the_block.triton_mlp import fused_matmul

pytestmark = pytest.mark.slow


def arrays(*shapes: tuple[int, int]) -> list[Array]:
    return [Array("f16", shape) for shape in shapes]


ARGUMENTS = [*arrays((64, 128), (128, 64), (64, 64), (64, 64)), 64, 64, 128]
CONSTANTS: dict[str, Any] = {"SILU": True, "ROWS": 64, "COLUMNS": 64, "DEPTH": 32, "num_warps": 4}


@pytest.fixture(scope="module")
def stepped() -> tuple[list[PassRun], OfflineKernel]:
    return step_through("sm_80", fused_matmul, *ARGUMENTS, **CONSTANTS)


def test_stepping_makes_the_kernel_of_an_ordinary_compilation(
    stepped: tuple[list[PassRun], OfflineKernel],
) -> None:
    _, kernel = stepped
    ordinary = compile_for("sm_80", fused_matmul, *ARGUMENTS, **CONSTANTS)
    assert kernel.texts["ptx"] == ordinary.texts["ptx"]
    assert kernel.counts == ordinary.counts
    assert kernel.opcodes == ordinary.opcodes


def test_the_passes_follow_each_other(stepped: tuple[list[PassRun], OfflineKernel]) -> None:
    runs, _ = stepped
    assert list(dict.fromkeys(run.pipeline for run in runs)) == ["ttir", "ttgir", "llir"]
    for pipeline in ("ttir", "ttgir", "llir"):
        own = [run for run in runs if run.pipeline == pipeline]
        assert all(left.after == right.before for left, right in itertools.pairwise(own))
    assert 0 < sum(run.changed for run in runs) < len(runs)
    assert not any("loc(" in run.after for run in runs)


def test_the_passes_do_what_they_are_named_after(stepped: tuple[list[PassRun], OfflineKernel]) -> None:
    runs, _ = stepped
    by_name = {run.name: run for run in reversed(runs)}  # the first run of each
    assert by_name["coalesce"].before.count("sizePerThread = [1, 8]") == 0
    assert by_name["coalesce"].after.count("sizePerThread = [1, 8]") >= 1
    assert "#mma" in by_name["accelerate_matmul"].after
    assert "#mma" not in by_name["accelerate_matmul"].before
    assert by_name["pipeline"].operations()["ttg.async_copy_global_to_local"] > 0
    assert "tt.load" not in by_name["pipeline"].operations()
    removed = by_name["remove_layout_conversions"]
    assert removed.before.count("ttg.convert_layout") > removed.after.count("ttg.convert_layout")


def test_what_is_left_out_does_not_happen(stepped: tuple[list[PassRun], OfflineKernel]) -> None:
    runs, kernel = stepped
    without, plain = step_through("sm_80", fused_matmul, *ARGUMENTS, without=["pipeline"], **CONSTANTS)
    assert [run.name for run in without] == [run.name for run in runs if run.name != "pipeline"]
    assert kernel.counts["asynchronous copy"] > 0
    assert "asynchronous copy" not in plain.counts
    assert plain.counts["shared bytes"] < kernel.counts["shared bytes"]
    assert plain.counts["matrix multiply"] <= kernel.counts["matrix multiply"]


def test_the_backend_is_as_before_afterwards(stepped: tuple[list[PassRun], OfflineKernel]) -> None:
    from triton.backends.nvidia import compiler

    assert [type(getattr(compiler, name)).__name__ for name in ("ir", "passes", "nvidia")] == ["module"] * 3


def test_a_pass_that_does_not_run_cannot_be_left_out() -> None:
    message = "no pass 'coalesze' ran for sm_80; print the names of those that did"
    with pytest.raises(UnknownPass, match=f"^{message}$"):
        step_through("sm_80", fused_matmul, *ARGUMENTS, without=["coalesze"], **CONSTANTS)


def test_a_gpu_of_amd_is_refused() -> None:
    message = "gfx942 has a backend of its own; step through a target such as sm_90"
    with pytest.raises(CannotCapture, match=f"^{message}$"):
        step_through("gfx942", fused_matmul, *ARGUMENTS, **CONSTANTS)


def test_an_amd_kernel_is_counted_too() -> None:
    kernel = compile_for("gfx942", fused_matmul, *ARGUMENTS, **CONSTANTS)
    assert kernel.counts["matrix multiply"] == sum(
        number for name, number in kernel.opcodes.items() if name.startswith("v_mfma")
    )
    assert kernel.opcodes.total() == kernel.counts["instructions"]


def test_a_kernel_that_was_compiled_before_is_compiled_again() -> None:
    square = Array("f32", (16, 16))
    first, second = (
        compile_for("sm_80", bfloat16_matmul, square, square, square, SIZE=16, WIDEN=False) for _ in "ab"
    )
    assert first.counts["registers"] == second.counts["registers"] > 0
