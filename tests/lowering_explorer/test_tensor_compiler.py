"""The teaching compiler's lowering: what is shown runs, and each source line is found at every level."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.lowering_explorer.finding import line_of, only

from lowering_explorer import Array, Capture, lower
from tensor_compiler import interpret, parse
from the_block import arguments, mlp
from the_block.sizes import S
from the_block.tolerance import check

needs_tools = pytest.mark.skipif(
    not shutil.which("objdump") or not shutil.which("gcc"), reason="needs gcc and objdump"
)


def branches(x: Any) -> Any:
    xp = x.__array_namespace__()
    if xp.sum(x) > 0:
        return x
    return -x


def scaled(x: Any, factor: float, weights: dict[str, Any]) -> Any:
    return x * factor + weights["bias"]


def product(a: Any, b: Any) -> Any:
    return a @ b


@pytest.fixture(scope="module")
def capture() -> Capture:
    return lower(mlp, *arguments("mlp", S), through=["tensor-compiler"])["tensor-compiler"]


@needs_tools
def test_the_stages_lead_from_the_trace_to_assembly(capture: Capture) -> None:
    assert capture.problem == ""
    levels = [stage.level for stage in capture]
    order = ["graph", "tensor IR", "loops", "vector IR", "assembly"]
    assert sorted(levels, key=order.index) == levels
    assert [len(capture.at(level)) for level in order if level != "loops"] == [3, 3, 3, 3]
    assert len(capture.at("loops")) > 20
    names = {stage.name for stage in capture}
    assert all(stage.parent in names for stage in capture if stage.name != "trace")


@needs_tools
def test_code_without_constants_reaches_assembly() -> None:
    capture = lower(product, Array("f32", (8, 8)), Array("f32", (8, 8)), through=["tensor-compiler"])
    assert capture["tensor-compiler"].problem == ""
    assert capture["tensor-compiler"].at("assembly")


@needs_tools
def test_the_line_with_the_product_is_found_at_every_level(capture: Capture) -> None:
    line = line_of(mlp, "rmsnorm(x, g) @ W1")
    shown = {
        "trace": "h: f32[8, 256] = matmul(multiply_1, W1)",
        "inline": "h[i_h, j_h] = sum(multiply_1[i_h, k_h] * W1[k_h, j_h] for k_h < 64)",
        "matmul_divide_2: loops 0": "h[i_h, j_h] += multiply_1[i_h, k_h] * W1[k_h, j_h]",
        "matmul_divide_2: loops": "h_at[i_h, j_h] += multiply_1[",
        "matmul_divide_2: C": "load_f32x",
        "matmul_divide_2: assembly": "vfmadd",
    }
    for name, text in shown.items():
        stage = capture[name]
        lines = stage.text.splitlines()
        assert any(text in lines[number] for number in stage.lines_from(line)), name


@needs_tools
def test_the_loops_that_are_shown_compute_the_function(capture: Capture) -> None:
    arrays = arguments("mlp", S)
    memory = dict(zip(("x", "g", "W1", "W2"), arrays, strict=True))
    for stage in capture.at("loops"):
        if not stage.name.endswith(": loops"):
            continue
        function = parse(stage.text)
        for buffer in function.buffers:
            memory.setdefault(buffer.name, np.zeros(buffer.extents, np.float32))
        interpret(function, *(memory[buffer.name] for buffer in function.buffers))
    check("mlp", memory["result"], arrays)


@needs_tools
def test_each_step_of_a_schedule_is_a_stage_of_its_own(capture: Capture) -> None:
    notes = [stage.note for stage in capture.at("loops") if stage.name.startswith("matmul_result")]
    assert notes[0] == "The loops as the expressions say."
    assert notes[1].startswith("tile(loops=['i_result', 'j_result'], factors=[8, ")
    steps = [stage.text for stage in capture.at("loops")]
    assert all(one != other for one, other in pairwise(steps))


@needs_tools
def test_machine_code_of_a_helper_belongs_to_the_line_that_calls_it(capture: Capture) -> None:
    text = only(capture, "matmul_result: assembly").text
    assert not re.search(r"# (VECTORS|#include)", text)
    assert "call   omp_get_num_threads" in text


@needs_tools
def test_two_captures_are_the_same_to_the_byte(capture: Capture) -> None:
    again = lower(mlp, *arguments("mlp", S), through=["tensor-compiler"])["tensor-compiler"]
    assert again.stages == capture.stages


@needs_tools
def test_numbers_are_constants_and_arrays_in_containers_are_arguments() -> None:
    bias = {"bias": Array("f32", (4,))}
    capture = lower(scaled, Array("f32", (2, 4)), 0.5, bias, through=["tensor-compiler"])["tensor-compiler"]
    assert "x0 * 0.5" in capture["trace"].text


def test_a_refusal_is_the_compilers_own_sentence() -> None:
    capture = lower(branches, Array("f32", (3,)), through=["tensor-compiler"])["tensor-compiler"]
    assert capture.stages == ()
    assert capture.problem == (
        "tensor-compiler stopped before its first stage: the branch depends on the numbers of an array, "
        "which a trace does not know: choose with "
        f"where(condition, a, b) (test_tensor_compiler.py, line {line_of(branches, 'if xp.sum')})"
    )
