"""Operations on layouts: each takes layouts and returns the layout of a stated function.

Definitions: Cecka, CuTe Layout Representation and Algebra, 2026. A refusal is a ValueError that says which
number does not divide which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from layout_algebra.layout import Layout, concatenate

Tiler: TypeAlias = "int | Layout | tuple[Tiler, ...]"


def _from_pairs(pairs: list[tuple[int, int]]) -> Layout:
    """The flat layout of (extent, stride) pairs; one integer mode where there is one pair, 1:0 for none."""
    if len(pairs) < 2:
        return Layout(*(pairs or [(1, 0)])[0])
    return Layout(tuple(extent for extent, _ in pairs), tuple(stride for _, stride in pairs))


def coalesce(layout: Layout) -> Layout:
    """The same function of an integer, with as few modes as neighbours allow."""
    merged: list[tuple[int, int]] = []
    for extent, stride in layout.pairs:
        if extent == 1:
            continue
        if merged and stride == merged[-1][0] * merged[-1][1]:
            merged[-1] = (merged[-1][0] * extent, merged[-1][1])
        else:
            merged.append((extent, stride))
    return _from_pairs(merged)


def composition(outer: Layout, inner: Tiler) -> Layout:
    """The layout R with R(c) = outer(inner(c)), for every coordinate of `inner`.

    A tuple applies its members to the modes of `outer`, one by one. Raises
    ValueError where a stride or an extent of `inner` does not divide the modes of
    `outer` that it crosses, and where its own modes carry into each other.
    """
    if isinstance(inner, int):
        inner = Layout(inner)
    if isinstance(inner, tuple):
        return _by_mode(composition, outer, inner)
    name, flat = f"{outer} after {inner}", coalesce(outer)
    if isinstance(inner.shape, tuple):
        result = concatenate(*(composition(outer, mode) for mode in inner))
        for i in range(inner.size):
            if result(i) != flat(inner(i)):
                raise ValueError(f"{name}: its modes carry into each other, first at {i}")
        return result
    (rest, skip), taken = inner.pairs[0], []
    if skip == 0 or rest == 1:
        return Layout(rest, 0)
    for length, step in flat.pairs[:-1]:
        if skip % length == 0:  # the stride jumps over this mode
            skip //= length
            continue
        if length % skip:
            raise ValueError(f"{name}: neither of {skip} and {length} divides the other")
        here = min(rest, length // skip)
        if rest % here:
            raise ValueError(f"{name}: {rest} elements do not fill modes of {here}")
        taken.append((here, skip * step))
        skip, rest = 1, rest // here
        if rest == 1:
            return _from_pairs(taken)
    # The last mode goes on past its end.
    return _from_pairs([*taken, (rest, skip * flat.pairs[-1][1])])


def complement(layout: Layout, extent: int) -> Layout:
    """The offsets below `extent` to which `layout` must be moved for its copies to cover them all, each once.

    A mode of stride 0 counts as one element. Raises ValueError where the modes of `layout` overlap, or leave
    a gap that no copies fill.
    """
    gaps, filled = [], 1
    for stride, length in sorted((stride, length) for length, stride in layout.pairs):
        if length == 1 or stride == 0:
            continue
        if stride % filled:
            raise ValueError(f"{layout} has no complement: its stride {stride} is no multiple of {filled}")
        gaps.append((stride // filled, filled))
        filled = stride * length
    return coalesce(_from_pairs([*gaps, (-(-extent // filled), filled)]))


def right_inverse(layout: Layout) -> Layout:
    """The layout R with layout(R(i)) = i: where offset i comes from, up to a gap."""
    before, places = 1, []
    for extent, stride in layout.pairs:
        places.append((stride, extent, before))
        before *= extent
    found, reached = [], 1
    for stride, extent, place in sorted(places):
        if extent > 1 and stride != reached:
            break
        found.append((extent, place))
        reached *= extent
    return coalesce(_from_pairs(found))


def logical_divide(layout: Layout, tiler: Tiler) -> Layout:
    """Each mode split in two: (inside a tile, over the tiles)."""
    if isinstance(tiler, tuple):
        return _by_mode(logical_divide, layout, tiler)
    tile = Layout(tiler) if isinstance(tiler, int) else tiler
    return composition(layout, concatenate(tile, complement(tile, layout.size)))


def logical_product(layout: Layout, tiler: Tiler) -> Layout:
    """Each mode repeated: (the layout, over its copies), the copies in the order of `tiler`."""
    if isinstance(tiler, tuple):
        return _by_mode(logical_product, layout, tiler)
    copies = Layout(tiler) if isinstance(tiler, int) else tiler
    return concatenate(layout, composition(complement(layout, layout.size * copies.cosize), copies))


def zipped_divide(layout: Layout, tiler: tuple[Tiler, ...]) -> Layout:
    """`logical_divide` with the two halves gathered: ((inside, inside), (over, over))."""
    return _gathered(logical_divide(layout, tiler))


def zipped_product(layout: Layout, tiler: tuple[Tiler, ...]) -> Layout:
    """`logical_product` with the two halves gathered: ((inside, inside), (over, over))."""
    return _gathered(logical_product(layout, tiler))


def _by_mode(
    operation: Callable[[Layout, Tiler], Layout], layout: Layout, tiler: tuple[Tiler, ...]
) -> Layout:
    modes = tuple(layout)
    if len(modes) != len(tiler):
        raise ValueError(f"{layout} has {len(modes)} modes: give as many tiles, not {len(tiler)}")
    return concatenate(*(operation(mode, tile) for mode, tile in zip(modes, tiler, strict=True)))


def _gathered(split: Layout) -> Layout:
    return concatenate(*(concatenate(*(mode[half] for mode in split)) for half in (0, 1)))
