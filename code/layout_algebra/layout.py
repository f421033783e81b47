"""A layout: a function from coordinates to offsets, written as a shape and a stride.

After Cecka, CuTe Layout Representation and Algebra, 2026: a shape is a positive integer or a tuple of shapes,
a stride has the same structure, and an integer counts through a shape from its left end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias, cast

IntTuple: TypeAlias = "int | tuple[IntTuple, ...]"


def flatten(tree: IntTuple) -> tuple[int, ...]:
    """The integers of a nested tuple, from left to right."""
    return (tree,) if isinstance(tree, int) else tuple(leaf for branch in tree for leaf in flatten(branch))


def size(shape: IntTuple) -> int:
    """How many coordinates a shape has: the product of its integers."""
    return prod(flatten(shape))


def offset(coordinate: IntTuple, shape: IntTuple, stride: IntTuple) -> int:
    """The inner product of a coordinate with the strides of a shape.

    Where the coordinate has an integer and the shape a tuple, the integer counts
    through the modes, the leftmost fastest; the last one takes what is left, also
    past its end. Raises ValueError for a coordinate of another structure.
    """
    if isinstance(shape, int):
        if not isinstance(coordinate, int):
            raise ValueError(f"the shape {shape} takes an integer, not the coordinate {coordinate}")
        return coordinate * cast(int, stride)
    modes, strides = shape, cast("tuple[IntTuple, ...]", stride)
    if isinstance(coordinate, int):
        spread: list[IntTuple] = []
        for mode in modes[:-1]:
            coordinate, digit = divmod(coordinate, size(mode))
            spread.append(digit)
        coordinate = (*spread, coordinate)
    if len(coordinate) != len(modes):
        raise ValueError(f"the shape {shape} has {len(modes)} modes, the coordinate {coordinate} not")
    return sum(offset(*mode) for mode in zip(coordinate, modes, strides, strict=True))


def compact(shape: IntTuple, first: int = 1) -> IntTuple:
    """The strides that put a shape into memory without gaps, its leftmost mode first."""
    if isinstance(shape, int):
        return first
    strides: list[IntTuple] = []
    for mode in shape:
        strides.append(compact(mode, first))
        first *= size(mode)
    return tuple(strides)


def written(tree: IntTuple) -> str:
    """A nested tuple as CuTe prints it, without spaces."""
    return str(tree) if isinstance(tree, int) else f"({','.join(map(written, tree))})"


@dataclass(frozen=True)
class Layout:
    """`shape:stride`. Without a stride it is compact, leftmost mode first.

    Raises ValueError where shape and stride differ in structure, or an extent is not positive.
    """

    shape: IntTuple
    stride: IntTuple = field(default=())

    def __post_init__(self) -> None:
        if self.stride == ():
            object.__setattr__(self, "stride", compact(self.shape))
        if not _congruent(self.shape, self.stride):
            raise ValueError(f"the shape {self.shape} needs a stride of its own structure, not {self.stride}")
        if any(extent < 1 for extent in flatten(self.shape)):
            raise ValueError(f"the shape {self.shape} has an extent that is not positive")

    def __call__(self, *coordinate: IntTuple) -> int:
        """The offset at a coordinate: one integer, or one coordinate per mode."""
        return offset(coordinate[0] if len(coordinate) == 1 else coordinate, self.shape, self.stride)

    def __iter__(self) -> Iterator[Layout]:
        """Its modes, each a layout."""
        shape, stride = self.shape, self.stride
        if isinstance(shape, int) or isinstance(stride, int):
            return iter([self])
        return map(Layout, shape, stride)

    def __getitem__(self, mode: int) -> Layout:
        return tuple(self)[mode]

    def __str__(self) -> str:
        return f"{written(self.shape)}:{written(self.stride)}"

    @property
    def size(self) -> int:
        """How many coordinates it takes."""
        return size(self.shape)

    @property
    def cosize(self) -> int:
        """One more than its largest offset: how much memory it needs, in elements."""
        return self(self.size - 1) + 1

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The (extent, stride) of each integer mode, from left to right."""
        return list(zip(flatten(self.shape), flatten(self.stride), strict=True))

    @property
    def offsets(self) -> list[int]:
        """The offsets in the order of the integer coordinates."""
        return [self(i) for i in range(self.size)]


def concatenate(*layouts: Layout) -> Layout:
    """The layout that has these as its modes."""
    return Layout(tuple(each.shape for each in layouts), tuple(each.stride for each in layouts))


def _congruent(shape: IntTuple, stride: IntTuple) -> bool:
    if isinstance(shape, int) or isinstance(stride, int):
        return isinstance(shape, int) and isinstance(stride, int)
    return len(shape) == len(stride) and all(map(_congruent, shape, stride))
