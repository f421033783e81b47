# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""The Block's norm as a Triton kernel: one program per row, one tile per program.

`python -m the_block.triton_rmsnorm` runs it in Triton's interpreter, see `interpreted`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import triton
import triton.language as tl

from the_block.block import EPSILON

SMALLEST = tl.constexpr(EPSILON)


@triton.jit
def rmsnorm_kernel(x, g, y, width, TILE: tl.constexpr):
    """Write the norm of one row of `x` to `y`.

    `TILE` is a power of two, at least `width`.
    """
    row = tl.program_id(0)
    column = tl.arange(0, TILE)
    inside = column < width
    values = tl.load(x + row * width + column, mask=inside, other=0.0)
    mean = tl.sum(values * values) / width
    unit = values / tl.sqrt(mean + SMALLEST)
    scale = tl.load(g + column, mask=inside, other=0.0)
    scaled = unit * scale
    tl.store(y + row * width + column, scaled, mask=inside)


def interpreted(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The kernel on all rows of `x`, of shape (tokens, width) and float32, in Triton's interpreter.

    The interpreter runs one program after the other and each operation on a whole tile, by NumPy, so no
    GPU is needed. It runs in a process of its own, because Triton decides on import whether it compiles.
    """
    sent = io.BytesIO()
    np.savez(sent, x=x, g=g)
    process = subprocess.run(
        [sys.executable, "-m", "the_block.triton_rmsnorm"],
        input=sent.getvalue(),
        stdout=subprocess.PIPE,
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    result: np.ndarray = np.load(io.BytesIO(process.stdout))
    return result


def _main() -> None:
    import torch

    arrays = np.load(io.BytesIO(sys.stdin.buffer.read()))
    x, g = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["g"])
    y = torch.empty_like(x)
    tokens, width = x.shape
    rmsnorm_kernel[(tokens,)](x, g, y, width, TILE=triton.next_power_of_2(width))
    np.save(sys.stdout.buffer, y.numpy())


if __name__ == "__main__":
    _main()
