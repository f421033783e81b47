"""The rungs as a table: which kernel, for which GPU, with which tiles; how to compile and launch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from triton.experimental.gluon._runtime import GluonJITFunction

from gpu_matmul.copy_engine import copy_engine_kernel
from gpu_matmul.copy_groups import copy_groups_kernel
from gpu_matmul.operands import check_operands, descriptor
from gpu_matmul.specialized import specialized_kernel
from gpu_matmul.tensor_memory import tensor_memory_kernel
from gpu_matmul.triton_matmul import descriptor_kernel, pointer_kernel
from lowering_explorer import Array, Capture, Tiles, lower
from offline_kernels import OfflineKernel, compile_for


@dataclass(frozen=True)
class Rung:
    """A kernel for one generation of GPUs, with tiles of (rows, columns, depth) and a ring of stages."""

    name: str
    kernel: Any
    target: str  # sm_90: what it is compiled for
    descriptors: bool = True  # reaches its matrices through tensor descriptors, not pointers
    tile: tuple[int, int, int] = (128, 128, 64)
    stages: int = 3
    warps: int = 4

    @property
    def language(self) -> str:
        """gluon or triton."""
        return "gluon" if isinstance(self.kernel, GluonJITFunction) else "triton"

    @property
    def constants(self) -> dict[str, int]:
        """The kernel's constants and the options of its launch."""
        sides = dict(zip(("ROWS", "COLUMNS", "DEPTH"), self.tile, strict=True))
        if self.language == "triton":
            return sides | {"num_warps": self.warps, "num_stages": self.stages}
        named = {} if self.descriptors else sides  # a descriptor knows its tile
        return named | {"STAGES": self.stages, "num_warps": self.warps}

    @property
    def tiles(self) -> tuple[tuple[int, int], ...]:
        """The shapes of the tiles of a, b and c."""
        rows, columns, depth = self.tile
        return (rows, depth), (depth, columns), (rows, columns)

    def described(self, m: int, n: int, k: int) -> list[Any]:
        """The arguments that describe (m, k) @ (k, n) to a compiler."""
        arrays = [Array("f16", shape) for shape in ((m, k), (k, n), (m, n))]
        return [*map(Tiles, arrays, self.tiles), k] if self.descriptors else [*arrays, n, k]

    def compiled(self, m: int, n: int, k: int) -> OfflineKernel:
        """Its machine code for (m, k) @ (k, n), made without a GPU."""
        return compile_for(self.target, self.kernel, *self.described(m, n, k), **self.constants)

    def capture(self, m: int, n: int, k: int) -> Capture:
        """The same with every stage on the way."""
        named: dict[str, Any] = {"through": [self.language], "options": {"targets": [self.target]}}
        return lower(self.kernel, *self.described(m, n, k), **{**named, **self.constants})[self.language]

    def bound(self, a: Any, b: Any) -> tuple[Callable[[], None], Any]:
        """A launch of a @ b on the GPU that holds them, and the tensor that it writes, which is NaN before.

        a and b are contiguous float16 tensors of PyTorch, (M, K) and (K, N). Raises ValueError for other
        operands, and OtherGpu for a GPU that this rung is not written for.
        """
        check_operands(a, b, self.tile, self.target)
        m, k = a.shape
        n = b.shape[1]
        c = a.new_full((m, n), float("nan"))
        matrices: list[Any] = [a, b, c]
        if self.descriptors:
            gluon = self.language == "gluon"
            matrices = [descriptor(x, tile, gluon) for x, tile in zip(matrices, self.tiles, strict=True)]
        sizes = [k] if self.descriptors else [n, k]
        grid = (m // self.tile[0], n // self.tile[1])
        return lambda: self.kernel[grid](*matrices, *sizes, **self.constants), c


RUNGS = (
    Rung("Triton, pointers, sm_80", pointer_kernel, "sm_80", descriptors=False),
    Rung("Gluon, copy groups, sm_80", copy_groups_kernel, "sm_80", descriptors=False),
    Rung("Triton, pointers, sm_90", pointer_kernel, "sm_90", descriptors=False),
    Rung("Triton, descriptors, sm_90", descriptor_kernel, "sm_90"),
    Rung("Gluon, copy engine, sm_90", copy_engine_kernel, "sm_90"),
    Rung("Gluon, specialized, sm_90", specialized_kernel, "sm_90"),
    Rung("Triton, descriptors, sm_100", descriptor_kernel, "sm_100"),
    Rung("Gluon, tensor memory, sm_100", tensor_memory_kernel, "sm_100"),
)


def rung(name: str) -> Rung:
    """The rung of that name. Raises ValueError for an unknown one."""
    for each in RUNGS:
        if each.name == name:
            return each
    raise ValueError(f"there is no rung {name!r}; rungs are {', '.join(each.name for each in RUNGS)}")
