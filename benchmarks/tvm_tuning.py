"""The search that projects/tvm replays: python -m benchmarks.tvm_tuning

MetaSchedule tunes the matrix products of the Block at size M for this CPU, one after the other, each with 16
trials at least. What it measured stays in book/recorded as its own database, `tvm_workloads.jsonl` and
`tvm_records.jsonl`; `tvm_tuning.json` says with what, when and where.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[1] / "book" / "recorded"
PACKAGES = ("apache-tvm", "apache-tvm-ffi", "xgboost-cpu", "torch", "numpy")
FILES = {"database_workload.json": "tvm_workloads.jsonl", "database_tuning_record.json": "tvm_records.jsonl"}


def main() -> None:
    """Tune, or take what a search found; compare with the untuned Block; write the three files."""
    parser = argparse.ArgumentParser(description="Tune the Block with MetaSchedule; takes minutes to an hour")
    parser.add_argument("--trials", type=int, default=96, help="schedules to measure, in all")
    parser.add_argument("--work", type=Path, default=Path("_build/tvm_tuning"), help="where the search works")
    options = parser.parse_args()
    os.environ["TVM_NUM_THREADS"] = "1"  # read when TVM is loaded, here and in its workers

    import tvm

    from measurement import compare, describe_machine
    from the_block import M, arguments, block, check
    from the_block.compilers import with_tvm
    from tvm_tour.search import compiled, database, fused, machine_of, replayed, this_cpu, tune

    target = this_cpu()
    arrays = arguments(block, M)
    kernels = fused(with_tvm(block, arrays).imported, target)
    folder = options.work
    folder.mkdir(parents=True)  # a search would go on from what it finds there
    tune(kernels, target, folder, options.trials, names=["matmul"])
    paths = [RECORDED / name for name in FILES.values()]
    for (found, _), path in zip(FILES.items(), paths, strict=True):
        shutil.copy(folder / found, path)

    tuned = replayed(kernels, target, database(*paths))
    machines = [machine_of(compiled(each, target)) for each in (kernels, tuned)]
    tensors = [tvm.runtime.tensor(array) for array in arrays]
    check(block, machines[1]["main"](*tensors).numpy(), arrays)
    calls = [lambda machine=machine: machine["main"](*tensors) for machine in machines]
    comparison = compare(*calls, pairs=10, names=("untuned", "tuned"))
    began, ended = ((folder / name).stat().st_mtime for name in FILES)  # the first is written once
    stamp = {
        "script": "python -m benchmarks.tvm_tuning",
        "date": datetime.fromtimestamp(ended, UTC).isoformat(timespec="seconds"),
        "seconds": round(ended - began),
        "machine": describe_machine(),
        "target": str(target.attrs["mcpu"]),
        "versions": {name: version(name) for name in PACKAGES},
        "trials": len(paths[1].read_text().splitlines()),
        "block": {
            "ratio": comparison.ratio,
            "median": comparison.median,
            "interval": comparison.interval,
            "clock": comparison.clock,
            "pairs": comparison.pairs,
        },
    }
    (RECORDED / "tvm_tuning.json").write_text(json.dumps(stamp, indent=1) + "\n")
    print(comparison)


if __name__ == "__main__":
    main()
