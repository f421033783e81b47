"""Every case of the suite that a CPU can run is run: real kernels, real oracles, a clock that is made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.measurement.toy_suite import ToyDevice

from gpu_matmul.rungs import RUNGS
from measurement import run_fresh
from measurement.record import source_of
from measurement.record.measure import measure
from measurement.record.result import FAILED, NOT_RUN, RIGHT
from recorded_kernels import cases, kernels
from recorded_kernels.suite import RECORDED, Sizes
from the_block import Size, cost

SMALL = Sizes(norm=Size(8, 48, 0), block=Size(8, 48, 64), copied=1500, side=32)

# Triton decides on import whether it interprets, so its cases have a process of their own, all of them
# one, because it takes seconds to load. A mutant's folder comes before that of the module it replaces.
INTERPRETED = """
import json, sys
import the_block
from measurement.record import measure as clock
from tests.measurement.toy_suite import ToyDevice
from tests.recorded_kernels.test_cases import SMALL
from recorded_kernels import cases
clock.SAMPLES = clock.WARM_UP = 2

def state(case):
    result = clock.measure(case, ToyDevice(), ToyDevice().peaks())
    return [result.state, result.reason]

found = {case.name: case for case in cases(SMALL, "cpu") if case.name.startswith("triton/")}
right = {name: state(case) for name, case in found.items()}
wrong = []
for folder, module, name in MUTANTS:
    the_block.__path__.insert(0, folder)
    sys.modules.pop(f"the_block.{module}", None)
    wrong.append(state(found[name]))
    assert sys.modules[f"the_block.{module}"].__file__.startswith(folder)
    the_block.__path__.pop(0)
    sys.modules.pop(f"the_block.{module}", None)
print(json.dumps([right, wrong]))
"""


def small(name: str) -> Any:
    return next(case for case in cases(SMALL, "cpu") if case.name == name)


def test_the_suite_names_what_each_chapter_shows_and_where_it_is() -> None:
    suite = kernels()
    assert {case.name.partition("/")[0] for case in suite.cases} == {"triton", "product", "inductor", "xla"}
    for case in suite.cases:
        path, name = source_of(case.kernel), case.kernel.partition(":")[2]
        assert f"def {name}(" in path.read_text(encoding="utf-8")
    floors = {case.name: (case.flops, case.moved) for case in suite.cases}
    assert floors["triton/rmsnorm"] == floors["inductor/rmsnorm"] == floors["xla/rmsnorm"]
    assert floors["xla/block"] == (cost("block", RECORDED.block).flops, cost("block", RECORDED.block).bytes)
    assert floors["triton/copy-stride-1"] == floors["triton/copy-stride-8"] == (0, 8 * RECORDED.copied)
    assert floors["triton/tiled-matmul"] == (2 * RECORDED.side**3, 12 * RECORDED.side**2)


def test_the_arguments_are_the_same_in_every_process() -> None:
    for case in cases(SMALL, "cpu"):
        first, second = case.arrays(), case.arrays()
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
        wanted = "float16" if case.name.startswith("product/") else "float32"
        assert {array.dtype.name for array in first} == {wanted}


@pytest.mark.parametrize("function", ["rmsnorm", "mlp", "attention", "block"])
def test_xla_computes_the_block(function: str) -> None:
    result = measure(small(f"xla/{function}"), ToyDevice(), ToyDevice().peaks())
    assert (result.state, result.reason) == (RIGHT, "")


@pytest.mark.parametrize("rung", [rung.name for rung in RUNGS])
def test_a_rung_is_for_its_gpu_alone_and_says_so(rung: str) -> None:
    sizes = replace(SMALL, side=128)
    case = next(case for case in cases(sizes, "cpu") if case.title.endswith(rung))
    result = measure(case, ToyDevice(), ToyDevice().peaks())
    assert (result.state, result.reason) == (
        NOT_RUN,
        "a and b must lie on one GPU; without one, compile the kernel instead of launching",
    )
    assert np.abs(case.oracle(*case.arrays())).max() > 1


def test_a_fault_of_a_rung_does_not_pass_for_a_gpu_that_is_missing() -> None:
    case = next(case for case in cases(SMALL, "cpu") if case.name.startswith("product/"))
    result = measure(case, ToyDevice(), ToyDevice().peaks())
    assert result.state == FAILED
    assert "M is 32; it must be a multiple of 128, the side of a tile" in result.reason


def test_without_a_gpu_for_jax_its_cases_are_not_run() -> None:
    case = next(case for case in cases(SMALL, "no_such_device") if case.name == "xla/mlp")
    result = measure(case, ToyDevice(), ToyDevice().peaks())
    assert (result.state, result.reason) == (
        NOT_RUN,
        "JAX sees no device of the kind 'no_such_device'; install jax-cuda13-plugin of JAX's version "
        "and leave JAX_PLATFORMS unset",
    )


@pytest.mark.slow
def test_inductor_computes_the_block() -> None:
    result = measure(small("inductor/block"), ToyDevice(), ToyDevice().peaks())
    assert (result.state, result.reason) == (RIGHT, "")


# A kernel's source before and after, and the case that must not come out right.
MUTANTS = [
    ("triton_rmsnorm", "tl.sum(values * values) / width", "tl.sum(values * values) / TILE", "triton/rmsnorm"),
    ("triton_rmsnorm", "unit * scale", "unit", "triton/rmsnorm"),
    ("triton_copy", "x + place * STRIDE", "x + place", "triton/copy-stride-8"),
    ("triton_copy", "y + place, values, mask=inside", "y + place, values, mask=inside & (place % 7 > 0)",
     "triton/copy-stride-1"),
    ("triton_matmul", "left = tl.load(a + row * SIZE + k)", "left = tl.load(a + row * SIZE)",
     "triton/naive-matmul"),
    ("triton_matmul", "tl.dot(left, right, total,", "tl.dot(left, left, total,", "triton/tiled-matmul"),
]  # fmt: skip


@pytest.mark.slow
def test_triton_kernels_are_right_in_the_interpreter_and_their_mutants_wrong(
    root: Path, tmp_path: Path
) -> None:
    folders = []
    for number, (module, before, after, name) in enumerate(MUTANTS):
        source = (root / "code" / "the_block" / f"{module}.py").read_text()
        assert source.count(before) == 1
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"{module}.py").write_text(source.replace(before, after))
        folders.append([str(folder), module, name])
    path = {"TRITON_INTERPRET": "1", "PYTHONPATH": f"{root / 'code'}:{root}"}
    right, wrong = run_fresh(f"MUTANTS = {folders!r}\n{INTERPRETED}", path, time_limit=900)
    assert right == {name: ["right", ""] for name in right}
    assert {name for *_, name in MUTANTS} == set(right)
    assert [state for state, _ in wrong] == ["wrong"] * len(MUTANTS), wrong
