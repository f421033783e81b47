"""Cases of the Triton kernels of `the_block`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from measurement.record import Case, Work
from recorded_kernels.tolerance import product_tolerance
from the_block import Size, arguments, cost, oracle, relative_tolerance


def launching(
    kernel: str, shape: tuple[int, ...], grid: Sequence[int], constants: dict[str, int], place: str
) -> Callable[[list[np.ndarray]], Work]:
    """How a kernel runs whose parameters are its arguments, one result of `shape`, and `constants`.

    The result begins as NaN, so that an element which is never written is seen.
    """

    def prepare(arrays: list[np.ndarray]) -> Work:
        import torch

        module, _, name = kernel.partition(":")
        launch: Any = getattr(importlib.import_module(module), name)[tuple(grid)]
        tensors = [torch.from_numpy(array).to(place) for array in arrays]
        written = torch.full(shape, float("nan"), dtype=tensors[0].dtype, device=place)
        return Work(lambda: launch(*tensors, written, **constants), lambda: written.cpu().double().numpy())

    return prepare


def norm_case(size: Size, place: str) -> Case:
    """The Block's norm, one program per row."""
    kernel = "the_block.triton_rmsnorm:rmsnorm_kernel"
    constants = {"width": size.width, "TILE": 1 << (size.width - 1).bit_length()}
    needs = cost("rmsnorm", size)
    return Case(
        name="triton/rmsnorm",
        title=f"rmsnorm of {size.tokens} x {size.width}, float32",
        kernel=kernel,
        runtime="torch",
        arithmetic="float32",
        flops=needs.flops,
        moved=needs.bytes,
        tolerance=relative_tolerance("rmsnorm", size, "float32"),
        arrays=lambda: arguments("rmsnorm", size),
        oracle=lambda *arrays: oracle("rmsnorm", *arrays),
        prepare=launching(kernel, (size.tokens, size.width), [size.tokens], constants, place),
    )


def copy_case(size: int, stride: int, place: str) -> Case:
    """Every `stride`-th element, `size` of them; the bytes are those of the elements that are copied."""
    kernel, tile = "the_block.triton_copy:copy_kernel", 1024
    constants = {"size": size, "STRIDE": stride, "TILE": tile}
    return Case(
        name=f"triton/copy-stride-{stride}",
        title=f"copy of {size} elements, stride {stride}, float32",
        kernel=kernel,
        runtime="torch",
        arithmetic="float32",
        flops=0,
        moved=2 * 4 * size,
        tolerance=0.0,
        arrays=lambda: [np.random.default_rng(0).standard_normal(size * stride, dtype=np.float32)],
        oracle=lambda x: x[::stride],
        prepare=launching(kernel, (size,), [-(-size // tile)], constants, place),
    )


def product_cases(side: int, place: str) -> list[Case]:
    """The two products of the prerequisites, with their tiles."""
    naive, tiled = {"ROWS": 4, "COLUMNS": 32}, {"TILE": 32}
    return [
        _product("naive_matmul", side, [side // 4, side // 32], naive, place),
        _product("tiled_matmul", side, [side // 32, side // 32], tiled, place),
    ]


def _product(name: str, side: int, grid: Sequence[int], tiles: dict[str, int], place: str) -> Case:
    kernel = f"the_block.triton_matmul:{name}"

    def arrays() -> list[np.ndarray]:
        random = np.random.default_rng(0)
        return [random.standard_normal((side, side), dtype=np.float32) for _ in "ab"]

    return Case(
        name=f"triton/{name.replace('_', '-')}",
        title=f"product of {side} x {side}, float32",
        kernel=kernel,
        runtime="torch",
        arithmetic="float32",
        flops=2 * side**3,
        moved=3 * 4 * side**2,
        tolerance=product_tolerance(side, "float32"),
        arrays=arrays,
        oracle=np.matmul,
        prepare=launching(kernel, (side, side), grid, {"SIZE": side, **tiles}, place),
    )
