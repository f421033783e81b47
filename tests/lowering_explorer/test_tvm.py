"""TVM's lowering: that what is shown is what runs, and that each source line is found at every level."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import tvm
from tvm import relax

from lowering_explorer import Array, Capture, Lowering, Stage, lower
from lowering_explorer.adapters.tvm import compilation
from lowering_explorer.adapters.tvm_compile import Compilation
from lowering_explorer.function_source import source_of
from lowering_explorer.request import Request
from the_block import arguments, attention, mlp, rmsnorm
from the_block.compilers import with_tvm
from the_block.sizes import S
from the_block.tolerance import check

pytestmark = pytest.mark.slow


def two_products(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    a = x * y
    b = a * y
    return torch.exp(a) + b.sum()


def branches(x: torch.Tensor) -> torch.Tensor:
    if x.sum() > 0:
        return x
    return -x


def calls_numpy(x: torch.Tensor) -> Any:
    return np.tanh(x.numpy())


def draws(x: torch.Tensor) -> torch.Tensor:
    return x + torch.rand_like(x)


def multiplies(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x @ y


def returns_itself(x: torch.Tensor) -> torch.Tensor:
    return x


@pytest.fixture(scope="module")
def lowered() -> Callable[[Any], Lowering]:
    """Each function of the Block through TVM, once."""
    known: dict[str, Lowering] = {}

    def of(function: Any) -> Lowering:
        if function.__name__ not in known:
            known[function.__name__] = lower(function, *arguments(function, S), through=["tvm"])
        return known[function.__name__]

    return of


def captured(function: Any, *arrays: Array, **options: Any) -> Capture:
    """Without the CUDA source, unless it is asked for."""
    return lower(function, *arrays, through=["tvm"], options={"cuda": "", **options})["tvm"]


def in_this_process(function: Any, arrays: Sequence[np.ndarray], folder: Path, **options: Any) -> Compilation:
    shapes = tuple(Array("f32", array.shape) for array in arrays)
    return compilation(Request(function, shapes, source_of(function), folder, options=options))


def line_with(lowering: Lowering, text: str) -> int:
    (line,) = [number for number, code in lowering.source.lines.items() if text in code]
    return line


def located(stage: Stage, source_line: int) -> str:
    text = stage.text.splitlines()
    return "\n".join(text[number] for number in stage.lines_from(source_line))


def test_reaches_every_level_in_order(lowered: Callable[[Any], Lowering]) -> None:
    capture = lowered(rmsnorm)["tvm"]
    assert capture.problem == ""
    names = [stage.name for stage in capture]
    kernels = ["fused_mean_add_tir_sqrt_divide_multiply1", "multiply"]
    landmarks = [
        "exported graph",
        "Relax",
        "Relax after LegalizeOps",
        "TensorIR",
        "operator patterns",
        "Relax after FuseOps",
        "Relax after FuseTIR",
        "fused TensorIR",
        "Relax after StaticPlanBlockMemory",
        "TensorIR after LowerInitBlock",
        "TensorIR after CommonSubexprElim",
        "VM bytecode",
        *(f"LLVM IR of {kernel}" for kernel in kernels),
        *(f"assembly of {kernel}" for kernel in kernels),
        "TensorIR scheduled for CUDA",
        *(f"CUDA source of {kernel}" for kernel in kernels),
    ]
    assert [name for name in names if name in landmarks] == landmarks
    assert len(set(names)) == len(names)
    assert all(stage.parent in names[:number] for number, stage in enumerate(capture) if number)
    assert not any("MakePackedAPI" in name for name in names)


@pytest.mark.parametrize("function", [rmsnorm, mlp, attention])
def test_finds_the_multiply_by_g_at_every_level(lowered: Callable[[Any], Lowering], function: Any) -> None:
    lowering = lowered(function)
    line = line_with(lowering, "* g")
    norm = "fused_mean_add_tir_sqrt_divide_multiply1"
    written = {
        "exported graph": r"aten\.mul\.Tensor\(div, g\)",
        "Relax": r"R\.multiply\(lv4, g\)",
        "Relax after LegalizeOps": r"cls\.multiply1, \(lv4, g\)",
        "TensorIR": r"lv4\[.*\] \* g\[",
        "Relax after FuseTIR": rf"cls\.{norm}",
        "fused TensorIR": r" \* g\[",
        "Relax after StaticPlanBlockMemory": rf"cls\.{norm}\(",
        "TensorIR after CommonSubexprElim": r" \* g_1\[",
        "VM bytecode": norm,
        f"LLVM IR of {norm}": r"fmul <",
        f"assembly of {norm}": r"vmulps",
        "TensorIR scheduled for CUDA": r" \* g\[",
        f"CUDA source of {norm}": r"\* g_ptr\[",
    }
    for name, pattern in written.items():
        assert re.search(pattern, located(lowering["tvm"][name], line)), name


def test_tells_the_lines_of_one_kernel_apart(lowered: Callable[[Any], Lowering]) -> None:
    lowering = lowered(attention)
    scaled, masked = line_with(lowering, "width**0.5"), line_with(lowering, "xp.where(")
    for name, product, choice in (
        ("fused TensorIR", "lv6[v_i0, v_k] * lv9", "T.Select|T.if_then_else"),
        ("LLVM IR of fused_matmul1_divide1_where", "fmul", "select|blend"),
    ):
        stage = lowering["tvm"][name]
        assert product in located(stage, scaled), name
        assert product not in located(stage, masked), name
        assert re.search(choice, located(stage, masked)), name


def test_a_kernel_that_two_lines_share_carries_both() -> None:
    shape = Array("f32", (8, 64))
    lowering = lower(two_products, shape, shape, through=["tvm"], options={"cuda": ""})
    first, second = line_with(lowering, "x * y"), line_with(lowering, "a * y")
    capture = lowering["tvm"]
    relax_calls = capture["Relax after LegalizeOps"]
    assert "(x, y)" in located(relax_calls, first)
    assert "(lv, y)" not in located(relax_calls, first)
    assert "(lv, y)" in located(relax_calls, second)
    kernel = capture["assembly of multiply"]
    assert set(kernel.source_lines) == {(), (first, second)}
    assert "fused_multiply_sum" in located(capture["VM bytecode"], second)


@pytest.mark.parametrize("function", [rmsnorm, mlp, attention])
@pytest.mark.parametrize("schedule", ["none", "dlight"])
def test_what_is_shown_is_what_computes_the_oracles_result(
    lowered: Callable[[Any], Lowering], tmp_path: Path, function: Any, schedule: str
) -> None:
    arrays = arguments(function, S)
    program = in_this_process(function, arrays, tmp_path, cuda="", schedule=schedule)
    stages = {stage.name: stage for stage in program.stages()}
    machine = relax.VirtualMachine(program.executable, tvm.cpu())
    result = machine["main"](*map(tvm.runtime.tensor, arrays)).numpy()
    assert check(function, result, arrays) > 0
    shown = lowered(function)["tvm"]
    if schedule == "none":
        assert all(shown[name].text == stage.text for name, stage in stages.items())
    else:
        assert stages["fused TensorIR"].text == shown["fused TensorIR"].text
        assert stages["scheduled TensorIR"].text != shown["fused TensorIR"].text
        assert stages["scheduled TensorIR"].counts["parallel loops"] > 0


def test_shows_the_code_that_tvm_makes_by_itself(lowered: Callable[[Any], Lowering]) -> None:
    """The spans that the capture adds change no instruction, nor does running the passes one by one."""
    plain = with_tvm(attention, arguments(attention, S))
    (library,) = plain.executable.mod.imports
    own, shown = library.inspect_source("asm"), lowered(attention)["tvm"].at("assembly")
    assert len(shown) == 11
    for stage in shown:
        kernel = stage.name.removeprefix("assembly of ")
        body = re.search(rf"^{kernel}_compute_:\n(.*?)^\.Lfunc_end", own, re.MULTILINE | re.DOTALL)
        assert body is not None, kernel
        instructions = re.findall(r"^\t([a-z]\S*)", body[1], re.MULTILINE)
        assert instructions == re.findall(r"^ {4}([a-z]\S*)", stage.text, re.MULTILINE), kernel


def test_counts_agree_with_the_texts_and_with_each_other(lowered: Callable[[Any], Lowering]) -> None:
    capture = lowered(attention)["tvm"]
    relax_text, fused = capture["Relax after FuseTIR"], capture["fused TensorIR"]
    assert relax_text.counts["call_tir"] == relax_text.text.count("R.call_tir(")
    assert relax_text.counts["call_tir"] == capture["VM bytecode"].counts["calls of a kernel"]
    names = re.findall(r"^def (\w+)\(", fused.text, re.MULTILINE)
    assert fused.counts["kernels"] == len(names) == len(capture.at("assembly"))
    assert [f"assembly of {name}" for name in names] == [stage.name for stage in capture.at("assembly")]
    assert fused.counts["blocks"] == fused.text.count("with T.sblock(")
    depths = [text.count(",") + 1 for text in re.findall(r"for (.*) in T\.grid\(", fused.text)]
    assert fused.counts["serial loops"] == sum(depths)
    planned, before = capture["Relax after LowerAllocTensor"], capture["Relax after CallTIRRewrite"]
    sizes = re.findall(r"alloc_storage\(R\.shape\(\[(\d+)\]\)", planned.text)
    assert planned.counts["bytes of storage"] == sum(map(int, sizes)) < before.counts["bytes of tensors"]
    assert before.counts["tensors allocated"] == relax_text.counts["call_tir"]
    assert capture["VM bytecode"].counts["allocations of storage"] == planned.counts["storages"]


def test_schedules_for_the_tensor_cores_of_the_device_that_is_named() -> None:
    matrix = Array("f16", (512, 512))
    capture = captured(multiplies, matrix, matrix, cuda="nvidia/nvidia-a40")
    assert capture.problem == ""
    scheduled = capture["TensorIR scheduled for CUDA"]
    assert scheduled.note == "For nvidia/nvidia-a40. DLight's rules scheduled 1 of 1 kernels."
    assert scheduled.counts["loops over threads"] > 0
    source = capture["CUDA source of matmul"]
    assert source.text.startswith('extern "C" __global__ ')
    assert "nvcuda::wmma::mma_sync(" in source.text
    assert source.counts["functions"] == 1


def test_two_captures_are_byte_identical(
    lowered: Callable[[Any], Lowering], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = importlib.import_module("lowering_explorer.lower").ENVIRONMENT
    monkeypatch.setitem(environment, "PYTHONHASHSEED", "4321")
    again = lower(attention, *arguments(attention, S), through=["tvm"])
    assert again["tvm"].stages == lowered(attention)["tvm"].stages


def test_leaves_bookkeeping_out(lowered: Callable[[Any], Lowering]) -> None:
    noise = re.compile(
        r"T\.int64\(|tirx\.noalias|op_pattern|ErrorContext\(|buffer_data_alignment|#dbg|\.cfi|from source"
    )
    for stage in lowered(mlp)["tvm"]:
        assert not noise.search(stage.text), stage.name


def test_a_function_that_computes_nothing_has_no_kernels() -> None:
    capture = captured(returns_itself, Array("f32", (8,)), cuda="nvidia/nvidia-a100")
    assert capture.problem == ""
    assert capture.stages[-1].name == "VM bytecode"
    assert not capture.at("assembly")


def place(function: Any, text: str) -> str:
    (line,) = [number for number, code in source_of(function).lines.items() if text in code]
    return f"(test_tvm.py, line {line})"


@pytest.mark.parametrize(
    ("function", "shapes", "options", "problem"),
    [
        (
            branches,
            [(8,)],
            {},
            "before its first stage: the function decides by the value of an array "
            f"{place(branches, '> 0')}, which is not known when it is exported; "
            "use where of the array API, or torch.where",
        ),
        (
            calls_numpy,
            [(8,)],
            {},
            "before its first stage: the function calls NumPy on a tensor "
            f"{place(calls_numpy, 'tanh')}; write it in the array API or in torch",
        ),
        (
            draws,
            [(8,)],
            {},
            "after the stage 'exported graph': TVM's importer has no conversion for rand_like; "
            "write it with other operations of torch",
        ),
        (
            multiplies,
            [(8, 4), (8, 4)],
            {},
            "before its first stage: RuntimeError: a and b must have same reduction dim, but got "
            f"[8, 4] X [8, 4] {place(multiplies, 'x @ y')}. "
            "Check that the arguments' shapes fit each other.",
        ),
        (
            multiplies,
            [(8, 8)],
            {},
            "before its first stage: the arguments do not fit the function: missing a required "
            "argument: 'y'. Give one for each of its parameters.",
        ),
        (
            branches,
            [(8,)],
            {"schedule": "best"},
            "before its first stage: no schedule 'best'; known are none, dlight",
        ),
        (
            branches,
            [(8,)],
            {"cuda": "llvm"},
            "before its first stage: TVM knows no CUDA device 'llvm'; take a tag such as "
            "'nvidia/nvidia-a100'",
        ),
    ],
)
def test_refuses_in_one_sentence(
    function: Any, shapes: list[tuple[int, ...]], options: dict[str, str], problem: str
) -> None:
    capture = captured(function, *(Array("f32", shape) for shape in shapes), **options)
    assert capture.problem == f"tvm stopped {problem}"
    assert bool(capture.stages) == problem.startswith("after")
