"""Inductor's own path for CUDA, on a GPU that is described: what its Triton says, the machine code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.lowering_explorer import cuda_functions
from tests.lowering_explorer.finding import line_of, only

import the_block
from lowering_explorer import Capture, Stage, lower
from lowering_explorer.argument import Array
from lowering_explorer.stage import LEVELS

pytestmark = pytest.mark.slow

ROWS, WIDTH = 512, 1024
X, G = Array("f32", (ROWS, WIDTH)), Array("f32", (WIDTH,))
HALF = Array("f16", (256, 256))


def captured(function: Callable[..., Any], *arguments: Array, **options: Any) -> Capture:
    return lower(function, *arguments, through=["inductor-cuda"], options=options)["inductor-cuda"]


@cache
def rmsnorm() -> Capture:
    return captured(the_block.rmsnorm, X, G)


@cache
def product() -> Capture:
    return captured(cuda_functions.product, HALF, HALF, gemm="triton", targets=("sm_90", "sm_80"))


def test_reaches_every_level_in_order() -> None:
    capture = rmsnorm()
    assert capture.problem == ""
    levels = [LEVELS.index(stage.level) for stage in capture]
    assert levels == sorted(levels)
    assert {stage.level for stage in capture} == set(LEVELS)
    names = {stage.name for stage in capture}
    assert all(stage.parent in names for stage in capture if stage.name != "bytecode")


def test_the_machine_code_does_what_the_triton_source_says() -> None:
    capture = rmsnorm()
    source, sass = only(capture, "Triton source").text, only(capture, "SASS")
    warps = int(re.search(r"num_warps=(\d+)", only(capture, "Triton source").note)[1])  # type: ignore[index]
    assert WIDTH // (32 * warps) == 4, "so that each thread has the four elements of one vector load"
    assert len(re.findall(r"LDG\.E\S*\.128 ", sass.text)) == source.count("tl.load(") == 2
    assert len(re.findall(r"STG\.E\S*\.128 ", sass.text)) == source.count("tl.store(") == 1
    # A sum over a row: each step halves the lanes of a warp, then the warps.
    assert source.count("tl.sum(") == 1
    steps = (32).bit_length() - 1 + warps.bit_length() - 1
    assert len(re.findall(r"\bSHFL\.BFLY", sass.text)) == steps


def test_counts_agree_with_the_text() -> None:
    sass = only(rmsnorm(), "SASS")
    opcodes = re.findall(r"/\*[0-9a-f]{4}\*/ +(?:@!?\w+ )?([A-Z][\w.]*)", sass.text)
    assert sass.counts["instructions"] == sum(opcode != "NOP" for opcode in opcodes)
    assert sass.counts["shuffle"] == sum(opcode.startswith("SHFL") for opcode in opcodes)
    assert sass.counts["vector load"] == sum(opcode.startswith("LDG") for opcode in opcodes)
    highest = max(int(number) for number in re.findall(r"\bR(\d+)\b", sass.text))
    assert highest < sass.counts["registers"] <= highest + 8
    wrapper = rmsnorm()["wrapper"]
    assert wrapper.counts["kernels"] == wrapper.text.count(".run(") == 1
    assert wrapper.counts["bytes read or written"] == 4 * (2 * ROWS * WIDTH + WIDTH)


# The two factors of a product in each language that carries locations.
PRODUCT = {
    "FX graph": r"= (\w+) \* (\w+)",
    "ATen graph": r"aten\.mul\.Tensor\((\w+), (\w+)\)",
    "Inductor IR": r"ops\.mul\(([a-z]+)\w*, ([a-z]+)\w*\)",  # load, load_1: the same element, loaded twice
    "Triton source": r"= (\w+) \* (\w+)",
    "TTIR": r"arith\.mulf (%\w+), (%\w+)",
    "TTGIR": r"arith\.mulf (%\w+), (%\w+)",
    "LLVM IR": r" fmul float (%\d+), (%\d+)",
    "PTX": r"\bmul\.f32\s+%r\d+, (%r\d+), (%r\d+)",
    "SASS": r" FMUL R\d+, (R\d+)(?:\.reuse)?, (R\d+)",
}


@cache
def scaled() -> Capture:
    return captured(cuda_functions.scaled, X, G)


def rows_from(stage: Stage, text: str) -> list[str]:
    """The rows of the stage that came from the line of `scaled` that holds the text."""
    rows = stage.text.splitlines()
    return [rows[number] for number in stage.lines_from(line_of(cuda_functions.scaled, text))]


@pytest.mark.parametrize(("text", "is_square"), [("unit * g", False), ("x * x", True)])
def test_tells_the_two_products_apart_by_their_lines(text: str, is_square: bool) -> None:
    stages = {kind: [stage for stage in scaled() if stage.name.startswith(kind)] for kind in PRODUCT}
    for kind, of_kind in stages.items():
        assert of_kind, kind
        for stage in of_kind:
            factors = re.findall(PRODUCT[kind], "\n".join(rows_from(stage, text)))
            assert factors, stage.name
            assert {first == second for first, second in factors} == {is_square}, stage.name


def test_finds_the_square_root_by_its_line() -> None:
    for stage in scaled():
        if any(stage.name.startswith(kind) for kind in PRODUCT):
            own = "\n".join(rows_from(stage, "torch.sqrt"))
            assert re.search(r"sqrt|MUFU\.RSQ", own), stage.name


def test_finds_the_lines_of_the_block() -> None:
    line = line_of(the_block.rmsnorm, "* g")
    for stage in rmsnorm():
        if stage.source_lines and stage.language != "bytecode":
            assert stage.lines_from(line), stage.name


def test_is_the_same_in_every_process() -> None:
    again = captured(the_block.rmsnorm, X, G)
    assert again.stages == rmsnorm().stages
    assert again.flags == rmsnorm().flags


def test_a_matrix_product_is_a_call_of_a_library() -> None:
    wrapper = captured(cuda_functions.product, HALF, HALF)["wrapper"]
    assert wrapper.counts["library calls"] == 1
    assert "extern_kernels.mm(" in wrapper.text
    assert "What a library runs, such as cuBLAS, Inductor does not write and does not show." in wrapper.note
    called = next(row for row in wrapper.text.splitlines() if "extern_kernels.mm(" in row)
    line = line_of(cuda_functions.product, "a @ b")
    assert wrapper.lines_from(line) == [wrapper.text.splitlines().index(called)]


def test_the_template_of_a_matrix_product_takes_in_what_follows() -> None:
    capture = product()
    assert capture.problem == ""
    assert "library calls" not in capture["wrapper"].counts
    source = only(capture, "Triton source")
    rows = source.text.splitlines()
    dot = source.lines_from(line_of(cuda_functions.product, "a @ b"))
    relu = source.lines_from(line_of(cuda_functions.product, "torch.relu"))
    assert any("tl.dot(" in rows[number] for number in dot)
    assert any("maximum" in rows[number] for number in relu)
    assert min(relu) > max(number for number in dot if "tl.dot(" in rows[number])


def test_compiles_the_kernels_for_several_gpus() -> None:
    hopper, ampere = only(product(), "SASS for sm_90"), only(product(), "SASS for sm_80")
    assert "HGMMA" in hopper.text
    assert "HGMMA" not in ampere.text
    assert "HMMA" in ampere.text
    assert ".target sm_80" in only(product(), "PTX for sm_80").text


def test_a_tensor_without_a_device_is_made_on_the_gpu() -> None:
    capture = captured(cuda_functions.numbered, X)
    assert capture.problem == ""
    assert "tl.load(" in only(capture, "Triton source").text
    assert "cpu" not in only(capture, "ATen graph").text


def test_compiles_for_any_extents() -> None:
    capture = captured(cuda_functions.scaled, X, G, dynamic=True, targets="sm_80")
    assert capture.problem == ""
    assert re.search(r"f32\[s\d+, s\d+\]", only(capture, "ATen graph").text)
    assert "ks0" in only(capture, "Triton source").text
    assert only(capture, "SASS for sm_80").counts["instructions"] > 0


def test_numpy_calls_are_traced_as_torch_operations() -> None:
    capture = captured(cuda_functions.through_numpy, X)
    assert capture.problem == ""
    assert "tl.sqrt_rn(" in only(capture, "Triton source").text


NO_VALUES = (
    "the function asks for values of a tensor, and on a device that is only described there are none; use "
    "torch.where or torch.cond, and masks instead of indices that depend on values"
)


@pytest.mark.parametrize(
    ("function", "arguments", "options", "place", "reason"),
    [
        (
            cuda_functions.scaled,
            (X, G),
            {"targets": ("sm_70",)},
            "before its first stage",
            "no GPU is described for 'sm_70'; targets are sm_80 (A100), sm_90 (H100), sm_100 (B200)",
        ),
        (
            cuda_functions.scaled,
            (X, G),
            {"targets": ()},
            "before its first stage",
            "name at least one target, such as sm_90",
        ),
        (
            cuda_functions.scaled,
            (X, G),
            {"targets": "gfx942"},
            "before its first stage",
            "no GPU is described for 'gfx942'; targets are sm_80 (A100), sm_90 (H100), sm_100 (B200)",
        ),
        (
            cuda_functions.product,
            (HALF, HALF),
            {"gemm": "cutlass"},
            "before its first stage",
            "there is no gemm='cutlass'; take gemm='library' or gemm='triton'",
        ),
        (
            cuda_functions.by_value,
            (X,),
            {},
            "after the stage 'SASS for sm_90 of triton_per_fused_gt_sum_1'",
            NO_VALUES,
        ),
        (
            cuda_functions.positive,
            (X,),
            {},
            "after the stage 'SASS for sm_90 of triton_poi_fused_gt_0'",
            NO_VALUES,
        ),
        (
            cuda_functions.bits,
            (X,),
            {},
            "after the stage 'Triton source of triton_poi_fused_bitwise_and_0'",
            "Triton refuses triton_poi_fused_bitwise_and_0 (cuda_functions.py, line "
            f"{line_of(cuda_functions.bits, 'bitwise_and')}): invalid operands of type "
            "triton.language.float32 and triton.language.float32. The operation does not take this dtype; "
            "pass another.",
        ),
        (
            cuda_functions.added,
            (X, Array("f32", (3,))),
            {},
            "after the stage 'bytecode'",
            "Attempting to broadcast a dimension of length 3 at -1! Mismatching argument at index 1 had "
            "torch.Size([3]); but expected shape should be broadcastable to [512, 1024] "
            f"(cuda_functions.py, line {line_of(cuda_functions.added, 'x + y')}). "
            "Check that the arguments' shapes fit each other.",
        ),
    ],
)
def test_refuses_in_one_sentence(
    function: Callable[..., Any],
    arguments: tuple[Array, ...],
    options: dict[str, Any],
    place: str,
    reason: str,
) -> None:
    assert captured(function, *arguments, **options).problem == f"inductor-cuda stopped {place}: {reason}"


INTERPRETED = """
import sys, torch, triton, triton.language as tl
from torch._inductor.runtime import triton_helpers
from torch._inductor.runtime.triton_helpers import libdevice, math as tl_math

