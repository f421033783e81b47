"""tensor_compiler against NumPy, PyTorch, Inductor, XLA and TVM: python -m benchmarks.tensor_compiler

Threads are fixed when a process starts, so each peer gets a process of its own for each number of threads.
All are alive together. In each round every process runs a sample of each workload, in random order; the pair
of a peer and ours in a round gives one ratio, and the median of the ratios with its interval is what is
printed. One thread is measured in CPU time; two in wall time, where the half of the pairs counts in which
the fewest other tasks wanted a processor. A run of all workloads and peers leaves its figures as JSON in
book/recorded, where the chapter hands_on/build_tuning reads them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.tensor_compiler.peers import PEERS
from benchmarks.tensor_compiler.workloads import WORKLOADS, Workload, expected

from measurement import ALLOCATOR, MachineCard, attainable, measure_machine, single_threaded
from measurement.comparison import median_with_interval
from tensor_compiler import host_target

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "book" / "recorded" / "tensor_compiler.json"
SAMPLE = 0.05  # seconds of a sample, at least one call
PACKAGES = ("numpy", "torch", "jax", "apache-tvm")
PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}  # idle threads sleep


class Process:
    """The worker of a peer."""

    def __init__(self, peer: str, threads: int, cache: Path) -> None:
        environment = {**os.environ, **single_threaded(threads), **ALLOCATOR, **PASSIVE}
        environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'code'}", "TENSOR_COMPILER_CACHE": str(cache)}
        environment |= {"JAX_PLATFORMS": "cpu", "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor")}
        command = [sys.executable, "-m", "benchmarks.tensor_compiler.worker", peer]
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(cache / f"{peer}.log").open("w"),
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else {"failed": "the process ended"}


@contextmanager
def running(peer: str, threads: int, cache: Path) -> Iterator[Process]:
    worker = Process(peer, threads, cache)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def ready(
    workload: Workload, workers: dict[str, Process], cache: Path
) -> tuple[dict[str, Process], dict[str, Any]]:
    """The workers that computed the workload right; the answer of ours, and why others have none."""
    wanted = cache / "expected.npy"
    np.save(wanted, expected(workload))
    able, own = {}, {"missing": dict[str, str]()}
    for peer, worker in workers.items():
        answer = worker.ask(prepare=workload.name, expected=str(wanted))
        if "error" in answer:
            able[peer] = worker
            own |= answer if peer == "ours" else {}
        else:
            own["missing"][peer] = answer.get("missing") or answer["failed"]
            if "failed" in answer:
                print(f"    {workload.name}, {peer}: {answer['failed']}", flush=True)
    return able, own


Sample = dict[str, float]


def measured(
    workload: Workload, workers: dict[str, Process], rounds: int, clock: str
) -> dict[str, list[Sample]]:
    """A sample for each worker in each round."""
    calls = {}
    for peer, worker in workers.items():
        worker.ask(time=workload.name, calls=1)
        first = worker.ask(time=workload.name, calls=1)
        calls[peer] = max(1, round(SAMPLE * 1e9 / max(first[clock], 1)))
    samples: dict[str, list[Sample]] = {peer: [] for peer in workers}
    order = random.Random(0)
    for _ in range(rounds):
        for peer in order.sample(list(workers), k=len(workers)):
            samples[peer].append(workers[peer].ask(time=workload.name, calls=calls[peer]))
    return samples


def ratio(peer: list[Sample], ours: list[Sample], clock: str) -> tuple[float, tuple[float, float]]:
    """How many times longer the peer takes: the median over the pairs that count, and its interval."""
    pairs = list(zip(peer, ours, strict=True))
    if clock == "wall":
        pairs.sort(key=lambda pair: pair[0]["others"] + pair[1]["others"])
        pairs = pairs[: max(len(pairs) // 2, 10)]
    return median_with_interval(np.array([first[clock] / second[clock] for first, second in pairs]))


def roofline(workload: Workload, seconds: float, card: MachineCard, threads: int) -> float:
    """The share of what the machine can do: its multiply-adds, or one core's copies of main memory."""
    peak = card.peak * threads * workload.rate
    bound = attainable(workload.flops / workload.bytes, peak, card.copy["memory"])
    return workload.flops / seconds / 1e9 / bound


def best_card(tries: int = 4) -> MachineCard:
    """The best of several cards, entry by entry: a ceiling is what nothing disturbed."""
    cards = [measure_machine() for _ in range(tries)]
    read, copy = (
        {level: max(getattr(card, kind)[level] for card in cards) for level in cards[0].sizes}
        for kind in ("read", "copy")
    )
    return replace(cards[0], peak=max(card.peak for card in cards), read=read, copy=copy)


