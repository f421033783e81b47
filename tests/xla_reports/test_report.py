"""Reports of real compilations, held against what JAX's own objects say of the same program."""

from __future__ import annotations

import itertools
import subprocess

import jax
import numpy as np
import pytest

from lowering_explorer import Capture, lower
from lowering_explorer.adapters import hlo_text
from lowering_explorer.function_source import NotSendable
from the_block import S, arguments, block
from xla_reports import CompilationFailed, Report, report
from xla_reports.report import _cause

pytestmark = pytest.mark.slow

ARRAYS = arguments(block, S)


@pytest.fixture(scope="module")
def block_report() -> Report:
    return report(block, *ARRAYS)


@pytest.fixture(scope="module")
def capture() -> Capture:
    return lower(block, *ARRAYS, through=["xla"])["xla"]


def test_the_kernels_are_those_of_the_capture(block_report: Report, capture: Capture) -> None:
    entry = hlo_text.kernels(capture["fused HLO"].text)
    assert [each.name for each in block_report.kernels] == [name for name, _ in entry]
    kinds = [each.kind for each in block_report.kernels]
    counts = capture["fused HLO"].counts
    assert kinds.count("library fusion") == counts["library fusions"]
    assert kinds.count("loop fusion") == counts["loop fusions"]


def test_every_pass_that_the_dumps_show_changing_the_module_is_in_the_log(
    block_report: Report, capture: Capture
) -> None:
    dumped = [
        stage.name.removeprefix("HLO after ").partition(" (")[0]
        for stage in capture
        if stage.name.startswith("HLO after ") and "start of" not in stage.name
    ]
    changed = [each.name for each in block_report.passes if each.changed]
    assert len(dumped) > 10
    assert changed == dumped


def test_sizes_chain_from_the_program_to_the_optimised_module(block_report: Report, capture: Capture) -> None:
    ran = block_report.passes
    assert all(one.after == other.before for one, other in itertools.pairwise(ran))
    assert ran[-1].after == capture["fused HLO"].text.count(" = ")
    assert all(one.before == one.after for one in ran if not one.changed)


def test_the_plan_agrees_with_the_memory_analysis_and_has_no_collision(block_report: Report) -> None:
    analysis = jax.jit(block).lower(*ARRAYS).compile().memory_analysis()
    plan = block_report.memory
    assert plan.size("temporary") == analysis.temp_size_in_bytes
    assert plan.size("argument") == analysis.argument_size_in_bytes
    assert plan.size("result") == analysis.output_size_in_bytes
    assert plan.collisions() == []
    assert plan.in_place()
    computed = {each.name for each in block_report.kernels}
    assert computed <= {value.name for value in plan.values}
    assert computed <= set(plan.schedule)


def test_an_option_changes_the_report(block_report: Report) -> None:
    plain = report(block, *ARRAYS, options={"xla_cpu_experimental_ynn_fusion_type": ""})
    assert not [each for each in plain.kernels if each.kind == "library fusion"]
    assert [each for each in block_report.kernels if each.kind == "library fusion"]


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(CompilationFailed, match=r"^XLA refused: .*No such compile option: 'xla_no_such'"):
        report(block, *ARRAYS, options={"xla_no_such": True})


def test_a_function_that_cannot_travel_is_refused_before_any_process_starts() -> None:
    with pytest.raises(NotSendable, match="is not callable; pass a function"):
        report(np.ones(3), np.ones(3))


def test_a_process_that_is_killed_is_called_by_its_signal() -> None:
    dead = subprocess.CompletedProcess([], -9, "", "")
    assert _cause(dead) == "XLA's process died with SIGKILL"
    assert _cause(subprocess.CompletedProcess([], 1, "", "")) == "XLA refused: no reason given"


def test_a_compilation_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(CompilationFailed, match=r"still at work after 0\.01 s; raise the time limit"):
        report(block, *ARRAYS, time_limit=0.01)
