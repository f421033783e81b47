"""MetaSchedule on a function: a search that leaves a database, and its replay without a search."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import tvm
import tvm_ffi
from tvm import relax
from tvm.relax.backend.cpu_generic import pipeline as cpu

from lowering_explorer.adapters.frame_modules import remembered_misses


def this_cpu() -> Any:
    """The target: LLVM for this processor, with all its cores."""
    processor = tvm.target.codegen.llvm_get_system_cpu()
    return tvm.target.Target({"kind": "llvm", "mcpu": processor, "num-cores": os.cpu_count() or 1})


def fused(imported: Any, target: Any) -> Any:
    """An imported Relax module after TVM's pipeline up to FuseTIR: kernels, and calls of them."""
    with target:
        passes = [*cpu.library_dispatch_passes(target), *cpu.legalize_passes(target)]
        return tvm.transform.Sequential(passes)(imported)


def compiled(kernels: Any, target: Any) -> Any:
    """The executable of a fused module: the rest of the pipeline, which plans memory and makes code."""
    with target:
        passes = [*cpu.dataflow_lower_passes(target), *cpu.finalize_passes(target)]
    return tvm.compile(kernels, target=target, relax_pipeline=tvm.transform.Sequential(passes))


def machine_of(executable: Any) -> Any:
    """A virtual machine that runs the executable on the CPU."""
    return relax.VirtualMachine(executable, tvm.cpu())


def tune(
    kernels: Any, target: Any, folder: Path, trials: int, *, names: Sequence[str] = (), seed: int = 0
) -> None:
    """Search schedules for the kernels of a fused module, measure `trials` of them, keep all in `folder`.

    `names` restricts the search to kernels that have one of them in their name; their candidates share the
    trials by how much each promises. The database is the two files that `replayed` reads.
    """
    with remembered_misses():
        from tvm.s_tir import meta_schedule

        runs = meta_schedule.runner.EvaluatorConfig(number=1, repeat=2, min_repeat_ms=10)
        meta_schedule.relax_integration.tune_relax(
            kernels,
            {},
            target,
            str(folder),
            trials,
            num_trials_per_iter=16,
            op_names=list(names) or None,
            builder=meta_schedule.builder.LocalBuilder(
                max_workers=1, timeout_sec=90, initializer=_start_worker
            ),
            runner=meta_schedule.runner.LocalRunner(
                timeout_sec=60, evaluator_config=runs, initializer=_start_worker
            ),
            cost_model="xgb",
            seed=seed,
        )


def _start_worker() -> None:
    """Each worker imports TVM's tensor intrinsics, which takes a minute unless misses are remembered."""
    remembered_misses().__enter__()


def database(workloads: Path, records: Path) -> Any:
    """The database that a search left. Raises FileNotFoundError instead of making an empty one."""
    for path in (workloads, records):
        if not path.exists():
            raise FileNotFoundError(f"there is no {path}; run the search that records it")
    with remembered_misses():
        from tvm.s_tir import meta_schedule

        return meta_schedule.database.JSONDatabase(str(workloads), str(records), allow_missing=False)


def measured(kernels: Any, workloads: Path, records: Path) -> dict[str, list[float]]:
    """Of each kernel of a fused module that was tuned, the mean seconds of its candidates as they came."""
    with remembered_misses():
        from tvm.s_tir.meta_schedule.database import Workload

        tuned = [Workload.from_json(json.loads(line)).mod for line in workloads.read_text().splitlines()]
    found: dict[str, list[float]] = {}
    for line in records.read_text().splitlines():
        number, (_, seconds, *_) = json.loads(line)
        for variable, kernel in kernels.functions_items():
            if isinstance(kernel, tvm.tirx.PrimFunc) and tvm_ffi.structural_equal(
                kernel.body, tuned[number]["main"].body, map_free_vars=True
            ):
                found.setdefault(variable.name_hint, []).append(fmean(seconds))
    return found


def replayed(kernels: Any, target: Any, found: Any) -> Any:
    """The fused module with the best schedule in the database `found` for each kernel that it knows."""
    with target, found:
        return relax.transform.MetaScheduleApplyDatabase()(kernels)
