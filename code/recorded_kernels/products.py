"""Cases of the products of `gpu_matmul`: the same product in Triton and in Gluon, rung by rung."""

from __future__ import annotations

import numpy as np

from gpu_matmul.operands import OtherGpu
from gpu_matmul.rungs import RUNGS, Rung
from measurement.record import CannotRun, Case, Work
from recorded_kernels.tolerance import product_tolerance


def rung_cases(side: int, place: str) -> list[Case]:
    """Every rung, on square float16 matrices; sums are float32. `side` is a multiple of the tiles' sides."""
    return [_case(rung, side, place) for rung in RUNGS]


def _case(rung: Rung, side: int, place: str) -> Case:
    function = rung.kernel.fn

    def arrays() -> list[np.ndarray]:
        random = np.random.default_rng(0)
        return [random.standard_normal((side, side)).astype(np.float16) for _ in "ab"]

    def prepare(given: list[np.ndarray]) -> Work:
        import torch

        a, b = (torch.from_numpy(array).to(place) for array in given)
        try:
            run, written = rung.bound(a, b)
        except OtherGpu as refusal:
            raise CannotRun(str(refusal)) from None
        return Work(run, lambda: written.cpu().double().numpy())

    return Case(
        name=f"product/{rung.name.lower().replace(', ', '-').replace(' ', '-')}",
        title=f"product of {side} x {side}, float16, {rung.name}",
        kernel=f"{function.__module__}:{function.__name__}",
        runtime="torch",
        arithmetic="float16",
        flops=2 * side**3,
        moved=3 * 2 * side**2,
        tolerance=product_tolerance(side, "float16"),
        arrays=arrays,
        oracle=np.matmul,
        prepare=prepare,
    )