{kernel}

inputs = torch.load(sys.argv[1])
result = torch.empty({shape})
{name}[({programs},)](*inputs, result, {constants})
torch.save(result, sys.argv[2])
"""


def interpreted(
    source: Stage, inputs: list[np.ndarray], shape: tuple[int, ...], folder: Path, **launch: Any
) -> Any:
    """What Triton's interpreter makes of the kernel, on the CPU, in float32."""
    import torch

    kernel = "@triton.jit" + source.text.partition("@triton.jit")[2]
    name = re.search(r"def (\w+)\(", kernel)[1]  # type: ignore[index]
    script = folder / "interpreted.py"
    script.write_text(INTERPRETED.format(kernel=kernel, shape=shape, name=name, **launch))
    torch.save([torch.from_numpy(array) for array in inputs], folder / "inputs")
    command = [sys.executable, str(script), str(folder / "inputs"), str(folder / "result")]
    subprocess.run(command, check=True, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True)
    return torch.load(folder / "result").numpy()


def test_the_generated_norm_is_right(tmp_path: Path) -> None:
    capture = captured(the_block.rmsnorm, Array("f32", (8, 64)), Array("f32", (64,)))
    numbers = np.random.default_rng(0)
    x, g = numbers.normal(size=(8, 64)).astype("f4"), numbers.normal(size=64).astype("f4")
    source = only(capture, "Triton source")
    assert "XBLOCK=1," in source.note
    result = interpreted(source, [x, g], (8, 64), tmp_path, programs=8, constants="8, 64, XBLOCK=1")
    the_block.check("rmsnorm", result, [x, g])


