"""Measuring a candidate: the right numbers first, then interleaved with the incumbent on one clock."""

from __future__ import annotations

import fcntl
import functools
import itertools
import math
import os
import platform
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arguments import Array, aligned_empty
from ..c_statement import Unsupported
from ..dtype import u8
from ..expression import Buffer
from ..kernel import CompilationFailed, Kernel, cache_folder, compile_function
from ..operators import widened
from ..statement import Function
from ..target import Target, host_target

Inputs = Callable[[], Sequence[Array]]  # the arguments of the function, the same at each call
Pair = tuple[float, float]  # seconds of a candidate, and of the incumbent beside it

SHORTEST = 1e-3  # seconds; shorter calls are repeated until a sample lasts this long
DOUBT = 0.01  # how often the interval of a median may miss it
HOPELESS = 2.0  # no more pairs once three are all slower by this factor
TOLERANCE = {"f64": 1e-9, "f32": 1e-4, "f16": 1e-2, "bf16": 4e-2}  # of the largest element; integers: none


@dataclass(frozen=True)
class Host:
    """Where candidates run: the processor, its cores, and the target that compiles for it."""

    machine: str
    cores: int
    target: Target


@dataclass(frozen=True)
class Task:
    """A candidate to check against `naive` and to time against `incumbent`; all of it can be pickled."""

    naive: Function
    candidate: Function
    incumbent: Function | None
    target: Target
    threads: int
    inputs: Inputs | None = None
    pairs: int = 15


@dataclass(frozen=True)
class Outcome:
    """The verdict "first", "faster", "slower" or "tie" with the pairs, or "wrong" or "failed" with why."""

    verdict: str
    pairs: tuple[Pair, ...] = ()
    reason: str = ""


@functools.cache
def host() -> Host:
    """Where this runs. Raises NoCompiler."""
    about = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", about.read_text()) if about.exists() else []
    return Host(names[0] if names else platform.machine(), len(os.sched_getaffinity(0)), host_target())


def measure(task: Task) -> Outcome:
    """Compile, check, time. A machine times one candidate at a time; the rest runs side by side."""
    given, expected = reference(task.naive, task.target, task.inputs)
    try:
        kernel = compile_function(task.candidate, task.target, task.threads)
    except (Unsupported, CompilationFailed) as error:
        return Outcome("failed", reason=str(error).splitlines()[0])
    arguments = fresh(given)
    kernel(*arguments)
    if reason := difference(task.naive, arguments, expected):
        return Outcome("wrong", reason=reason)
    other = compile_function(task.incumbent or task.candidate, task.target, task.threads)
    pairs = tuple(timed(kernel, other, arguments, task.pairs))
    return Outcome(verdict(pairs) if task.incumbent else "first", pairs)


@functools.lru_cache(maxsize=1)
def reference(naive: Function, target: Target, inputs: Inputs | None) -> tuple[list[Array], list[Array]]:
    """The arguments, and what the naive loops make of them, rounded as the interpreter rounds."""
    draw = np.random.default_rng(0)
    arguments = list(inputs()) if inputs else [filled(each, draw) for each in naive.buffers]
    expected = fresh(arguments)
    compile_function(naive, target.strict(), 1)(*expected)
    return arguments, expected


def fresh(arguments: Sequence[Array]) -> list[Array]:
    """Copies of the arrays, aligned as the best stores want them; scalars as they are."""
    copies = list(arguments)
    for n, each in enumerate(arguments):
        if isinstance(each, np.ndarray):
            copies[n] = aligned_empty((each.nbytes,), u8).view(each.dtype).reshape(each.shape)
            copies[n][...] = each
    return copies


def filled(buffer: Buffer, draw: np.random.Generator) -> Array:
    """Random numbers for a parameter; also for an output, so that an element left out shows."""
    dtype, shape = buffer.dtype, buffer.extents
    if not dtype.is_float:
        return draw.integers(max(-100, np.iinfo(dtype.storage).min), 101, shape).astype(dtype.storage)
    values = np.asarray(draw.standard_normal(shape))
    if dtype.name == "bf16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return values.astype(dtype.storage)


def difference(naive: Function, found: Sequence[Array], expected: Sequence[Array]) -> str:
    """What the candidate gets wrong, as a sentence; empty if nothing."""
    wanted = [parameter for parameter in naive.parameters if parameter not in naive.sizes]
    for parameter, one, other in zip(wanted, found, expected, strict=True):
        one, other = (np.asarray(widened(each, parameter.dtype), np.float64) for each in (one, other))
        largest = np.max(np.abs(other), initial=0, where=np.isfinite(other))
        allowed = TOLERANCE.get(parameter.dtype.name, 0.0) * largest
        wrong = ~np.isclose(one, other, rtol=0, atol=allowed, equal_nan=True)
        if wrong.any():
            at = tuple(int(index) for index in np.argwhere(wrong)[0])
            place = f"{parameter.name}[{', '.join(map(str, at))}]"
            return f"{place} is {one[at]:.6g}, the naive loops give {other[at]:.6g}"
    return ""


def timed(candidate: Kernel, incumbent: Kernel, arguments: Sequence[Array], pairs: int) -> Iterator[Pair]:
    """Seconds of both, in turns of random order, on the same arrays.

    For one thread that is its processor time, which leaves out what others do; for more it is wall time.
    """
    order = random.Random(0)
    clock = time.thread_time if candidate.threads == 1 else time.perf_counter

    def sample(run: Callable[[], None], calls: int) -> float:
        started = clock()
        for _ in range(calls):
            run()
        return max(clock() - started, 1e-9) / calls

    runs = [kernel.bound(*arguments) for kernel in (candidate, incumbent)]
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "timing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        quickest = [min(sample(run, 1) for _ in range(3)) for run in runs]  # the first one meets cold caches
        calls = [math.ceil(SHORTEST / seconds) for seconds in quickest]
        slower = 0
        for done in range(pairs):
            seconds = [0.0, 0.0]
            for n in order.sample((0, 1), 2):
                seconds[n] = sample(runs[n], calls[n])
            yield seconds[0], seconds[1]
            slower += seconds[0] > HOPELESS * seconds[1]
            if slower == done + 1 == 3:
                return


def verdict(pairs: Sequence[Pair]) -> str:
    """Who is faster, if the interval of the median ratio excludes 1; else "tie"."""
    ratios = [candidate / incumbent for candidate, incumbent in pairs]
    low, high = interval(ratios)
    if low > 1 or (len(ratios) == 3 and min(ratios) > HOPELESS):
        return "slower"
    return "faster" if high < 1 else "tie"


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Two of the values with the median between them but for a chance of `DOUBT`, whatever the distribution.

    How many of the values are below it is binomial, with a chance of a half for each.
    """
    count, ordered = len(ratios), sorted(ratios)
    below = itertools.accumulate(math.comb(count, n) / 2**count for n in range(count + 1))
    outside = sum(2 * chance <= DOUBT for chance in below)
    return (ordered[outside - 1], ordered[count - outside]) if outside else (0.0, math.inf)
