"""The programs that there are to schedule: small enough to read, and too large for the modelled cache."""

from __future__ import annotations

from dataclasses import dataclass

from cache_simulator import Cache
from tensor_compiler.parser import parse
from tensor_compiler.statement import Function

CACHE = "512 bytes, 64-byte lines, 4 ways"


def cache() -> Cache:
    """The cache that `CACHE` describes, empty."""
    return Cache(size=512, line=64, ways=4)


@dataclass(frozen=True)
class Example:
    """`title` says what `text`, a loop function, computes."""

    title: str
    text: str

    @property
    def function(self) -> Function:
        return parse(self.text)


PROGRAMS = {
    "matmul": Example(
        "matrix product, 16 × 16 × 16",
        """\
def matmul(A: f32[16, 16], B: f32[16, 16], C: f32[16, 16]):
    for i in serial(16):
        for j in serial(16):
            C[i, j] = 0.0
            for k in serial(16):
                C[i, j] += A[i, k] * B[k, j]
""",
    ),
    "rmsnorm": Example(
        "rmsnorm of 16 rows of 32",
        """\
def rmsnorm(X: f32[16, 32], weight: f32[32], Y: f32[16, 32]):
    squares = scratch(f32[16])
    for i in serial(16):
        squares[i] = 0.0
        for k in serial(32):
            squares[i] += X[i, k] * X[i, k]
    for i_1 in serial(16):
        scale = rsqrt(squares[i_1] / 32.0 + 1e-06)
        for j in serial(32):
            Y[i_1, j] = X[i_1, j] * scale * weight[j]
""",
    ),
}
