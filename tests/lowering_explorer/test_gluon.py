"""Gluon, where the programmer writes the layouts that Triton would choose."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.lowering_explorer import functions, kernels
from tests.lowering_explorer.finding import line_of
from tests.lowering_explorer.places import check_parents, multiplies_at

from lowering_explorer import Array, Lowering, Tiles, lower

pytestmark = pytest.mark.slow


def test_starts_with_layouts_and_reaches_sass(gluon_scale: Lowering) -> None:
    (capture,) = gluon_scale
    assert capture.problem == ""
    check_parents(capture)
    order = [re.sub(r" after .*", "", stage.name) for stage in capture]
    assert list(dict.fromkeys(order))[:5] == [
        *("Gluon source", "TTGIR", "LLVM IR for sm_90", "PTX for sm_90", "SASS for sm_90")
    ]
    assert not any("TTIR" in stage.name for stage in capture)
    assert "sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4]" in capture["TTGIR"].text


def test_the_multiplication_by_g_is_lit_in_every_stage(gluon_scale: Lowering) -> None:
    (capture,) = gluon_scale
    found = multiplies_at(capture, line_of(kernels.scale_kernel, "x * g"))
    assert len(found) == len(capture.stages) >= 5
    assert [name for name, lit in found.items() if not lit] == []


def test_one_element_per_thread_is_one_multiplication(gluon_scale: Lowering) -> None:
    (capture,) = gluon_scale
    assert capture["TTGIR"].counts["arith.mulf"] == 1
    assert capture["LLVM IR for sm_90"].counts["fmul"] == 1
    assert capture["SASS for sm_90"].counts["float multiply"] == 1


def test_refuses_a_kernel_of_triton() -> None:
    x = Array("f32", (8, 64))
    (capture,) = lower(kernels.norm_kernel, x, x, x, 64, BLOCK=64, through=["gluon"])
    assert capture.problem == (
        "gluon stopped before its first stage: gluon takes a kernel decorated with gluon.jit; "
        "a kernel of triton.jit goes through triton"
    )


@pytest.mark.parametrize(
    ("kernel", "compiler"),
    [(kernels.described_copy_kernel, "triton"), (kernels.described_gluon_copy_kernel, "gluon")],
)
def test_a_kernel_takes_a_descriptor_and_copies_by_the_copy_engine(kernel: Any, compiler: str) -> None:
    tiles = Tiles(Array("f16", (256, 64)), (64, 64))
    (capture,) = lower(kernel, tiles, tiles, ROWS=64, through=[compiler], options={"targets": ["sm_90"]})
    assert capture.problem == ""
    counts = capture["SASS for sm_90"].counts
    assert counts["asynchronous copy"] == 2  # one tile in, one tile out
    assert " LDG" not in capture["SASS for sm_90"].text  # no thread loads
    assert counts["shared bytes"] >= 64 * 64 * 2


def test_a_function_takes_no_descriptor() -> None:
    tiles = Tiles(Array("f32", (8, 64)), (8, 64))
    (capture,) = lower(functions.norm, tiles, Array("f32", (64,)), through=["xla"])
    assert capture.problem.endswith("pass f32[8,64] to a function.")
