"""Inductor from bytecode to machine code: what the stages say is what PyTorch's own objects say."""

from __future__ import annotations

import dis
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.lowering_explorer import functions
from tests.lowering_explorer.finding import line_of
from tests.lowering_explorer.places import check_parents, multiplies_at

from lowering_explorer import Array, Capture, Lowering, lower
from lowering_explorer.adapters.inductor_lines import unmarked
from lowering_explorer.lower import ENVIRONMENT

pytestmark = pytest.mark.slow


@pytest.fixture
def capture(norm: Lowering) -> Capture:
    return norm["inductor"]


def without_kernels(capture: Capture) -> list[str]:
    """The names of the stages in order, those of kernels without the kernel's name, each once."""
    return list(dict.fromkeys(re.sub(r" of cpp_\w+", "", stage.name) for stage in capture))


def test_reaches_the_assembly_in_order(capture: Capture) -> None:
    assert capture.problem == ""
    check_parents(capture)
    assert without_kernels(capture) == [
        *("bytecode", "FX graph", "FX graph after pre-grad passes", "ATen graph"),
        *("Inductor IR before fusion", "fusion decisions", "Inductor IR after fusion"),
        *("C++", "wrapper", "assembly", "bytecode after Dynamo", "guards"),
    ]


def test_a_gradient_adds_the_joint_graph_and_the_backward_pass(gradient: Lowering) -> None:
    capture = gradient["inductor"]
    assert capture.problem == ""
    check_parents(capture)
    names = without_kernels(capture)
    wanted = [
        *("bytecode", "FX graph", "joint graph", "forward graph", "backward graph"),
        *("Inductor IR before fusion", "C++", "assembly"),
        *("Inductor IR before fusion (backward)", "C++ (backward)", "assembly (backward)"),
    ]
    assert [name for name in names if name in wanted] == wanted
    assert capture["forward graph"].parent == capture["backward graph"].parent == "joint graph"
    # The gradient of g is a sum over the rows, that of x contains one along each row.
    assert "sum" not in capture["forward graph"].counts
    assert capture["backward graph"].counts["sum"] == 2
    line = line_of(functions.norm, "unit * g")
    for name in ("forward graph", "backward graph"):
        assert any("aten.mul" in capture[name].text.splitlines()[at] for at in capture[name].lines_from(line))


def test_dynamic_extents_are_symbols_all_the_way() -> None:
    arrays = Array("f32", (8, 64)), Array("f32", (64,))
    (capture,) = lower(functions.norm, *arrays, through=["inductor"], options={"dynamic": True})
    assert capture.problem == ""
    check_parents(capture)
    rows, width = re.findall(r'L_x_: "f32\[(\w+), (\w+)\]', capture["FX graph"].text)[0]
    for name in ("FX graph", "ATen graph", "wrapper"):
        assert re.search(rf"[\[(]{rows}, {width}[\])]", capture[name].text)
        assert not re.search(r"[\[(]8, 64[\])]", capture[name].text)
    (kernel,) = capture.at("vector IR")
    assert "const int64_t ks0" in kernel.text
    assert capture["guards"].counts["guards"] > 0


def test_the_multiplication_by_g_is_lit_in_every_stage(capture: Capture) -> None:
    found = multiplies_at(capture, line_of(functions.norm, "unit * g"))
    assert set(found) == {
        *("bytecode", "FX graph", "FX graph after pre-grad passes", "ATen graph"),
        *("Inductor IR before fusion", "Inductor IR after fusion", "C++", "wrapper", "assembly"),
    }
    assert [name for name, lit in found.items() if not lit] == []


def test_no_mark_of_the_adapter_is_left(norm: Lowering, gradient: Lowering) -> None:
    for stage in [*norm["inductor"], *gradient["inductor"]]:
        assert unmarked(stage.text)[0] == stage.text


