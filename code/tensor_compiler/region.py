"""The box of elements of one buffer that the iterations of inner loops touch, for the loops around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .access import Access
from .affine import Linear, Ranges, combine, interval, linear
from .expression import Buffer, Constant, Expression, Variable
from .legality import extent
from .simplify import simplify
from .traversal import free_names, loads

Bounds = tuple[Expression, Expression]  # the least and the greatest value


@dataclass(frozen=True)
class Region:
    """In each dimension `counts` elements from `lows` on; `extents`, at least as many, depend on no loop."""

    lows: tuple[Expression, ...]
    counts: tuple[Expression, ...]
    extents: tuple[Expression, ...]

    def relative(self, indices: Sequence[Expression], ranges: Ranges) -> tuple[Expression, ...]:
        """`indices` counted from the start of the box."""
        return tuple(simplify(index - low, ranges) for index, low in zip(indices, self.lows, strict=True))

    def fits(self, buffer: Buffer, ranges: Ranges) -> list[bool]:
        """For each dimension, whether the box is proved to lie in `buffer`."""
        boxes = zip(self.lows, self.extents, buffer.shape, strict=True)
        slack = [(low, shape - low - count) for low, count, shape in boxes]
        return [all(interval(each, ranges)[0] >= 0 for each in ends) for ends in slack]


def region(touching: Sequence[Access], inner: int, ranges: Ranges) -> Region:
    """The box that covers all of `touching`, whose loops from the position `inner` on run within it.

    A dimension where that is not affine in the loops, or differs by more than a number, is taken whole.
    `ranges` bounds the loops around.
    """
    buffer = touching[0].buffer
    boxes: list[tuple[Expression, Expression, Expression]] = []
    around = {name for access in touching for name in access.names[:inner]}
    for dimension, shape in enumerate(buffer.shape):
        box = covering([bounds(access, dimension, inner) for access in touching])
        low, count = box if box else (Constant(0), shape)
        if not free_names(low) <= ranges.keys() or any(loads(low)):
            low, count = Constant(0), shape
        most = interval(count, ranges)[1]
        if not free_names(count) & around:
            boxes.append((low, count, count))
        elif math.isfinite(most):
            boxes.append((low, count, Constant(int(most))))
        else:
            boxes.append((Constant(0), shape, shape))
    lows, counts, extents = zip(*boxes, strict=True) if boxes else ((), (), ())
    return Region(lows, counts, extents)


def covering(boxes: Sequence[Bounds | None]) -> Bounds | None:
    """The low end and the extent of what covers all `boxes`, whose ends differ by numbers."""
    known = [(linear(box[0]), linear(box[1])) for box in boxes if box is not None]
    if len(known) < len(boxes):
        return None
    low, high = known[0]
    for other_low, other_high in known[1:]:
        below, above = combine(other_low, low, -1), combine(other_high, high, -1)
        if below.terms or above.terms:
            return None
        low = other_low if below.constant < 0 else low
        high = other_high if above.constant > 0 else high
    count = combine(combine(high, low, -1), Linear((), 1), 1)
    return low.expression(), count.expression()


def bounds(access: Access, dimension: int, inner: int) -> Bounds | None:
    """The least and the greatest index of `access` in a dimension, over its loops from `inner` on."""
    low = high = linear(access.indices[dimension])
    for loop in reversed(access.loops[inner:]):
        ends = []
        for form, largest in ((low, False), (high, True)):
            factor = form.coefficient(loop.name)
            if factor is None:
                return None
            at = linear(loop.upper - 1 if (factor > 0) == largest else loop.lower)
            ends.append(combine(form.without(loop.name), at, factor) if factor else form)
        low, high = ends
    return low.expression(), high.expression()


def fills(access: Access, box: Region, inner: int, conditions: int) -> bool:
    """Whether `access` touches each element of `box` in each iteration of the loops around.

    That is proved where its inner loops are of fixed length, each serves one dimension, and within a
    dimension they count like the digits of a number. `conditions` is how many hold around.
    """
    loops = access.loops[inner:]
    lengths = {loop.name: extent(loop) for loop in loops}
    if len(access.conditions) > conditions or not all(lengths.values()):
        return False
    used: set[str] = set()
    for index, low, count in zip(access.indices, box.lows, box.extents, strict=True):
        reached = 1
        for atom, factor in sorted(linear(index - low).terms, key=lambda term: abs(term[1])):
            name = atom.name if isinstance(atom, Variable) else ""
            length = lengths.get(name)
            if length is None or abs(factor) > reached or name in used:
                return False
            used.add(name)
            reached += abs(factor) * (length - 1)
        if count != Constant(reached):
            return False
    return True
