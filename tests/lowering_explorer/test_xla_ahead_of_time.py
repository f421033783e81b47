"""XLA for GPUs and TPUs, ahead of time, where the plugins are installed; the refusals everywhere.

The captures were run with jax 0.10.2, jax-cuda13-plugin and jax-cuda13-pjrt 0.10.2, and libtpu 0.0.42.1, on a
machine without GPU and TPU. The plugins are optional, so that most machines run the refusals alone.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from tests.lowering_explorer import array_functions
from tests.lowering_explorer.finding import line_of, only

import the_block
from lowering_explorer import Capture, Stage, lower
from lowering_explorer.adapters.xla_ahead import plain, with_places
from lowering_explorer.argument import Array
from lowering_explorer.stage import LEVELS

ROWS, WIDTH = 512, 1024
X, G = Array("f32", (ROWS, WIDTH)), Array("f32", (WIDTH,))
PLUGINS = {"xla-gpu": "jax-cuda13-plugin", "xla-tpu": "libtpu"}
MISSING = {
    "xla-gpu": "xla-gpu needs jax-cuda13-plugin, which is not installed: "
    "pip install 'jax-cuda13-plugin>=0.10.2,<0.10.3'",
    "xla-tpu": "xla-tpu needs libtpu, which is not installed: pip install 'libtpu>=0.0.42,<0.0.43'",
}


def installed(compiler: str) -> bool:
    try:
        importlib.metadata.version(PLUGINS[compiler])
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def needs(compiler: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not installed(compiler),
        reason=f"{PLUGINS[compiler]} is optional and not installed; its captures were run with the versions "
        "that the docstring of this file names",
    )


def captured(compiler: str, function: Callable[..., Any], *arguments: Array, **options: Any) -> Capture:
    return lower(function, *arguments, through=[compiler], options=options)[compiler]


@cache
def rmsnorm(compiler: str) -> Capture:
    return captured(compiler, the_block.rmsnorm, X, G)


@pytest.mark.parametrize("compiler", PLUGINS)
def test_names_the_plugin_that_is_missing(compiler: str) -> None:
    if installed(compiler):
        pytest.skip(f"{PLUGINS[compiler]} is installed")
    capture = rmsnorm(compiler)
    assert capture.problem == MISSING[compiler]
    assert capture.stages == ()


@pytest.mark.slow
@needs("xla-gpu")
def test_gpu_reaches_every_level_in_order() -> None:
    capture = rmsnorm("xla-gpu")
    assert capture.problem == ""
    levels = [LEVELS.index(stage.level) for stage in capture]
    assert levels == sorted(levels)
    assert {stage.level for stage in capture} == {"graph", "tensor IR", "loops", "LLVM IR", "assembly"}
    names = [stage.name for stage in capture]
    assert len(set(names)) == len(names)
    after_passes = [stage.text for stage in capture if stage.name.startswith("HLO")]
    assert all(before != after for before, after in pairwise(after_passes))
    assert all(stage.parent in names for stage in capture if stage.name != "jaxpr")


@pytest.mark.slow
@needs("xla-gpu")
def test_gpu_fuses_the_norm_into_one_kernel() -> None:
    capture = rmsnorm("xla-gpu")
    fused = capture["fused HLO"]
    assert fused.counts["kernels"] == fused.counts["Triton fusions"] == 1
    assert '"kind":"__triton' in fused.text
    (launch,) = capture["thunks"].text.splitlines()
    kernel, programs, threads = re.fullmatch(  # type: ignore[union-attr]
        r"CustomKernel +(\w+) grid: \[(\d+), 1, 1\] threads: \[(\d+), 1, 1\]  shared_memory: \d+ bytes",
        launch,
    ).groups()
    tile = re.search(r'"num_warps":"(\d+)","output_tiles":\[\{"sizes":\["(\d+)","1024"\]', fused.text)
    assert tile
    assert int(threads) == 32 * int(tile[1])
    assert int(programs) == ROWS // int(tile[2])
    assert "fused " in capture["fusion decisions"].text
    ptx = only(capture, "PTX")
    assert f".visible .entry {kernel}(" in ptx.text
    assert ".target sm_90a" in ptx.text
    assert ptx.counts["vector load"] == len(re.findall(r"\bld\.\w+\.v\d", ptx.text))
    assert ptx.counts["shuffle"] == ptx.text.count("shfl.sync")


@pytest.mark.slow
@needs("xla-gpu")
def test_gpu_multiplies_matrices_in_triton_for_the_target() -> None:
    half = Array("f16", (256, 256))
    capture = captured("xla-gpu", array_functions.product, half, half, targets=("sm_80",))
    ptx = [stage for stage in capture if stage.language == "ptx"]
    assert any(stage.counts.get("matrix multiply") for stage in ptx)
    assert all(".target sm_80" in stage.text for stage in ptx)


@pytest.mark.slow
@needs("xla-gpu")
def test_gpu_refuses_in_one_sentence() -> None:
    assert captured("xla-gpu", the_block.rmsnorm, X, G, targets=("sm_70",)).problem == (
        "xla-gpu stopped before its first stage: no GPU is described for 'sm_70'; targets are sm_80 (A100), "
        "sm_90 (H100), sm_100 (B200)"
    )


@pytest.mark.slow
@needs("xla-tpu")
def test_tpu_lays_arrays_out_in_tiles_and_memories() -> None:
    capture = rmsnorm("xla-tpu")
    assert capture.problem == ""
    assert [stage.name for stage in capture] == ["jaxpr", "StableHLO", "fused HLO"]
    fused = capture["fused HLO"]
    assert "f32[512,1024]{1,0:T(8,128)} parameter(0)" in fused.text
    assert "S(1)}" in fused.text
    assert "backend_config" not in fused.text
    assert fused.counts["bytes of results"] == 4 * ROWS * WIDTH
    assert fused.counts["fusion operations"] == len(re.findall(r"^  .* fusion\(", fused.text, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("compiler", [pytest.param(compiler, marks=needs(compiler)) for compiler in PLUGINS])
class TestEach:
    def test_finds_the_multiply_by_its_line(self, compiler: str) -> None:
        capture = captured(compiler, array_functions.scaled, X, G)
        line = line_of(array_functions.scaled, "unit * g")
        for name, written in (
            ("jaxpr", " mul "),
            ("StableHLO", "stablehlo.multiply"),
            ("fused HLO", "multiply("),
        ):
            rows = capture[name].text.splitlines()
            assert any(written in rows[number] for number in capture[name].lines_from(line)), name

    def test_is_the_same_in_every_process(self, compiler: str) -> None:
        assert captured(compiler, the_block.rmsnorm, X, G).stages == rmsnorm(compiler).stages

    def test_says_nothing_of_the_device_that_was_named(self, compiler: str) -> None:
        for stage in rmsnorm(compiler):
            assert "sharding=" not in stage.text.replace("out_sharding=None", ""), stage.name
            assert "sdy." not in stage.text, stage.name

    def test_refuses_a_branch_on_a_value(self, compiler: str) -> None:
        line = line_of(array_functions.by_value, "if x.sum()")
        assert captured(compiler, array_functions.by_value, X).problem == (
            f"{compiler} stopped before its first stage: TracerBoolConversionError: Attempted boolean "
            f"conversion of traced array with shape bool[] (array_functions.py, line {line}). The function "
            "decides by the value of an array, which is not known when it is compiled: use jax.lax.cond, "
            "jax.lax.while_loop or jax.numpy.where."
        )


NUMBERED = """HloModule m

