"""The kernels compile for their GPU without one, to the instructions that they are written for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gpu_matmul.operands import check_operands
from gpu_matmul.rungs import RUNGS, Rung, rung
from gpu_matmul.triton_matmul import pointer_kernel
from gpu_matmul.wide_copy import copy_kernel
from lowering_explorer import Array
from offline_kernels import compile_for
from the_block.triton_interpreter import interpreted


@pytest.mark.slow
@pytest.mark.parametrize("each", RUNGS, ids=lambda each: each.name)
def test_every_rung_reaches_the_machine_code_of_its_gpu(each: Rung) -> None:
    kernel = each.compiled(256, 256, 512)
    assert kernel.target == each.target
    assert kernel.counts["spill store bytes"] == 0
    assert 0 < kernel.counts["shared bytes"] <= 166_912  # the 163 KiB that a program may have on sm_80
    names = {name.partition(".")[0] for name in kernel.opcodes}
    units = {"sm_80": "HMMA", "sm_90": "HGMMA", "sm_100": "UTCHMMA"}
    assert names & set(units.values()) == {units[each.target]}
    assert ("UTMALDG" in names) == each.descriptors
    assert ("LDGSTS" in names) == (not each.descriptors)
    assert ("USETMAXREG" in names) == ("specialized" in each.name)


@pytest.mark.slow
def test_the_layout_decides_the_width_of_the_loads() -> None:
    x = Array("f16", (4096,))
    widths = {}
    for number in (1, 2, 4, 8):
        kernel = compile_for("sm_80", copy_kernel, x, x, EACH=number, TILE=1024, num_warps=4)
        widths[number] = sum(n for name, n in kernel.opcodes.items() if name.startswith("LDG"))
    assert widths == {1: 8, 2: 4, 4: 2, 8: 1}


def test_triton_s_product_is_a_product() -> None:
    random = np.random.default_rng(0)
    a, b = (random.integers(-4, 5, shape).astype(np.float16) for shape in ((32, 48), (48, 64)))
    c = np.full((32, 64), np.nan, np.float16)
    result = interpreted(pointer_kernel, [2, 2], [a, b, c], N=64, K=48, ROWS=16, COLUMNS=32, DEPTH=16)[2]
    assert np.array_equal(result, (a.astype(int) @ b.astype(int)).astype(np.float16))


TILE = (128, 128, 64)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (
            torch.zeros(128, 64), torch.zeros(64, 128).half(),
            "a is no contiguous float16 matrix; pass a.half().contiguous()",
        ),
        (
            torch.zeros(128, 64).half(), torch.zeros(128, 64).half().T,
            "b is no contiguous float16 matrix; pass b.half().contiguous()",
        ),
        (
            torch.zeros(128, 64).half(), torch.zeros(128, 128).half(),
            "a is (128, 64) and b (128, 128); a has as many columns as b has rows",
        ),
        (
            torch.zeros(128, 96).half(), torch.zeros(96, 128).half(),
            "K is 96; it must be a multiple of 64, the side of a tile",
        ),
        (
            torch.zeros(128, 64).half(), torch.zeros(64, 128).half(),
            "a and b must lie on one GPU; without one, compile the kernel instead of launching",
        ),
    ],
)  # fmt: skip
def test_refuses_operands_word_for_word(a: torch.Tensor, b: torch.Tensor, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        check_operands(a, b, TILE, "sm_80")
    assert str(refusal.value) == sentence


def test_an_unknown_rung_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no rung 'Gluon'; rungs are Triton, pointers, sm_80"):
        rung("Gluon")
    assert rung("Gluon, specialized, sm_90").target == "sm_90"
