"""Layouts drawn at random, to hold two implementations against each other."""

from __future__ import annotations

import random

from layout_algebra.layout import IntTuple, Layout, flatten, size

EXTENTS = (1, 2, 2, 3, 4, 4, 6)
LARGEST = 256  # elements
STRIDES = (0, 1, 1, 2, 3, 4, 6, 8, 12, 24)


def random_layout(generator: random.Random, depth: int = 2) -> Layout:
    """A layout of at most 256 elements, nested up to `depth`: compact, permuted or with any strides."""
    shape = _shape(generator, depth)
    while size(shape) > LARGEST:
        shape = _shape(generator, depth)
    kind = generator.choice(("compact", "permuted", "any"))
    if kind == "compact":
        return Layout(shape)
    leaves = flatten(shape)
    if kind == "any":
        return Layout(shape, _filled(shape, [generator.choice(STRIDES) for _ in leaves]))
    order, strides, reached = generator.sample(range(len(leaves)), len(leaves)), [0] * len(leaves), 1
    for leaf in order:
        strides[leaf] = reached
        reached *= leaves[leaf]
    return Layout(shape, _filled(shape, strides))


def _shape(generator: random.Random, depth: int) -> IntTuple:
    if depth == 0 or generator.random() < 0.4:
        return generator.choice(EXTENTS)
    return tuple(_shape(generator, depth - 1) for _ in range(generator.randint(1, 3)))


def _filled(shape: IntTuple, leaves: list[int]) -> IntTuple:
    """`leaves`, consumed from the left, in the structure of `shape`."""
    if isinstance(shape, int):
        return leaves.pop(0)
    return tuple(_filled(mode, leaves) for mode in shape)
