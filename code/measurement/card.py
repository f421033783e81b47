"""The machine card: what one core of this machine can do at best, measured on the spot."""

from __future__ import annotations

import ctypes
import html
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measurement.machine import cache_sizes, describe_machine

FLAGS = ["-O3", "-march=native", "-ffp-contract=fast", "-fno-builtin", "-shared", "-fPIC"]
CHAINS = 12  # of multiply_add in card.c
SAMPLE = 0.01  # seconds a kernel runs per sample, at least
SAMPLES = 12
MEMORY = (256 << 20, 1 << 30)  # bytes, at least and at most, of the array that stands for main memory


@dataclass(frozen=True)
class MachineCard:
    """One core's ceilings: `peak` in GFLOP/s of float32 multiply-adds, bandwidths in GB/s per level.

    `read` and `copy` map a level (L1, L2, L3, memory) to GB/s; a copy counts the bytes read and the
    bytes written. `sizes` are the bytes of the arrays used, see `array_sizes`.
    """

    machine: str
    compiler: str
    lanes: int
    peak: float
    sizes: dict[str, int]
    read: dict[str, float]
    copy: dict[str, float]

    @property
    def ridge(self) -> float:
        """FLOPs per byte at which memory's read bandwidth and the peak meet."""
        return self.peak / self.read["memory"]

    def to_json(self) -> str:
        """The card as JSON; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> MachineCard:
        """A card from `to_json`'s text."""
        return MachineCard(**json.loads(text))

    def __str__(self) -> str:
        lines = [
            f"{self.machine}; one thread; {self.compiler}",
            f"peak, float32 multiply-adds in registers ({self.lanes} lanes): {self.peak:.0f} GFLOP/s",
            f"{'level':<8} {'array':>10} {'read GB/s':>10} {'copy GB/s':>10}",
        ]
        for level, size in self.sizes.items():
            array = f"{size / 1024:.0f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.0f} MiB"
            lines.append(f"{level:<8} {array:>10} {self.read[level]:10.0f} {self.copy[level]:10.0f}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<pre>{html.escape(str(self))}</pre>"}


def measure_machine() -> MachineCard:
    """Compile card.c with the machine's compiler and run its kernels, in about three seconds.

    The best of several samples counts: a ceiling is what nothing disturbed. Raises RuntimeError with one
    sentence when there is no C compiler.
    """
    with tempfile.TemporaryDirectory() as folder:
        library, compiler = _compile(Path(folder))
        peak_steps = 200_000
        multiply_add = library.multiply_add
        multiply_add.argtypes, multiply_add.restype = (
            [ctypes.c_long, ctypes.c_float, ctypes.c_float],
            ctypes.c_float,
        )
        lanes = int(library.lanes())
        seconds = quickest(lambda: multiply_add(peak_steps, 0.5, 1.0))
        peak = 2 * peak_steps * CHAINS * lanes / seconds / 1e9

        sizes = array_sizes(cache_sizes())
        read, copy = {}, {}
        for level, size in sizes.items():
            read[level], copy[level] = _bandwidths(library, size, 4 * lanes)
    return MachineCard(describe_machine(), compiler, lanes, peak, sizes, read, copy)


def array_sizes(caches: dict[str, int]) -> dict[str, int]:
    """Bytes of the array that stands for each level, given the bytes of each cache.

    Half of a cache, so that the array stays there; of a cache that cores share no more than eight times
    the one before it, since a virtual machine is told of a whole L3 and gets a part. Main memory takes
    four times the largest cache, within the bounds MEMORY.
    """
    sizes: dict[str, int] = {}
    for level, size in caches.items():
        sizes[level] = min(size // 2, 8 * caches["L2"]) if level == "L3" and "L2" in caches else size // 2
    low, high = MEMORY
    sizes["memory"] = min(max(low, 4 * max(caches.values())), high)
    return sizes


def _bandwidths(library: ctypes.CDLL, size: int, vector: int) -> tuple[float, float]:
    """GB/s of reading an array of `size` bytes, and of copying one half of it onto the other."""
    rounds = max(1, (64 << 20) // size)
    array = _aligned(size)
    pointer = ctypes.c_void_p(array.ctypes.data)
    vectors = size // vector // 16 * 16
    library.read_array.restype = ctypes.c_float
    long = ctypes.c_long
    read = quickest(lambda: library.read_array(pointer, long(vectors), long(rounds)))
    half = ctypes.c_void_p(array.ctypes.data + vectors // 2 * vector)
    copy = quickest(lambda: library.copy_array(half, pointer, long(vectors // 2), long(rounds)))
    moved = rounds * vectors * vector / 1e9
    return moved / read, moved / copy


def _aligned(size: int) -> np.ndarray:
    """Zeroed bytes whose first lies on a cache line, as the vector kernels want."""
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]


def quickest(kernel: Callable[[], object]) -> float:
    """The shortest of several timings of `kernel`, in seconds of one call: what a share of a card rests on.

    The clock is this thread's CPU time: a neighbour that takes the core away does not lower a ceiling. Two
    programs are compared with `measurement.compare`, not by this.
    """
    calls, best = 1, float("inf")
    samples = 0
    while samples < SAMPLES:
        began = time.thread_time()
        for _ in range(calls):
            kernel()
        seconds = time.thread_time() - began
        if seconds < SAMPLE:
            calls *= 2
            continue
        best, samples = min(best, seconds / calls), samples + 1
    return best


def _compile(folder: Path) -> tuple[ctypes.CDLL, str]:
    """Build card.c in `folder`; return the library and a line that names compiler and flags."""
    compiler = next((name for name in ("gcc", "clang", "cc") if shutil.which(name)), None)
    if compiler is None:
        raise RuntimeError(
            "the machine card needs a C compiler; on Debian or Ubuntu: sudo apt-get install gcc"
        )
    flags = [flag.replace("-march=", "-mcpu=") if sys.platform == "darwin" else flag for flag in FLAGS]
    output = folder / "card.so"
    source = Path(__file__).with_name("card.c")
    subprocess.run([compiler, *flags, str(source), "-o", str(output)], check=True, capture_output=True)
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return ctypes.CDLL(str(output)), f"{version.splitlines()[0]}, {' '.join(flags[:3])}"
