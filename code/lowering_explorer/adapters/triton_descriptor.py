"""Tensor descriptors of arrays that are described, not present, as a Triton or a Gluon kernel takes them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import triton.language as tl
from triton.experimental.gluon._runtime import GluonJITFunction
from triton.experimental.gluon.language import NVMMASharedLayout
from triton.experimental.gluon.nvidia.hopper import TensorDescriptor as GluonTensorDescriptor
from triton.runtime.jit import MockTensor
from triton.tools.tensor_descriptor import TensorDescriptor

from lowering_explorer.argument import Array, Tiles


def descriptor_for(kernel: Any) -> Callable[[Tiles], Any]:
    """What makes the descriptors that this kernel takes."""
    return _with_layout if isinstance(kernel, GluonJITFunction) else _without_layout


def _without_layout(tiles: Tiles) -> TensorDescriptor:
    return TensorDescriptor(*_of(tiles))


def _with_layout(tiles: Tiles) -> GluonTensorDescriptor:
    """With the layout that Gluon proposes for the tile in shared memory: the widest swizzle that fits."""
    layout = NVMMASharedLayout.get_default_for(list(tiles.tile), _dtype(tiles.array))
    return GluonTensorDescriptor(*_of(tiles), layout)


def _of(tiles: Tiles) -> tuple[MockTensor, list[int], list[int], list[int]]:
    """The array, its shape, its strides in elements, as it lies row by row in memory, and the tile."""
    shape = list(tiles.array.shape)
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return MockTensor(_dtype(tiles.array), shape), shape, strides, list(tiles.tile)


def _dtype(array: Array) -> tl.dtype:
    return getattr(tl, {"bool": "int1"}.get(array.dtype_name, array.dtype_name))
