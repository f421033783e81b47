"""Passes are watched truly, rules leave what they are given, and a database replays what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

tvm = pytest.importorskip("tvm")

from the_block import M, S, arguments, block, check, mlp  # noqa: E402 -- TVM may be missing
from the_block.compilers import with_tvm  # noqa: E402
from tvm_tour import gpu, search  # noqa: E402
from tvm_tour.passes import PassWatch, kernels_of  # noqa: E402
from tvm_tour.two_levels import TwoLevels  # noqa: E402


@pytest.fixture(scope="module")
def target() -> Any:
    return search.this_cpu()


def test_a_watch_tells_a_pass_that_changed_the_module_from_one_that_did_not(target: Any) -> None:
    imported = with_tvm(mlp, arguments(mlp, S)).imported
    watch = PassWatch()
    with target, tvm.transform.PassContext(instruments=[watch.instrument()]):
        once = tvm.relax.transform.LegalizeOps()(imported)
        tvm.relax.transform.LegalizeOps()(once)
        tvm.s_tir.transform.LowerInitBlock()(once)
    seen = [(run.name, run.level) for run in watch.runs if run.name in ("LegalizeOps", "LowerInitBlock")]
    assert seen == [("LegalizeOps", "Relax"), ("LegalizeOps", "Relax"), ("LowerInitBlock", "TensorIR")]
    first, second = (run for run in watch.runs if run.name == "LegalizeOps")
    assert (first.changed, second.changed) == (True, False)
    assert first.kernels == kernels_of(once) > kernels_of(imported) == 0


def test_rules_for_a_gpu_leave_the_module_that_they_are_given() -> None:
    module = gpu.product(256, "float16")
    before = module.script()
    scheduled = gpu.scheduled(module, "nvidia/nvidia-a100")
    assert module.script() == before != scheduled.script()
    assert "mma_sync" in gpu.cuda_source(scheduled, "nvidia/nvidia-a100")


def test_an_unscheduled_function_has_no_cuda_source() -> None:
    assert gpu.cuda_source(gpu.product(64, "float32"), "nvidia/nvidia-a100") == ""


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as refusal:
        search.database(tmp_path / "workloads.jsonl", tmp_path / "records.jsonl")
    assert str(refusal.value) == f"there is no {tmp_path}/workloads.jsonl; run the search that records it"
    assert list(tmp_path.iterdir()) == []


def scheduled_kernels(module: Any) -> set[str]:
    return {
        name.name_hint
        for name, function in module.functions_items()
        if function.attrs and "tirx.is_scheduled" in function.attrs
    }


@pytest.mark.slow
def test_the_recorded_search_replays_what_it_knows_and_is_right(target: Any, root: Path) -> None:
    recorded = root / "book" / "recorded"
    files = recorded / "tvm_workloads.jsonl", recorded / "tvm_records.jsonl"
    database = search.database(*files)
    arrays = arguments(block, M)
    kernels = search.fused(with_tvm(block, arrays).imported, target)
    tuned = search.replayed(kernels, target, database)
    assert scheduled_kernels(kernels) == set()
    assert scheduled_kernels(tuned) == set(search.measured(kernels, *files)) != set()
    result = search.machine_of(search.compiled(tuned, target))["main"](*map(tvm.runtime.tensor, arrays))
    check(block, result.numpy(), arrays)
    small = search.fused(with_tvm(block, arguments(block, S)).imported, target)
    assert scheduled_kernels(search.replayed(small, target, database)) == set()


def test_two_levels_in_one_module_compute_the_perceptron(target: Any) -> None:
    machine = search.machine_of(search.compiled(search.fused(TwoLevels, target), target))
    for tokens in (1, 5):
        inputs = arguments(mlp, type(S)(tokens, S.width, S.hidden))
        check(mlp, machine["main"](*map(tvm.runtime.tensor, inputs)).numpy(), inputs)
