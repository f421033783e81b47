"""Prints what a capture costs: the figures of BENCHMARKS.md on the lowering explorer.

Seconds and megabytes per compiler for the Block's three kernels, then a capture against the plain compilation
that it looks into, in fresh processes: python benchmarks/lowering.py
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial

import the_block
from lowering_explorer import ADAPTERS, Capture, NotAvailable, lower
from lowering_explorer.lower import ENVIRONMENT
from measurement import Clock, Comparison, compare, describe_machine
from the_block import M

KERNELS = ("rmsnorm", "attention", "mlp")
PAIRED = {"xla": KERNELS, "inductor": ("attention",)}  # a pair through Inductor takes half a minute
GOAL = 2.0

CAPTURE = """
from lowering_explorer import lower
import the_block
lower(the_block.{kernel}, *the_block.arguments("{kernel}", the_block.M), through=["{compiler}"])
"""
PLAIN = {
    "xla": """
import jax, the_block
arrays = the_block.arguments("{kernel}", the_block.M)
jax.jit(the_block.{kernel}).lower(*arrays).compile()
""",
    "inductor": """
import torch, the_block
from torch._inductor import config
config.cpp_cache_precompile_headers = False  # as in a capture; with it, the compilation alone takes longer
tensors = [torch.from_numpy(each) for each in the_block.arguments("{kernel}", the_block.M)]
torch.compile(the_block.{kernel})(*tensors)
""",
}


def captured(compiler: str, kernel: str) -> Capture:
    """One capture of a kernel of the Block at size M."""
    return lower(getattr(the_block, kernel), *the_block.arguments(kernel, M), through=[compiler])[compiler]


def cost(compiler: str, kernel: str) -> str:
    """A line on two captures in a row: the disk's cache has what the second one reads."""
    first, second = captured(compiler, kernel), captured(compiler, kernel)
    if first.problem:
        return f"  {kernel:<10} {first.problem}"
    text = sum(len(stage.text.encode()) for stage in first)
    return (
        f"  {kernel:<10} first {first.seconds:5.1f} s, second {second.seconds:5.1f} s, "
        f"{second.megabytes:4.0f} MB; {len(first.stages):3} stages, {text / 1000:5.0f} kB of text"
    )


def children_cpu() -> int:
    """CPU time in nanoseconds of all processes that ended below this one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(1e9 * (usage.ru_utime + usage.ru_stime))


def fresh(program: str, compiler: str) -> None:
    """Run a program in a process with empty caches, in the environment of a capture by the compiler."""
    with tempfile.TemporaryDirectory() as folder:
        caches = {"TORCHINDUCTOR_CACHE_DIR": folder, "TMPDIR": folder}
        environment = {**os.environ, **ENVIRONMENT, **ADAPTERS[compiler].environment, **caches}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)


def ratio(compiler: str, kernel: str) -> Comparison:
    """CPU time of a capture over that of the plain compilation, both with Python's start and imports."""
    programs: list[Callable[[], object]] = [
        partial(fresh, program.format(kernel=kernel, compiler=compiler), compiler)
        for program in (CAPTURE, PLAIN[compiler])
    ]
    clock = Clock("CPU time of the processes", children_cpu)
    return compare(*programs, pairs=10, clock=clock, names=("capture", "compilation"))


def main() -> None:
    """Print the cost of each compiler that takes functions, then the ratios."""
    print(f"machine: {describe_machine()}")
    print(f"the Block at size M: {M.tokens} tokens, width {M.width}, hidden {M.hidden}")
    for adapter in ADAPTERS.values():
        if adapter.takes == "kernel":
            continue  # the Block's kernels are functions
        try:
            print(f"{adapter.title}, {adapter.distribution} {adapter.version()}")
        except NotAvailable as absent:
            print(absent)
            continue
        for kernel in KERNELS:
            print(cost(adapter.compiler, kernel), flush=True)
    print(f"CPU time of a capture over that of the compilation alone, 10 interleaved pairs (goal {GOAL:g})")
    for compiler, kernels in PAIRED.items():
        for kernel in kernels:
            print(f"  {compiler:<10} {kernel:<10} {ratio(compiler, kernel).ratio}", flush=True)


if __name__ == "__main__":
    main()
