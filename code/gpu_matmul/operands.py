"""What a launch on a GPU needs: operands that fit the tiles, and descriptors of them."""

from __future__ import annotations

from typing import Any


class OtherGpu(ValueError):
    """The operands lie on no GPU, or on one of another generation than the kernel is written for."""


def check_operands(a: Any, b: Any, tile: tuple[int, int, int], target: str) -> None:
    """Raises ValueError, in one sentence, for tensors that the kernels are not written for; OtherGpu where
    only the place is wrong.

    a is (M, K) and b (K, N), float16, contiguous, on one GPU of the generation of `target` (sm_80 also runs
    on later ones); M, N and K are multiples of the tile's rows, columns and depth.
    """
    for name, x in (("a", a), ("b", b)):
        if x.ndim != 2 or str(x.dtype) != "torch.float16" or not x.is_contiguous():
            raise ValueError(f"{name} is no contiguous float16 matrix; pass {name}.half().contiguous()")
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"a is {tuple(a.shape)} and b {tuple(b.shape)}; a has as many columns as b has rows")
    for side, size, multiple in zip(("M", "N", "K"), (a.shape[0], b.shape[1], a.shape[1]), tile, strict=True):
        if size % multiple:
            raise ValueError(f"{side} is {size}; it must be a multiple of {multiple}, the side of a tile")
    if not a.is_cuda or a.device != b.device:
        raise OtherGpu("a and b must lie on one GPU; without one, compile the kernel instead of launching")
    import torch

    major, minor = torch.cuda.get_device_capability(a.device)
    wanted = int(target.removeprefix("sm_")) // 10
    if major < wanted or (wanted > 8 and major != wanted):
        raise OtherGpu(f"this kernel is written for {target}, the GPU is an sm_{major}{minor}")


def descriptor(x: Any, tile: tuple[int, int], gluon: bool) -> Any:
    """A tensor descriptor of a contiguous tensor on a GPU, for Gluon with the layout of its shared memory.

    The layout is the widest swizzle that fits the tile, the same that `lowering_explorer` describes.
    """
    if not gluon:
        from triton.tools.tensor_descriptor import TensorDescriptor

        return TensorDescriptor.from_tensor(x, list(tile))
    from triton.experimental.gluon import language as gl
    from triton.experimental.gluon.nvidia.hopper import TensorDescriptor as GluonTensorDescriptor

    layout = gl.NVMMASharedLayout.get_default_for(list(tile), gl.float16)
    return GluonTensorDescriptor.from_tensor(x, list(tile), layout)
