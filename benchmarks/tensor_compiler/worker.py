"""One process for one peer at one number of threads: JSON lines in, JSON lines out.

{"prepare": workload, "expected": file} compiles, checks the result, and answers {"error": ...}, or
{"missing": sentence}; {"time": workload, "calls": n} answers the nanoseconds of one call by both clocks and
how many other tasks wanted a processor; {"forget": workload} frees the arrays.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.tensor_compiler.peers import NotOffered, prepare
from benchmarks.tensor_compiler.workloads import WORKLOADS, error


def others() -> int:
    """Runnable tasks on the machine besides this one."""
    return int(Path("/proc/loadavg").read_text().split()[3].split("/")[0]) - 1


class Worker:
    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.calls: dict[str, Any] = {}

    def prepare(self, name: str, expected: str) -> dict[str, Any]:
        began = time.perf_counter()
        latency: dict[str, float] = {}
        if self.peer == "ours":
            from benchmarks.tensor_compiler.ours import prepare as prepare_ours

            call, latency = prepare_ours(name)
            convert = np.asarray
        else:
            try:
                call, convert = prepare(self.peer, name)
            except NotOffered as why:
                return {"missing": str(why)}
        result = convert(call())
        seconds = time.perf_counter() - began
        found = error(WORKLOADS[name], np.asarray(result), np.load(expected))
        self.calls[name] = call
        return {"error": found, "seconds": seconds, **latency}

    def time(self, name: str, calls: int) -> dict[str, float]:
        call = self.calls[name]
        call()
        busy, wall, cpu = others(), time.perf_counter_ns(), time.process_time_ns()
        for _ in range(calls):
            call()
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        return {"wall": wall / calls, "cpu": cpu / calls, "others": max(busy, others())}

    def forget(self, name: str) -> dict[str, Any]:
        self.calls.pop(name, None)
        return {}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a compiler prints is no answer
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        verb = next(iter(request))
        try:
            answer = getattr(worker, verb)(request.pop(verb), **request)
        except Exception as failure:
            answer = {"failed": f"{type(failure).__name__}: {failure}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
