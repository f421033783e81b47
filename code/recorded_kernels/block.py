"""Cases of the Block's functions, compiled by Inductor and by XLA.

Both are held to float32 arithmetic: XLA's default on a GPU may multiply in TF32, whose errors exceed the
tolerance of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import the_block
from measurement.record import CannotRun, Case, Work
from the_block import Size, arguments, cost, oracle, relative_tolerance


def inductor_case(name: str, size: Size, place: str) -> Case:
    """A function of the Block through `torch.compile`."""

    def prepare(arrays: list[np.ndarray]) -> Work:
        import torch

        torch._dynamo.reset()
        torch.set_float32_matmul_precision("highest")
        compiled = torch.compile(getattr(the_block, name), fullgraph=True, dynamic=False)
        tensors = [torch.from_numpy(array).to(place) for array in arrays]
        latest: list[Any] = []

        def run() -> None:
            with torch.no_grad():
                latest[:] = [compiled(*tensors)]

        return Work(run, lambda: latest[0].cpu().double().numpy())

    return _case("inductor", "torch", name, size, prepare)


def xla_case(name: str, size: Size, place: str) -> Case:
    """A function of the Block through `jax.jit`; a run waits for its result."""

    def prepare(arrays: list[np.ndarray]) -> Work:
        import jax

        try:
            device = jax.devices(place)[0]
        except RuntimeError:
            raise CannotRun(
                f"JAX sees no device of the kind {place!r}; install jax-cuda13-plugin of JAX's version "
                "and leave JAX_PLATFORMS unset"
            ) from None
        there = [jax.device_put(array, device) for array in arrays]
        with jax.default_matmul_precision("highest"):
            compiled = jax.jit(getattr(the_block, name)).lower(*there).compile()
        latest: list[Any] = []

        def run() -> None:
            latest[:] = [compiled(*there).block_until_ready()]

        return Work(run, lambda: np.asarray(latest[0], dtype=np.float64))

    return _case("xla", "jax", name, size, prepare)


def _case(compiler: str, runtime: str, name: str, size: Size, prepare: Any) -> Case:
    needs = cost(name, size)
    sides = [size.tokens, size.width, *([size.hidden] if name in ("mlp", "block") else [])]
    return Case(
        name=f"{compiler}/{name}",
        title=f"{name} of {' x '.join(map(str, sides))}, float32",
        kernel=f"the_block.block:{name}",
        runtime=runtime,
        arithmetic="float32",
        flops=needs.flops,
        moved=needs.bytes,
        tolerance=relative_tolerance(name, size, "float32"),
        arrays=lambda: arguments(name, size),
        oracle=lambda *arrays: oracle(name, *arrays),
        prepare=prepare,
    )
