"""An NVIDIA GPU as the device of a recording, reached through PyTorch."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

from measurement.record import NoDevice, Peaks, Stopwatch

FLUSHED = 256 << 20  # bytes that are written before each call: more than any GPU's second-level cache
PROBED = 1 << 30  # bytes of the array whose copy probes the bandwidth
SIDE = 8192  # of the matrices whose product probes the arithmetic
SAMPLES = 20

# Kinds of arithmetic: PyTorch's dtype, and what it is told about float32 products.
ARITHMETIC = {
    "float32": ("float32", "highest"),
    "tfloat32": ("float32", "high"),
    "float16": ("float16", "highest"),
    "bfloat16": ("bfloat16", "highest"),
}


def find_gpu() -> CudaDevice:
    """The first GPU that PyTorch sees. Raises NoDevice with one sentence."""
    try:
        import torch
    except ModuleNotFoundError:
        raise NoDevice("PyTorch is not installed; install its CUDA build and run this again") from None
    if os.environ.get("TRITON_INTERPRET", "0") != "0":
        raise NoDevice("TRITON_INTERPRET is set, under which Triton compiles nothing; unset it")
    if not torch.cuda.is_available():
        raise NoDevice(
            f"PyTorch {torch.__version__} sees no GPU; run this on a machine with an NVIDIA GPU, its driver "
            "and the CUDA build of PyTorch"
        )
    # JAX would take three quarters of the memory for itself when a case loads it.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return CudaDevice(torch)


class CudaDevice:
    """The current GPU of PyTorch."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._flushed = torch.empty(FLUSHED, dtype=torch.uint8, device="cuda")

    @property
    def name(self) -> str:
        """The model, as the driver gives it."""
        return str(self._torch.cuda.get_device_name())

    @property
    def driver(self) -> str:
        """The version of the driver, which nvidia-smi knows."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return "unknown, without nvidia-smi"
        query = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        lines = answer.stdout.split()
        return lines[0] if answer.returncode == 0 and lines else "unknown, nvidia-smi failed"

    @property
    def toolkit(self) -> str:
        """The CUDA that PyTorch was built with."""
        return f"CUDA {self._torch.version.cuda}"

    def synchronise(self) -> None:
        """Wait for all streams of the device, JAX's included."""
        self._torch.cuda.synchronize()

    def stopwatch(self, runtime: str) -> Stopwatch:
        """Events on PyTorch's stream, which Triton launches on too; the wall clock around a call of JAX."""
        return {
            "torch": Stopwatch("events on the stream of one call, cold second-level cache", self._by_events),
            "jax": Stopwatch(
                "wall time of one call, dispatch included, cold second-level cache", self._by_wall
            ),
        }[runtime]

    def peaks(self) -> Peaks:
        """The quickest of several large copies, and of several large products in each arithmetic."""
        torch = self._torch
        bytes_read, bytes_written = (torch.empty(PROBED, dtype=torch.uint8, device="cuda") for _ in range(2))
        bandwidth = 2 * PROBED / self._quickest(lambda: bytes_written.copy_(bytes_read)) / 1e9
        reached = {}
        for kind, (dtype, precision) in ARITHMETIC.items():
            torch.set_float32_matmul_precision(precision)
            a, b = (torch.randn(SIDE, SIDE, device="cuda").to(getattr(torch, dtype)) for _ in "ab")
            c = torch.empty_like(a)
            reached[kind] = 2 * SIDE**3 / self._quickest(_product(torch, a, b, c)) / 1e9
        torch.set_float32_matmul_precision("highest")
        how = (
            f"PyTorch: the quickest of {SAMPLES} copies of {PROBED >> 20} MiB, read and written bytes "
            f"together, and of {SAMPLES} products of {SIDE} x {SIDE} in each arithmetic"
        )
        return Peaks(bandwidth, reached, how)

    def _quickest(self, work: Callable[[], object]) -> float:
        work()
        return min(self._by_events(work) for _ in range(SAMPLES))

    def _by_events(self, work: Callable[[], object]) -> float:
        """A launch that is shorter than the flush is not on the clock: it happens while the flush runs."""
        start, end = (self._torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._flushed.zero_()
        start.record()
        work()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    def _by_wall(self, work: Callable[[], object]) -> float:
        self._flushed.zero_()
        self.synchronise()
        began = time.perf_counter()
        work()
        return time.perf_counter() - began


def _product(torch: Any, a: Any, b: Any, c: Any) -> Callable[[], object]:
    return lambda: torch.matmul(a, b, out=c)
