"""Triton from its source to the instructions of three GPUs."""

from __future__ import annotations

import itertools
import re

import pytest
from tests.lowering_explorer import kernels
from tests.lowering_explorer.finding import line_of
from tests.lowering_explorer.places import check_parents, multiplies_at

from lowering_explorer import Array, Capture, Lowering, lower

pytestmark = pytest.mark.slow

X, G = Array("f32", (8, 64)), Array("f32", (64,))


@pytest.fixture
def capture(triton_norm: Lowering) -> Capture:
    return triton_norm["triton"]


def test_reaches_the_machine_code_of_each_target(capture: Capture) -> None:
    assert capture.problem == ""
    check_parents(capture)
    order = [re.sub(r" after .*", "", stage.name) for stage in capture]
    assert list(dict.fromkeys(order)) == [
        *("Triton source", "TTIR", "TTGIR", "LLVM IR for sm_90", "PTX for sm_90", "SASS for sm_90"),
        *("TTGIR for sm_80", "PTX for sm_80", "SASS for sm_80", "TTGIR for gfx942", "assembly for gfx942"),
    ]
    assert "TTGIR after convert-triton-to-tritongpu" in [stage.name for stage in capture]


def test_each_pass_that_is_shown_changed_the_module(capture: Capture) -> None:
    passes = [stage for stage in capture if stage.name.startswith(("TTIR", "TTGIR after"))]
    assert len(passes) >= 6
    assert all(after.parent == before.name for before, after in itertools.pairwise(passes))
    assert all(after.text != before.text for before, after in itertools.pairwise(passes))
    layouts = ["#blocked" in stage.text for stage in passes]
    assert layouts == ["TTGIR" in stage.name for stage in passes]


def test_the_multiplication_by_g_is_lit_in_every_stage(capture: Capture) -> None:
    found = multiplies_at(capture, line_of(kernels.norm_kernel, "unit * g"))
    assert len(found) == len(capture.stages) >= 5
    assert [name for name, lit in found.items() if not lit] == []


def test_an_operation_on_tiles_stays_one_until_threads_share_it(capture: Capture) -> None:
    for name in ("TTIR after cse", "TTGIR for sm_80", "TTGIR for gfx942"):
        load = "amdg.buffer_load" if "gfx" in name else "tt.load"  # whose descriptor checks the bounds
        assert capture[name].counts[load] == 2
        assert capture[name].counts["tt.reduce"] == 1
    assert "tt.load" not in capture["LLVM IR for sm_90"].counts


def test_sass_fills_the_addresses_that_it_counts(capture: Capture) -> None:
    for name in ("SASS for sm_90", "SASS for sm_80"):
        text = capture[name].text
        addresses = [int(at, 16) for at in re.findall(r"^\s+/\*([0-9a-f]{4,})\*/", text, re.MULTILINE)]
        assert addresses == list(range(0, 16 * len(addresses), 16))  # each instruction has 16 bytes
        padding = len(re.findall(r"^\s+/\*[0-9a-f]+\*/\s+NOP\s*;", text, re.MULTILINE))
        assert capture[name].counts["instructions"] == len(addresses) - padding


def test_registers_are_at_least_those_that_are_named(capture: Capture) -> None:
    for target in ("sm_90", "sm_80"):
        sass = capture[f"SASS for {target}"]
        named = max(int(number) for number in re.findall(r"\bR(\d+)\b", sass.text))
        assert named < sass.counts["registers"] <= 255
    amd = capture["assembly for gfx942"]
    named = max(int(number) for number in re.findall(r"\bv(\d+)\b", amd.text))
    assert named < amd.counts["registers"]


def test_a_row_of_64_needs_shuffles_and_one_exchange(capture: Capture) -> None:
    sass = capture["SASS for sm_90"].counts
    assert sass["shuffle"] >= 5  # log2(32) steps sum a warp
    assert sass["barrier"] >= 1  # four warps meet once
    assert sass["shared bytes"] > 0


@pytest.mark.parametrize(
    ("kernel", "arguments", "options", "sentence"),
    [
        (
            kernels.misspelt_kernel,
            (X,),
            {},
            "triton stopped after the stage 'Triton source': kernels.py, line {line}: "
            "AttributeError(\"module 'triton.language' has no attribute 'frobnicate'\")",
        ),
        (
            kernels.tuned_kernel,
            (X,),
            {},
            "triton stopped before its first stage: triton.autotune would time this kernel's configurations "
            "on a GPU; take the decorator off and pass the constants of one configuration",
        ),
        (
            kernels.scale_kernel,
            (X, X, X),
            {},
            "triton stopped before its first stage: this is a kernel of Gluon; capture it through gluon",
        ),
        (
            kernels.norm_kernel,
            (X, G, X),
            {},
            "triton stopped before its first stage: norm_kernel: missing a required argument: 'width'; "
            "pass its arrays and numbers in order, its constants by name",
        ),
        (
            kernels.norm_kernel,
            (X, G, X, 64),
            {"targets": ["sm_12"]},
            "triton stopped before its first stage: there is no target 'sm_12'; targets are sm_75, sm_80, "
            "sm_86, sm_89, sm_90, sm_100, sm_103, sm_120, gfx90a, gfx942, gfx950, gfx1100",
        ),
    ],
)
def test_refuses_in_one_sentence(
    kernel: object, arguments: tuple[object, ...], options: dict[str, object], sentence: str
) -> None:
    line = line_of(kernels.misspelt_kernel, "frobnicate")
    (capture,) = lower(kernel, *arguments, BLOCK=64, through=["triton"], options=options)
    assert capture.problem == sentence.format(line=line)
    assert len(capture.stages) == ("after the stage" in sentence)


def test_refuses_a_function_that_is_no_kernel() -> None:
    (capture,) = lower(line_of, "x", "y", through=["triton"])
    assert capture.problem == (
        "triton stopped before its first stage: triton takes a kernel decorated with triton.jit; "
        "for a plain function take xla, inductor or tvm"
    )


def test_a_target_that_refuses_leaves_the_others(gluon_scale: Lowering) -> None:
    one = Array("f32", (512,))
    options = {"targets": ["sm_90", "gfx942"]}
    (capture,) = lower(kernels.scale_kernel, one, one, one, BLOCK=128, through=["gluon"], options=options)
    assert [stage.name for stage in capture] == [
        stage.name for stage in gluon_scale["gluon"] if stage.name.partition(" for ")[2] in ("", "sm_90")
    ]
    assert capture.problem.startswith(
        "gluon stopped after the stage 'SASS for sm_90': gfx942 refuses the kernel: kernels.py:"
    )
    assert "Result has an invalid layout" in capture.problem
