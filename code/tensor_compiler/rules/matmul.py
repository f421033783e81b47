"""Matrix products: a tile of the result in registers, panels of the right factor, an epilogue at the tile.

Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
"""

from __future__ import annotations

import math

from ..expression import Binary, Constant
from ..schedule import Schedule
from ..target import Target
from ..tile import TILES
from ..traversal import free_names, loads
from .nest import Nest, attempt, divisor, expect, inside, length, nests, straight

WAYS = 8  # rows of A that are a power of two apart meet in one set of L1, which holds as many lines
PANELS = 4  # of B that are packed together: each row of B is read over so many panels
AHEAD = 4  # rows of B between the one that is packed and the one that is fetched from memory


def matmul(schedule: Schedule, target: Target) -> None:
    """The rule for a matrix product, with batch axes or without, and the element-wise stages after it."""
    found = nests(schedule)
    expect(schedule, bool(found) and bool(found[0].reduced) and len(found[0].loops) > 1, "product")
    product, *after = found
    if not after:
        schedule.cache_write(product.buffer.name, None, "scratch")
    *between, last = nests(schedule)[1:]
    expect(schedule, len(last.loops) > 1, "product of several rows")
    *outer, i, j = last.loops
    width = math.gcd(length(schedule, j), panel_width(product))
    rows, columns = register_tile(target, length(schedule, i), width)
    i_o, j_o, *_ = schedule.tile((i, j), (rows, columns))
    schedule.reorder(j_o, i_o)
    panels, _ = schedule.split(j_o, divisor(length(schedule, j_o), PANELS))
    for nest in reversed(between):
        if not attempt(schedule.inline, nest.buffer.name):
            schedule.compute_at(nest.loops[0], i_o, "registers")
    schedule.compute_at(product.loops[0], i_o, "registers")
    accumulate(schedule, target, product, i_o, panels, columns)
    schedule.parallel(outer[0] if outer else panels if length(schedule, panels) > 1 else i_o)


def register_tile(target: Target, rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of the tile of accumulators for a result of `rows` x `columns`.

    The tile divides the result and leaves registers for a row of B and an element of A. Among those, the one
    with the most products for each load; the loads of B count twice, since a multiply-add takes the element
    of A from memory itself.
    """
    best, score = (1, 1), 0.0
    for height in range(1, min(WAYS, rows) + 1):
        for width in range(1, min(8 * target.lanes, columns) + 1):
            vectors = -(-width // target.lanes)
            fits = height * vectors + vectors + 1 <= target.registers
            if rows % height or columns % width or not fits:
                continue
            reuse = height * width / target.lanes / (height + 2 * vectors)
            if reuse >= score:
                best, score = (height, width), reuse
    return best


def panel_width(product: Nest) -> int:
    """The columns of the panels that the right factor lies in already, or 0: a constant was packed once."""
    match list(loads(product.update.value))[1].indices[-1]:
        case Binary(operator="%", right=Constant(value=width)):
            return int(width)
    return 0


def instruction(schedule: Schedule, target: Target, product: Nest, columns: int) -> tuple[str, int, int]:
    """The tile instruction of `target` for the dtypes of a product, its lanes and depth; else "", 1, 1."""
    for name, tile in TILES.items():
        _, left, right = tile.meaning.buffers
        lanes, depth = right.extents
        fits = columns % lanes == 0 and length(schedule, product.reduced[0]) % depth == 0
        kinds = [load.dtype for load in loads(product.update.value)]
        if tile.macro in target.macros and kinds == [left.dtype, right.dtype] and fits:
            return name, lanes, depth
    return "", 1, 1


def accumulate(
    schedule: Schedule, target: Target, product: Nest, block: str, outer: str | None, columns: int
) -> None:
    """Let k run around the tile of accumulators in `block`, on the panels that `outer` reads."""
    (k,) = product.reduced
    name, lanes, depth = instruction(schedule, target, product, columns)
    around = [loop for loop in inside(schedule, block) if k in inside(schedule, loop)]
    if around:
        schedule.decompose_reduction(k, around[0])
    inner: list[str] = []
    if name:
        j_o, j_i = schedule.split(around.pop(), lanes)
        k, k_i = schedule.split(k, depth)
        around, inner = [*around, j_o], [j_i, k_i]
    if not panel_width(product) and (length(schedule, block) > 1 or depth > 1):
        pack(schedule, product, outer, columns, depth)
    if around:
        schedule.reorder(k, *around, *inner)
    if name:
        schedule.replace_with(inner[0], name)
        schedule.unroll(around.pop())
    straight(schedule, block, k)


def pack(schedule: Schedule, product: Nest, outer: str | None, columns: int, depth: int) -> None:
    """Copy what `outer` reads of the right factor: panels of `columns`, in each the elements of one k after
    those of another, or `depth` of them side by side.
    """
    right = list(loads(product.update.value))[1]
    (row,) = (n for n, index in enumerate(right.indices) if product.reduced[0] in free_names(index))
    *batch, column = (n for n in range(len(right.indices)) if n != row)
    blocks = [(column, columns), (row, depth)][: 2 if depth > 1 else 1]
    copies = list(schedule.cache_read(right.buffer.name, outer, "scratch", [*batch, column, row], blocks))
    attempt(schedule.unroll if depth > 1 else schedule.vectorize, copies[-1])
    if len(copies) > 2 and row < column and depth == 1:
        schedule.reorder(copies[-2], copies[-3])
        schedule.prefetch(right.buffer.name, copies[-2], AHEAD)
