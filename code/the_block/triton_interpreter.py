"""Runs a Triton kernel without a GPU, in Triton's interpreter: `python -m the_block.triton_interpreter`."""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np


def interpreted(
    kernel: Any, grid: Sequence[int], arrays: Sequence[np.ndarray], **constants: int
) -> list[np.ndarray]:
    """The arrays after all programs of `grid` have run; `constants` are its other parameters, by name.

    `kernel` is a `triton.jit` function of a module that can be imported, and its first parameters are the
    arrays. The interpreter runs one program after the other and each operation on a whole tile, by NumPy.
    It runs in a process of its own, because Triton decides on import whether it compiles.
    """
    sent = io.BytesIO()
    np.savez(sent, *arrays)
    names = [kernel.fn.__module__, kernel.fn.__name__, json.dumps(list(grid)), json.dumps(constants)]
    process = subprocess.run(
        [sys.executable, "-m", "the_block.triton_interpreter", *names],
        input=sent.getvalue(),
        stdout=subprocess.PIPE,
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    with np.load(io.BytesIO(process.stdout)) as received:
        return [received[name] for name in received.files]


def _main() -> None:
    import torch

    module, name, grid, constants = sys.argv[1:]
    kernel = getattr(importlib.import_module(module), name)
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as received:
        tensors = [torch.from_numpy(received[name]) for name in received.files]
    kernel[tuple(json.loads(grid))](*tensors, **json.loads(constants))
    np.savez(sys.stdout.buffer, *[tensor.numpy() for tensor in tensors])


if __name__ == "__main__":
    _main()
