"""What is computed: inputs, a float64 oracle, and what the machine has to do at least."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import the_block
from the_block import M

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Workload:
    """`flops` that count as useful; `bytes` of the inputs and the output once each.

    `rate` is how many multiply-adds of the dtype the machine does for each one of float32. `tolerance` is
    the error that is allowed, relative to the largest element of the float64 result.
    """

    name: str
    inputs: Callable[[], Arrays]
    oracle: Callable[..., np.ndarray]
    flops: float
    bytes: float
    rate: int = 1
    tolerance: float = 1e-5


def normal(*shapes: tuple[int, ...], scale: float = 1.0) -> Callable[[], Arrays]:
    """Float32 normal numbers, the same in every process."""

    def make() -> Arrays:
        random = np.random.default_rng(0)
        return [(random.standard_normal(shape) * scale).astype(np.float32) for shape in shapes]

    return make


def bf16_bits(values: np.ndarray) -> np.ndarray:
    """float32 rounded to bf16, as uint16 bits."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def bf16_values(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def gelu(x: Any) -> Any:
    """The tanh form, as x * sigmoid(2u)."""
    return x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def layernorm(x: Any, g: Any, b: Any) -> Any:
    d = x - np.mean(x, axis=-1, keepdims=True)
    return d / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + 1e-5) * g + b


def attention(q: Any, k: Any, v: Any) -> Any:
    return softmax(q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])) @ v


def causal(q: Any, k: Any, v: Any) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    position = np.arange(scores.shape[-1])
    return softmax(np.where(position[:, None] >= position, scores, -np.inf)) @ v


def mlp(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return gelu(x @ w1 + b1) @ w2 + b2


def conv(x: Any, w: Any) -> Any:
    """3 x 3, one pixel of zeros around: the sum of nine products, one for each shift."""
    padded = np.pad(x[0], ((0, 0), (1, 1), (1, 1)))
    height, width = x.shape[2:]
    taps = ((r, s) for r in range(3) for s in range(3))
    out = sum(
        np.einsum("oc,chw->ohw", w[:, :, r, s], padded[:, r : r + height, s : s + width]) for r, s in taps
    )
    return np.asarray(out)[None]


def bf16_inputs() -> Arrays:
    return [bf16_bits(array) for array in normal((1024, 1024), (1024, 1024))()]


def int8_inputs() -> Arrays:
    """The left factor is 0 to 127, so that it is the same numbers as u8 and as s8."""
    random = np.random.default_rng(0)
    return [
        random.integers(0, 128, (1024, 1024), dtype=np.uint8),
        random.integers(-128, 128, (1024, 1024), dtype=np.int8),
    ]


def bf16_product(a: Any, b: Any) -> Any:
    return bf16_values(a).astype(np.float64) @ bf16_values(b).astype(np.float64)


def gemm(n: int, **fields: Any) -> Workload:
    wanted: dict[str, Any] = {"name": f"GEMM {n}", "inputs": normal((n, n), (n, n)), "oracle": np.matmul}
    return Workload(**{**wanted, "flops": 2 * n**3, "bytes": 12 * n * n, **fields})


WIDE, TALL, HEADS = (4096, 4096), (4096, 1024), (8, 1024, 64)
WORKLOADS = {
    workload.name: workload
    for workload in (
        gemm(512),
        gemm(1024),
        Workload(
            "MLP",
            normal((128, 1024), (1024, 4096), (4096,), (4096, 1024), (1024,), scale=1 / 16),
            mlp,
            4 * 128 * 1024 * 4096,
            4 * (2 * 1024 * 4096 + 2 * 128 * 1024),
        ),
        Workload("softmax", normal(WIDE), softmax, 5 * math.prod(WIDE), 8 * math.prod(WIDE)),
        Workload(
            "layernorm", normal(TALL, (1024,), (1024,)), layernorm, 7 * math.prod(TALL), 8 * math.prod(TALL)
        ),
        Workload(
            "rmsnorm", normal(TALL, (1024,)), the_block.rmsnorm, 4 * math.prod(TALL), 8 * math.prod(TALL)
        ),
        Workload(
            "attention",
            normal(HEADS, HEADS, HEADS),
            attention,
            4 * 8 * 1024 * 1024 * 64,
            16 * math.prod(HEADS),
        ),
        Workload(
            "causal", normal(HEADS, HEADS, HEADS), causal, 2 * 8 * 1024 * 1025 * 64, 16 * math.prod(HEADS)
        ),
        Workload(
            "chain",
            normal(WIDE, (4096,), (4096,), WIDE),
            lambda x, a, b, r: gelu(x * a + b) + r,
            12 * math.prod(WIDE),
            12 * math.prod(WIDE),
        ),
        Workload(
            "conv",
            normal((1, 64, 56, 56), (64, 64, 3, 3)),
            conv,
            2 * 64 * 64 * 9 * 56 * 56,
            4 * (2 * 64 * 56 * 56 + 64 * 64 * 9),
        ),
        gemm(1024, name="bf16 GEMM", inputs=bf16_inputs, oracle=bf16_product, rate=2, bytes=6 << 20,
             tolerance=4e-3),
        gemm(1024, name="int8 GEMM", inputs=int8_inputs, oracle=np.matmul, rate=4, bytes=6 << 20,
             tolerance=0.0),
        Workload(
            "Block M",
            lambda: the_block.arguments("block", M),
            the_block.block,
            the_block.cost("block", M).flops,
            the_block.cost("block", M).bytes,
        ),
    )
}  # fmt: skip


def expected(workload: Workload) -> np.ndarray:
    """The result in float64, from the inputs as they are stored."""
    arrays = workload.inputs()
    if arrays[0].dtype != np.uint16:
        arrays = [array.astype(np.float64) for array in arrays]
    return np.asarray(workload.oracle(*arrays))


def error(workload: Workload, result: np.ndarray, wanted: np.ndarray) -> float:
    """The largest deviation relative to the largest element. Raises ValueError if it is too large."""
    if result.dtype == np.uint16:
        result = bf16_values(result)
    if result.shape != wanted.shape:
        raise ValueError(f"{workload.name}: the shape is {result.shape}, not {wanted.shape}")
    found = float(np.max(np.abs(result - wanted)) / np.max(np.abs(wanted)))
    if not found <= workload.tolerance:
        raise ValueError(f"{workload.name}: error {found:.2g} where {workload.tolerance:.2g} is allowed")
    return found