def row(
    workload: Workload, able: dict[str, Process], own: dict[str, Any], card: MachineCard, rounds: int,
    threads: int,
) -> dict[str, Any]:  # fmt: skip
    """What was measured of a workload, as the record keeps it. Seconds are those of one call."""
    clock = "cpu" if threads == 1 else "wall"
    samples = measured(workload, able, rounds, clock)
    quickest = min(sample[clock] for sample in samples["ours"]) / 1e9
    ratios = {peer: ratio(samples[peer], samples["ours"], clock) for peer in able if peer != "ours"}
    return {
        **own, "workload": workload.name,
        "flops": workload.flops, "bytes": workload.bytes, "rate": workload.rate,
        "seconds": quickest, "roof": roofline(workload, quickest, card, threads),
        "others": float(np.median([sample["others"] for sample in samples["ours"]])),
        "ratios": {peer: [middle, *interval] for peer, (middle, interval) in ratios.items()},
    }  # fmt: skip


def run(threads: int, card: MachineCard, options: argparse.Namespace) -> dict[str, Any]:
    """Measure and print everything at one number of threads; what the record keeps of it."""
    clock = "CPU time" if threads == 1 else "wall time"
    print(f"\n{threads} thread(s), {clock}, median over pairs of "
          "peer / ours; ms of the quickest sample of ours")  # fmt: skip
    peers = options.peers
    head = f"{'workload':<10} {'ours':>8} {'roof':>5}  " + "".join(f"{peer:>10}" for peer in peers)
    print(f"{head}  best peer / ours", flush=True)
    best: list[float] = []
    rows = []
    with ExitStack() as stack:
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = {peer: stack.enter_context(running(peer, threads, cache)) for peer in ["ours", *peers]}
        for name in options.only or WORKLOADS:
            able, own = ready(WORKLOADS[name], workers, cache)
            if "ours" not in able:
                continue
            rows.append(row(WORKLOADS[name], able, own, card, options.rounds, threads))
            ratios = rows[-1]["ratios"]
            cells = "".join(f"{ratios[peer][0]:>10.2f}" if peer in ratios else f"{'-':>10}" for peer in peers)
            line = f"{name:<10} {rows[-1]['seconds'] * 1e3:>8.2f} {rows[-1]['roof']:>5.0%}  "
            if ratios:
                closest = min(ratios, key=lambda peer: ratios[peer][0])
                middle, low, high = ratios[closest]
                best.append(middle)
                cells += f"  {middle:.2f} [{low:.2f}, {high:.2f}] {closest}"
            print(line + cells, flush=True)
            for worker in able.values():
                worker.ask(forget=name)
    if best:
        print(f"geometric mean of best peer / ours: {np.exp(np.mean(np.log(best))):.2f}")
    if threads == options.threads[0]:
        print("\ncompile latency for each kernel, ms: Python part, C compiler")
        for own in rows:
            latency = f"{1e3 * own['python']:>7.0f} {1e3 * own['c']:>7.0f}"
            print(f"{own['workload']:<10} {own['kernels']} kernel(s) {latency}")
    return {"threads": threads, "clock": clock, "rows": rows}


def provenance(card: MachineCard, options: argparse.Namespace) -> dict[str, Any]:
    """Where the figures of a record come from."""
    target = host_target()
    return {
        "script": "python -m benchmarks.tensor_compiler",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "card": asdict(card),
        "compiler": target.version.rpartition("/")[2],
        "flags": list(target.flags),
        "versions": {name: version(name) for name in PACKAGES},
        "environment": {**ALLOCATOR, **PASSIVE},
        "rounds": options.rounds,
        "peers": options.peers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=20, help="samples of each, at least 10")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), default=None)
    parser.add_argument(
        "--record", type=Path, help="the JSON file to write; a run of everything writes the book's"
    )
    options = parser.parse_args()
    if options.rounds < 10:
        parser.error("fewer than 10 rounds give no interval")
    card = best_card()
    print(card)
    print(f"allocator of every process: {' '.join(f'{k}={v}' for k, v in ALLOCATOR.items())}")
    print("roof: share of the roofline of this card at the number of threads, memory as one core copies; "
          "non-temporal stores can pass 100 %")  # fmt: skip
    whole = options.only is None and options.peers == list(PEERS)
    file = options.record or (RECORD if whole else None)
    record = {**provenance(card, options), "runs": []}
    for threads in options.threads:
        record["runs"].append(run(threads, card, options))
        if file:
            file.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