FileNames
1 "start.py"
2 "block.py"

FunctionNames
1 "f"

FileLocations
1 {file_name_id=1 function_name_id=1 line=7 end_line=7 column=1 end_column=2}
2 {file_name_id=2 function_name_id=1 line=32 end_line=32 column=3 end_column=9}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=2 parent_frame_id=1}

ENTRY %main (x: f32[]) -> f32[] {
  %x = f32[] parameter(0), metadata={op_name="x"}
  ROOT %y = f32[] negate(%x), metadata={op_name="neg" stack_frame_id=2}
}
"""


def test_numbered_stack_frames_become_places() -> None:
    found = with_places(NUMBERED)
    assert 'negate(%x), metadata={op_name="neg" source_file="block.py" source_line=32}' in found
    assert found.replace('source_file="block.py" source_line=32', "stack_frame_id=2") == NUMBERED


def test_what_nobody_set_is_left_out() -> None:
    text = (
        "  %x = f32[2]{0} parameter(0), sharding={replicated}, "
        'frontend_attributes={xla.sdy.sharding="#sdy"}\n'
        '  %y = f32[2]{0} fusion(%x), backend_config={"operation_queue_id":"0","reification_cost":[]}\n'
        '  %z = f32[2]{0} fusion(%y), backend_config={"operation_queue_id":"0","kind":"__triton"}\n'
    )
    assert plain(Stage("HLO", "loops", "hlo", text)).text == (
        "  %x = f32[2]{0} parameter(0)\n"
        "  %y = f32[2]{0} fusion(%x)\n"
        '  %z = f32[2]{0} fusion(%y), backend_config={"kind":"__triton"}\n'
    )
    mesh = (
        "module {\n  sdy.mesh @empty_mesh = <[]>\n"
        "  func.func @f(%a: i1 {sdy.sharding = #sdy.sharding<@m>})\n}\n"
    )
    stage = plain(Stage("StableHLO", "tensor IR", "mlir", mesh, "", ((), (1,), (2,), ())))
    assert stage.text == "module {\n  func.func @f(%a: i1)\n}\n"
    assert stage.source_lines == ((), (2,), ())