def test_the_generated_product_is_right(tmp_path: Path) -> None:
    capture = captured(cuda_functions.product, Array("f32", (64, 32)), Array("f32", (32, 48)), gemm="triton")
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=(64, 32)).astype("f4"), numbers.normal(size=(32, 48)).astype("f4")
    source = only(capture, "Triton source")
    block = {name: int(size) for name, size in re.findall(r"BLOCK_(\w) : tl.constexpr = (\d+)", source.text)}
    programs = -(-64 // block["M"]) * -(-48 // block["N"])
    result = interpreted(source, [a, b], (64, 48), tmp_path, programs=programs, constants="")
    np.testing.assert_allclose(result, np.maximum(a.astype("f8") @ b, 0), rtol=0, atol=1e-4)


def test_the_described_gpu_is_gone_afterwards() -> None:
    import torch
    from torch._dynamo.device_interface import get_interface_for_device
    from torch._subclasses.fake_tensor import FakeTensorMode

    from lowering_explorer.adapters.described_gpu import described
    from lowering_explorer.adapters.gpus import GPUS

    interface = get_interface_for_device("cuda")
    with FakeTensorMode():
        x = torch.empty(4, 8, device="cuda:0")
    with described(GPUS["sm_90"]):
        assert torch.cuda.device_count() == 1
        assert get_interface_for_device("cuda").get_device_properties().multi_processor_count == 132
        assert x.t().contiguous().shape == (8, 4)
    assert torch.cuda.device_count() == 0
    assert get_interface_for_device("cuda") is interface
    with pytest.raises(RuntimeError, match="PyTorch is not linked with support for cuda devices"):
        x.t().contiguous()
