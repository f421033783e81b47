"""The algebra against pycute, NVIDIA's reference in Python, on random layouts.

Both answer: the same shape, and the same stride wherever a mode has more than one element. Only we refuse:
then what pycute answers is not the function of the definition. Only pycute refuses: then our answer is.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pycute
import pytest

from layout_algebra import (
    Layout,
    Swizzle,
    coalesce,
    complement,
    composition,
    logical_divide,
    logical_product,
    right_inverse,
    zipped_divide,
    zipped_product,
)
from layout_algebra.random_layout import random_layout

PAIRS = 3000


def theirs(layout: Layout) -> Any:
    return pycute.Layout(layout.shape, layout.stride)


def told_apart(shape: Any, stride: Any) -> Any:
    """Shape and stride, where the stride of a single element does not count."""
    if isinstance(shape, int):
        return shape, 0 if shape == 1 else stride
    return tuple(told_apart(*mode) for mode in zip(shape, stride, strict=True))


def same(ours: Layout, other: Any) -> bool:
    return bool(told_apart(ours.shape, ours.stride) == told_apart(other.shape, other.stride))


def answers(ours: Callable[[], Layout], other: Callable[[], Any]) -> tuple[Layout | None, Any]:
    try:
        found: Layout | None = ours()
    except ValueError:
        found = None
    try:
        return found, other()
    except (AssertionError, ZeroDivisionError):  # how pycute refuses
        return found, None


def composes(result: Callable[[int], int], size: int, outer: Layout, inner: Layout) -> bool:
    """Whether `result` is outer(inner(i)), for an `inner` that stays where `outer` is defined."""
    assert inner.cosize <= outer.size
    return size == inner.size and all(result(i) == outer(inner(i)) for i in range(size))


def tiles(layout: Layout, rest: Any, size: int) -> bool:
    """Copies of `layout`, moved by the offsets of `rest`, cover what they span, each offset once.

    A mode of stride 0 counts as one element.
    """
    own = [0]
    for extent, stride in layout.pairs:
        own = [start + i * stride for start in own for i in range(extent if stride else 1)]
    covered = sorted(start + rest(i) for i in range(size) for start in own)
    return bool(covered) and covered == list(range(len(covered)))


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Layout, Layout]]:
    generator = random.Random(0)
    return [(random_layout(generator), random_layout(generator)) for _ in range(PAIRS)]


def test_the_same_offsets_at_integer_coordinates(pairs: list[tuple[Layout, Layout]]) -> None:
    for layout, _ in pairs:
        other = theirs(layout)
        assert (layout.size, layout.cosize) == (pycute.size(other), pycute.cosize(other))
        assert layout.offsets == [other(i) for i in range(layout.size)]


@pytest.mark.parametrize("ours", [coalesce, right_inverse])
def test_one_layout_the_same_result(
    ours: Callable[[Layout], Layout], pairs: list[tuple[Layout, Layout]]
) -> None:
    other = getattr(pycute, ours.__name__)
    for layout, _ in pairs:
        assert same(ours(layout), other(theirs(layout))), layout


def test_composition_is_the_same_or_one_side_is_no_composition(pairs: list[tuple[Layout, Layout]]) -> None:
    met: Counter[str] = Counter()
    inside = [(outer, inner) for outer, inner in pairs if inner.cosize <= outer.size]
    for outer, inner in inside:
        found, other = answers(
            lambda a=outer, b=inner: composition(a, b),  # type: ignore[misc]
            lambda a=outer, b=inner: pycute.composition(theirs(a), theirs(b)),  # type: ignore[misc]
        )
        if found is not None:
            assert composes(found, found.size, outer, inner), (outer, inner)
        if found is not None and other is not None:
            assert same(found, other), (outer, inner)
        if found is None and other is not None:
            assert not composes(other, pycute.size(other), outer, inner), (outer, inner)
        met[f"{found is not None} {other is not None}"] += 1
    assert met["True True"] > 300, met
    assert met["False True"] > 5, met


def test_pycute_misses_a_carry_between_modes_that_are_one_to_one() -> None:
    outer, inner = Layout((6, 4), (1, 100)), Layout((3, 2), (2, 3))
    assert len(set(inner.offsets)) == inner.size
    other = pycute.composition(theirs(outer), theirs(inner))
    assert (other(5), outer(inner(5))) == (7, 101)
    with pytest.raises(ValueError, match="carry into each other, first at 5"):
        composition(outer, inner)


def test_complement_is_the_same_or_pycutes_does_not_tile(pairs: list[tuple[Layout, Layout]]) -> None:
    met: Counter[str] = Counter()
    for layout, other_layout in pairs:
        extent = other_layout.size
        found, other = answers(
            lambda a=layout, m=extent: complement(a, m),  # type: ignore[misc]
            lambda a=layout, m=extent: pycute.complement(theirs(a), m),  # type: ignore[misc]
        )
        if found is None:
            assert other is None or not tiles(layout, other, pycute.size(other)), (layout, extent)
        else:
            assert other is not None
            assert same(found, other), (layout, extent)
            assert tiles(layout, found, found.size), (layout, extent)
        met[f"{found is not None} {other is not None}"] += 1
    assert met["True True"] > 500, met
    assert met["False True"] > 50, met


@pytest.mark.parametrize("ours", [logical_divide, logical_product])
def test_divide_and_product_are_the_same_where_both_answer(
    ours: Callable[[Layout, Layout], Layout], pairs: list[tuple[Layout, Layout]]
) -> None:
    other_operation = getattr(pycute, ours.__name__)
    compared = 0
    for layout, tile in pairs:
        found, other = answers(
            lambda a=layout, b=tile: ours(a, b),  # type: ignore[misc]
            lambda a=layout, b=tile: other_operation(theirs(a), theirs(b)),  # type: ignore[misc]
        )
        if found is not None and other is not None:
            assert same(found, other), (layout, tile)
            compared += 1
    assert compared > 500, compared


def test_zipped_divide_and_product_are_the_same() -> None:
    generator = random.Random(1)
    for _ in range(200):
        rows, columns = generator.choice((8, 12, 16)), generator.choice((8, 24, 32))
        layout = generator.choice((Layout((rows, columns)), Layout((rows, columns), (columns, 1))))
        tile = generator.choice((2, 4)), generator.choice((2, 4, 8))
        assert same(zipped_divide(layout, tile), pycute.zipped_divide(theirs(layout), tile))
        copies = tuple(Layout(each) for each in tile)
        other = pycute.zipped_product(theirs(layout), tuple(map(theirs, copies)))
        assert same(zipped_product(layout, copies), other)


def test_swizzles_are_the_same() -> None:
    for bits in range(4):
        for base in range(5):
            for shift in range(max(1, bits), 6):  # pycute never comes back from a shift of 0
                ours, other = Swizzle(bits, base, shift), pycute.Swizzle(bits, base, shift)
                assert [ours(i) for i in range(4096)] == [other(i) for i in range(4096)]