def test_the_bytecode_is_that_of_python(capture: Capture) -> None:
    counts = dict(capture["bytecode"].counts)
    own = Counter(each.opname for each in dis.get_instructions(functions.norm) if each.opname != "CACHE")
    assert counts.pop("instructions") == own.total()
    assert counts == own


def graph_of(function: Any, *arguments: torch.Tensor) -> torch.fx.Graph:
    """What Dynamo hands to a compiler."""
    found: list[torch.fx.Graph] = []

    def keep(module: torch.fx.GraphModule, _: Any) -> torch.fx.GraphModule:
        found.append(module.graph)
        return module

    torch._dynamo.reset()
    torch.compile(function, backend=keep, fullgraph=True)(*arguments)
    return found[0]


def test_the_fx_graph_has_the_nodes_of_dynamo(capture: Capture) -> None:
    graph = graph_of(functions.norm, torch.ones(8, 64), torch.ones(64))
    called = [node for node in graph.nodes if node.op in ("call_function", "call_method")]
    counts = dict(capture["FX graph"].counts)
    assert counts.pop("operations") == len(called)
    assert counts == Counter(node.target.__name__.replace("truediv", "div") for node in called)


def test_every_fusion_takes_one_loop_nest_away(norm: Lowering, gradient: Lowering) -> None:
    for capture, suffix in (
        (norm["inductor"], ""),
        (gradient["inductor"], ""),
        (gradient["inductor"], " (backward)"),
    ):
        before = capture[f"Inductor IR before fusion{suffix}"].counts["loop nests"]
        names = [stage.name for stage in capture]
        if f"fusion decisions{suffix}" not in names:
            assert before == 1
            continue
        decisions = capture[f"fusion decisions{suffix}"]
        after = capture[f"Inductor IR after fusion{suffix}"].counts["loop nests"]
        assert decisions.counts["fusions"] >= 1
        assert before - after == decisions.counts["fusions"]


def test_the_wrapper_calls_each_kernel_and_says_what_they_move(capture: Capture) -> None:
    kernels = [stage.name.removeprefix("C++ of ") for stage in capture.at("vector IR")]
    assert capture["wrapper"].counts["kernels"] == len(kernels)
    assert all(f"{kernel}(" in capture["wrapper"].text for kernel in kernels)
    x, g, y, mean = 8 * 64 * 4, 64 * 4, 8 * 64 * 4, 8 * 4
    moved = capture["wrapper"].counts["bytes read or written"]
    assert x + g + y <= moved <= x + g + y + 2 * mean


def test_the_vector_code_is_as_wide_as_the_registers(capture: Capture) -> None:
    (kernel,), (assembly,) = capture.at("vector IR"), capture.at("assembly")
    assert kernel.counts["vector loads"] >= 2
    assert kernel.counts["vector stores"] >= 1
    bits = assembly.counts["widest vector register in bits"]
    step = re.findall(r"static_cast<int64_t>\((\d+)L\)\)\s*$", kernel.text, re.MULTILINE)
    assert str(bits // 32) in step


COMPILING = """
import torch
from tests.lowering_explorer.functions import norm
torch.compile(norm)(torch.rand(8, 64), torch.rand(64))
"""


def test_the_assembly_has_as_many_instructions_as_the_library(capture: Capture, tmp_path: Path) -> None:
    environment = {**os.environ, **ENVIRONMENT, "TORCHINDUCTOR_VEC_ISA_OK": "1"}
    environment["TORCHINDUCTOR_CACHE_DIR"] = str(tmp_path)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", COMPILING], env=environment, check=True)
    command = ["objdump", "--disassemble=kernel", "--no-show-raw-insn", *tmp_path.rglob("*.so")]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    codes = re.findall(r"^ +[0-9a-f]+:\t(.*?)\s*$", listing, re.MULTILINE)
    runs = [code for code in codes if not re.match(r"nop|data16|cs |xchg +%ax,%ax", code)]
    (assembly,) = capture.at("assembly")
    assert len(runs) == assembly.counts["instructions"]
