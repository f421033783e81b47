"""The workloads through tensor_compiler, with what compiling each took."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.tensor_compiler.workloads import WORKLOADS

import tensor_compiler as tc
import the_block
from tensor_compiler import rules
from tensor_compiler.schedule import Schedule
from the_block.block import EPSILON

CONV = """
def conv(x: f32[1, 64, 56, 56], w: f32[64, 64, 3, 3], y: f32[1, 64, 56, 56]):
    padded = scratch(f32[64, 58, 58])
    for c in serial(64):
        for h in serial(58):
            for v in serial(58):
                padded[c, h, v] = 0.0
    for d in serial(64):
        for g in serial(56):
            for u in serial(56):
                padded[d, g + 1, u + 1] = x[0, d, g, u]
    for oc in serial(64):
        for oh in serial(56):
            for ow in serial(56):
                y[0, oc, oh, ow] = 0.0
                for ic in serial(64):
                    for r in serial(3):
                        for s in serial(3):
                            y[0, oc, oh, ow] += padded[ic, oh + r, ow + s] * w[oc, ic, r, s]
"""


def softmax(x: Any) -> Any:
    xp = x.__array_namespace__()
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e * (1 / xp.sum(e, axis=-1, keepdims=True))


def layernorm(x: Any, g: Any, b: Any) -> Any:
    xp = x.__array_namespace__()
    d = x - xp.mean(x, axis=-1, keepdims=True)
    return d * (1 / xp.sqrt(xp.mean(d * d, axis=-1, keepdims=True) + 1e-5)) * g + b


def rmsnorm(x: Any, g: Any) -> Any:
    xp = x.__array_namespace__()
    return x * (1 / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + EPSILON)) * g


def scores(q: Any, k: Any) -> Any:
    return q @ q.__array_namespace__().matrix_transpose(k) * (1 / math.sqrt(q.shape[-1]))


def causal(q: Any, k: Any, v: Any) -> Any:
    xp = q.__array_namespace__()
    position = xp.arange(q.shape[1])
    return softmax(xp.where(position[:, None] >= position[None, :], scores(q, k), -xp.inf)) @ v


def mlp(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return x.__array_namespace__().gelu(x @ w1 + b1) @ w2 + b2


def product(dtype: str) -> Callable[..., Any]:
    return lambda a, b: a.__array_namespace__().matmul(a, b, dtype=dtype)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "MLP": mlp,
    "softmax": softmax,
    "layernorm": layernorm,
    "rmsnorm": rmsnorm,
    "attention": lambda q, k, v: softmax(scores(q, k)) @ v,
    "causal": causal,
    "chain": lambda x, a, b, r: x.__array_namespace__().gelu(x * a + b) + r,
    "bf16 GEMM": product("float32"),
    "int8 GEMM": product("int32"),
    "Block M": the_block.block,
}


Prepared = tuple[Callable[[], Any], dict[str, float]]


def prepare(name: str) -> Prepared:
    """A call that fills an array that is kept; and how many kernels it runs, with the seconds that Python and
    the C compiler took for each on average.
    """
    threads = int(os.environ["OMP_NUM_THREADS"])
    arrays = list(map(aligned, WORKLOADS[name].inputs()))
    return prepare_conv(arrays, threads) if name == "conv" else prepare_traced(name, arrays, threads)


def prepare_conv(arrays: list[np.ndarray], threads: int) -> Prepared:
    """The convolution, which is no operator of the graph: from its loops on."""
    began = time.process_time()
    schedule = Schedule(tc.parse(CONV))
    rules.convolution(schedule, tc.host_target())
    kernel = tc.compile_function(schedule.function, threads=threads)
    y = aligned(np.zeros_like(arrays[0]))
    run = kernel.bound(*arrays, y)  # checks the arrays once, as `compile` does

    def call() -> np.ndarray:
        run()
        return y

    return call, latency([kernel], time.process_time() - began)


def prepare_traced(name: str, arrays: list[np.ndarray], threads: int) -> Prepared:
    kernels: list[tc.Kernel] = []
    began = time.process_time()
    compiled = tc.compile(
        FUNCTIONS.get(name, lambda a, b: a @ b),
        *arrays,
        threads=threads,
        callback=lambda step, made: kernels.extend(made) if step == "c" else None,
    )
    took = time.process_time() - began
    out = aligned(compiled(*arrays))
    return lambda: compiled(*arrays, out=out), latency(kernels, took)


def latency(kernels: list[tc.Kernel], python: float) -> dict[str, float]:
    compiling = sum(kernel.compile_seconds for kernel in kernels)
    return {"kernels": len(kernels), "python": python / len(kernels), "c": compiling / len(kernels)}


def aligned(array: np.ndarray) -> np.ndarray:
    """A copy that begins at a cache line, as the arrays of the other runtimes do."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
