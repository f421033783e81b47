"""Exercises of layouts: composition, a copy stated as a layout, a swizzle for any width of a tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, Failed, mutants, require
from layout_algebra import Layout, wavefronts

# --- 1: the composition of a flat layout with one mode ------------------------------------------------------


def _layout(pairs: list[tuple[int, int]]) -> Layout:
    return Layout(tuple(extent for extent, _ in pairs), tuple(stride for _, stride in pairs))


def _composes(modes: list[tuple[int, int]], extent: int, stride: int, hint: str) -> Callable[[Any], None]:
    """Hold the answer against the definition, R(i) = outer(stride * i), at every i."""

    def check(composition: Callable[..., Any]) -> None:
        outer = _layout(modes)
        call = f"composition({modes}, {extent}, {stride})"
        try:
            found = [tuple(mode) for mode in composition(list(modes), extent, stride)]
        except ValueError as refusal:
            raise Failed(f"{call} is refused: {refusal}", hint) from refusal
        result = _layout(found)
        require(result.size == extent, f"{call} = {found} has {result.size} elements, not {extent}", hint)
        for i in range(extent):
            expected = outer(stride * i)
            require(
                result(i) == expected,
                f"{call} = {found} takes {i} to {result(i)}, and outer({stride * i}) = {expected}",
                hint,
            )

    return check


def _refuses(modes: list[tuple[int, int]], extent: int, stride: int, hint: str) -> Callable[[Any], None]:
    def check(composition: Callable[..., Any]) -> None:
        try:
            found = composition(list(modes), extent, stride)
        except ValueError:
            return
        require(False, f"composition({modes}, {extent}, {stride}) = {found}, which is another function", hint)

    return check


COMPOSE = """def composition(outer, extent, stride):
    taken = []
    for length, step in outer:
        if stride % length == 0:
            stride //= length
            continue
        if length % stride:
            raise ValueError(f"neither of {stride} and {length} divides the other")
        here = min(extent, length // stride)
        if extent % here:
            raise ValueError(f"{extent} elements do not fill modes of {here}")
        taken.append((here, stride * step))
        stride, extent = 1, extent // here
        if extent == 1:
            return taken
    raise ValueError("the outer layout ends before the inner one does")
"""
COMPOSITION = Exercise(
    name="composition",
    task="Compose a flat layout with every stride-th integer, as a layout.",
    entry="composition",
    starter='''def composition(outer, extent, stride):
    """outer: the modes of a layout, (extent, stride) pairs, none of extent 1, the first one fastest.

    Return the modes of the layout R of `extent` elements with R(i) = outer(stride * i), where stride is
    positive and extent more than 1. Raise ValueError where a division has a remainder.
    """
    length, step = outer[0]
    return [(extent, stride * step)]
''',
    reference=COMPOSE,
    properties={
        "inside the first mode": _composes([(8, 3), (4, 100)], 4, 2, "walk by the stride of the mode"),
        "over the end of the first mode": _composes(
            [(4, 3), (8, 100)], 16, 1, "a mode gives what it has, the next one gives the rest"
        ),
        "every second element": _composes(
            [(4, 3), (8, 100)], 8, 2, "behind the mode that the stride divides, walk in steps of 1"
        ),
        "a stride that jumps over a mode": _composes(
            [(4, 3), (8, 100)], 4, 8, "a mode that the stride jumps over leaves a smaller stride"
        ),
        "three modes": _composes(
            [(4, 1), (6, 50), (2, 1000)], 4, 12, "some of the stride jumps, the rest walks"
        ),
        "a stride that does not divide": _refuses(
            [(6, 8), (2, 2)], 2, 4, "test the division before you divide"
        ),
        "an extent that does not divide": _refuses(
            [(3, 8), (4, 12)], 4, 1, "test that what is left fills the modes that follow"
        ),
    },
    wrong=mutants(
        COMPOSE,
        ("forgets the stride of the mode", "(here, stride * step)", "(here, stride)", "by the stride of"),
        ("takes all from the first mode", "min(extent, length // stride)", "extent", "gives what it has"),
        (
            "keeps the stride for the next mode",
            "stride, extent = 1, extent // here",
            "extent = extent // here",
            "in steps of 1",
        ),
        (
            "jumps without shortening the stride",
            "            stride //= length\n",
            "",
            "leaves a smaller stride",
        ),
        ("divides and drops the remainder", "if length % stride:", "if False:", "before you divide"),
        ("drops what is left over", "if extent % here:", "if False:", "fills the modes"),
    ),
)

# --- 2: a copy, stated as a thread-value layout -------------------------------------------------------------

ROWS, COLUMNS, THREADS, VALUES = 16, 64, 128, 8


def _place(layout: Layout, thread: int, value: int) -> tuple[int, int]:
    """(row, column) of a position in the tile, rows fastest."""
    column, row = divmod(layout(thread, value), ROWS)
    return row, column


def _copies(check: Callable[[Layout], None]) -> Callable[[Any], None]:
    def judged(copy_layout: Callable[[], Any]) -> None:
        layout = Layout(*copy_layout())
        sizes = tuple(mode.size for mode in layout)
        require(
            sizes == (THREADS, VALUES),
            f"its modes have {sizes} elements, not {(THREADS, VALUES)}",
            "the first mode counts threads, the second the values of one thread",
        )
        check(layout)

    return judged


def _each_once(layout: Layout) -> None:
    seen: dict[int, tuple[int, int]] = {}
    for thread in range(THREADS):
        for value in range(VALUES):
            position = layout(thread, value)
            before = seen.setdefault(position, (thread, value))
            require(
                before == (thread, value) and position < ROWS * COLUMNS,
                f"thread {thread} has position {position} as value {value}"
                + (
                    f", and thread {before[0]} has it too" if before != (thread, value) else ", past the tile"
                ),
                "the offsets must be those of the tile, each once: multiply the extents on the way",
            )


def _pieces(layout: Layout) -> None:
    for thread in range(THREADS):
        places = [_place(layout, thread, value) for value in range(VALUES)]
        row, column = places[0]
        require(
            places == [(row, column + i) for i in range(VALUES)] and column % VALUES == 0,
            f"thread {thread} holds {places[:3]} and so on",
            "one copy moves neighbours of a row: which stride leads from a column to the next?",
        )


def _coalesced(layout: Layout) -> None:
    for thread in range(0, THREADS, 8):
        rows = {_place(layout, thread + i, 0)[0] for i in range(8)}
        columns = [_place(layout, thread + i, 0)[1] for i in range(8)]
        require(
            len(rows) == 1 and columns == sorted(columns),
            f"threads {thread} to {thread + 7} read from rows {sorted(rows)}, columns {columns}",
            "eight threads that follow each other read one row of 128 bytes, from left to right",
        )


COPY = """def copy_layout():
    shape = ((8, 16), 8)
    stride = ((128, 1), 16)
    return shape, stride
"""
COPY_LAYOUT = Exercise(
    name="copy-layout",
    task="Write the thread-value layout of a copy of 16 x 64 halves, row by row.",
    entry="copy_layout",
    starter='''def copy_layout():
    """Return (shape, stride) of the layout that takes (thread, value) to a position in the tile.

    128 threads, 8 values each. The position of row m and column k is m + 16 * k. In memory the rows lie one
    after the other, 64 halves each. A thread copies 8 neighbours of a row, which is 16 bytes, and eight
    threads that follow each other copy a whole row from left to right; the next eight copy the next row.
    """
    shape = (128, 8)
    stride = (8, 1)
    return shape, stride
''',
    reference=COPY,
    properties={
        "each element once": _copies(_each_once),
        "a piece of a row per thread": _copies(_pieces),
        "a row per eight threads": _copies(_coalesced),
    },
    wrong=mutants(
        COPY,
        ("gives a thread a piece of a column", "((8, 16), 8)\n    stride = ((128, 1), 16)",
         "((2, 64), 8)\n    stride = ((8, 16), 1)", "moves neighbours of a row"),
        ("sends threads down the columns", "((8, 16), 8)\n    stride = ((128, 1), 16)",
         "((16, 8), 8)\n    stride = ((1, 128), 16)", "eight threads that follow each other"),
        ("overlaps pieces", "((128, 1), 16)", "((16, 1), 16)", "each once"),
        ("counts values in the first mode", "((8, 16), 8)\n    stride = ((128, 1), 16)",
         "(8, (8, 16))\n    stride = (16, (128, 1))", "the first mode counts threads"),
        ("reads rows backwards in pairs", "((8, 16), 8)\n    stride = ((128, 1), 16)",
         "((2, 4, 16), 8)\n    stride = ((512, 128, 1), 16)", "from left to right"),
    ),
)  # fmt: skip

# --- 3: a swizzle for any width ------------------------------------------------------------------------------

TILE_ROWS = 64
WIDTHS = ((64, 2), (32, 2), (16, 2), (128, 2), (256, 2), (32, 4), (128, 1))  # (columns, bytes of an element)


def _swizzles(check: Callable[[Callable[[int], int], int, int], None]) -> Callable[[Any], None]:
    """Ask for each width, and give `check` the swizzle as a function of element offsets."""

    def judged(swizzle: Callable[..., Any]) -> None:
        for columns, size in WIDTHS:
            bits, base, shift = swizzle(columns, size)
            mask = ((1 << bits) - 1) << base

            def moved(offset: int, mask: int = mask, shift: int = shift) -> int:
                return offset ^ (offset >> shift & mask)

            check(moved, columns, size)

    return judged


def _keeps_pieces(moved: Callable[[int], int], columns: int, size: int) -> None:
    piece = 16 // size
    for start in range(0, TILE_ROWS * columns, piece):
        offsets = [moved(start + i) for i in range(piece)]
        require(
            offsets == list(range(offsets[0], offsets[0] + piece)) and offsets[0] % piece == 0,
            f"with {columns} columns of {size} bytes the 16 bytes from {start} lie at {offsets}",
            "offsets count elements: as many lower bits stay as a piece of 16 bytes has elements",
        )


def _reads_without_conflict(moved: Callable[[int], int], columns: int, size: int) -> None:
    piece = 16 // size
    for row in range(0, TILE_ROWS, 8):
        for column in range(0, columns, piece):
            addresses = [size * moved((row + i) * columns + column) for i in range(8)]
            steps = wavefronts(addresses, 16)
            require(
                steps == 1,
                f"with {columns} columns of {size} bytes, rows {row} to {row + 7} at column {column} take "
                f"{steps} wavefronts",
                "how many pieces has a row, how many rows lie in 128 bytes, and which bits number the rest?",
            )


SWIZZLE = """def swizzle(columns, size):
    pieces = columns * size // 16
    log = pieces.bit_length() - 1
    bits = min(3, log)
    base = (16 // size).bit_length() - 1
    shift = max(3, log)
    return bits, base, shift
"""
CONFLICT_FREE = Exercise(
    name="conflict-free-swizzle",
    task="Find the swizzle that rids a tile of any width of conflicts.",
    entry="swizzle",
    starter='''def swizzle(columns, size):
    """Return (bits, base, shift) of a swizzle of element offsets: offset ^ (offset >> shift & mask), where
    mask has `bits` ones from position `base` on.

    The tile has 64 rows of `columns` elements of `size` bytes, row after row; columns * size is a power of
    two from 32 to 512. Pieces of 16 bytes stay whole. A piece of the same column from each of eight rows,
    from a row that is a multiple of 8 on, is read in one wavefront.
    """
    return 3, 3, 3
''',
    reference=SWIZZLE,
    properties={
        "keeps pieces whole": _swizzles(_keeps_pieces),
        "reads without a conflict": _swizzles(_reads_without_conflict),
    },
    wrong=mutants(
        SWIZZLE,
        ("counts bytes", "(16 // size).bit_length() - 1", "4", "which bits number the rest"),
        ("takes every element for a piece", "(16 // size).bit_length() - 1", "0", "offsets count elements"),
        ("keeps the shift of 64 columns", "max(3, log)", "3", "which bits number the rest"),
        ("shifts by the width of a row", "max(3, log)", "log", "which bits number the rest"),
        ("swizzles one bit", "min(3, log)", "1", "which bits number the rest"),
        ("swizzles nothing", "min(3, log)", "0", "which bits number the rest"),
    ),
)

EXERCISES = (COMPOSITION, COPY_LAYOUT, CONFLICT_FREE)
