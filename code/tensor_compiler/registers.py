"""Buffers of scope `registers` as named C variables: an array would stay in memory."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .expression import Buffer, Constant, Expression, Variable
from .printer import show
from .simplify import simplify
from .traversal import expressions

NARROWEST = 4  # lanes of the smallest vector


class NotInRegisters(ValueError):
    """An element of a buffer in registers is chosen at run time."""


@dataclass(frozen=True)
class Chunk:
    """`width` neighbours of a row from `start`: a vector called `name`, or a number if the width is 1."""

    name: str
    start: int
    width: int


class Registers:
    """The variables that hold a buffer: each row of its last dimension in vectors, or number by number."""

    def __init__(self, buffer: Buffer, lanes: int, taken: set[str]) -> None:
        """`lanes` of the widest vector: 1 for a buffer that no vectorized loop runs along."""
        self.buffer, stem = buffer, buffer.name
        while any(name.startswith(f"{stem}_") for name in taken):
            stem += "_"
        extents = buffer.extents or (1,)
        self.row, size = extents[-1], 1
        for extent in extents:
            size *= extent
        self.chunks: list[Chunk] = []
        for row in range(size // self.row if self.row else 0):
            for number, (start, width) in enumerate(pieces(0, self.row, lanes)):
                several = (row,) if size > self.row else ()
                name = "_".join(map(str, (stem, *several, number)))
                self.chunks.append(Chunk(name, row * self.row + start, width))

    def declarations(self) -> list[str]:
        dtype = self.buffer.dtype
        return [f"{dtype}{f'x{c.width}' if c.width > 1 else ''} {c.name};" for c in self.chunks]

    def find(self, offset: Expression) -> tuple[Chunk, int]:
        """The chunk of an element and the position there. Raises NotInRegisters for an offset that varies."""
        if not isinstance(offset, Constant):
            loops = sorted({part.name for part in expressions(offset) if isinstance(part, Variable)})
            raise NotInRegisters(
                f"'{self.buffer.name}' is in registers but indexed by {', '.join(loops) or show(offset)}: "
                "unroll the loop, or allocate the buffer on the stack"
            )
        at = int(offset.value)
        chunk = next(chunk for chunk in self.chunks if chunk.start <= at < chunk.start + chunk.width)
        return chunk, at - chunk.start

    def element(self, offset: Expression) -> str:
        chunk, position = self.find(offset)
        return chunk.name if chunk.width == 1 else f"{chunk.name}[{position}]"

    def whole(self, offset: Expression, count: int) -> str | None:
        """The variable that is exactly the vector of `count` elements from `offset`, if one is."""
        chunk, position = self.find(offset)
        return chunk.name if (position, chunk.width) == (0, count) else None

    def vector(self, offset: Expression, count: int) -> str:
        """The vector of `count` elements from `offset`, to read."""
        parts = (self.element(simplify(offset + lane)) for lane in range(count))
        return self.whole(offset, count) or f"({self.buffer.dtype}x{count}){{{', '.join(parts)}}}"


def pieces(lower: int, upper: int, lanes: int) -> list[tuple[int, int]]:
    """(start, width) of the vectors that cover lower, ..., upper - 1: wide first, single elements last."""
    found = []
    while lower < upper:
        width = lanes
        while width > upper - lower:
            width //= 2
        width = width if width >= NARROWEST else 1
        found.append((lower, width))
        lower += width
    return found


@functools.lru_cache(maxsize=1024)  # the lanes of a vector ask for the same one
def flat_offset(buffer: Buffer, indices: tuple[Expression, ...]) -> Expression:
    """The row-major position of an element."""
    offset: Expression = Constant(0)
    for index, extent in zip(indices, buffer.shape, strict=True):
        offset = offset * extent + index
    return simplify(offset)
