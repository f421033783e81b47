"""Exercises of schedules: the innermost loop, loops in tiles, iterations that may run at once."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from graders.exercise import Exercise, mutants, require

# --- 1: which loop goes innermost ---------------------------------------------------------------------------

INNERMOST = """def innermost(accesses, line):
    def cost(loop):
        moves = (abs(strides.get(loop, 0)) for strides in accesses)
        return sum(min(move, line) / line for move in moves)

    loops = sorted({loop for strides in accesses for loop in strides})
    return min(loops, key=cost)
"""


def _picks(expected: str, accesses: list[dict[str, int]], hint: str, line: int = 16) -> Callable[[Any], None]:
    def check(innermost: Callable[..., str]) -> None:
        found = innermost([dict(strides) for strides in accesses], line)
        say = f"for the strides {accesses} and {line} elements in a line it picks {found!r}, not {expected!r}"
        require(found == expected, say, hint)

    return check


PRODUCT = [{"k": 64, "j": 1}, {"i": 64, "k": 1}, {"i": 64, "j": 1}]  # B[k, j], A[i, k], C[i, j]
ORDER = Exercise(
    name="innermost-loop",
    task="Pick the loop to go innermost, by the lines of memory that one of its iterations brings.",
    entry="innermost",
    starter='''def innermost(accesses, line):
    """accesses: for each access a dict loop -> stride in elements; absent: it stays.

    line: elements in a line of the cache. An iteration that moves an access by
    s elements brings a new line once in line / s iterations, at most once each.
    Return the loop with the fewest lines per iteration, the first by name among
    equals.
    """
    strides = accesses[0]
    return min(strides, key=strides.get)
''',
    reference=INNERMOST,
    properties={
        "the product": _picks("j", PRODUCT, "add up what all accesses bring, not the first alone"),
        "what stays": _picks(
            "a",
            [{"a": 8, "b": 4}, {"b": 4}, {"b": 4}, {"b": 4}],
            "an access that the loop does not move stays on its line and costs nothing",
        ),
        "far is no worse than a line": _picks(
            "a",
            [{"a": 1000, "b": 12}, {"b": 12}],
            "an iteration brings one line at most, however far it jumps",
        ),
        "backwards": _picks(
            "m", [{"n": -8, "m": 4}], "a loop that runs backwards moves as far: take the absolute value"
        ),
        "lines of another length": _picks(
            "b",
            [{"a": 8, "b": 16}, {"a": 8}],
            "the length of a line is an argument: a stride of it or more brings a line each time",
            line=8,
        ),
    },
    wrong=mutants(
        INNERMOST,
        ("looks at the first access alone", "for strides in accesses)\n", "for strides in accesses[:1])\n",
         "not the first alone"),
        ("charges a line for what does not move", "strides.get(loop, 0)", "strides.get(loop, line)",
         "stays on its line"),
        ("adds up strides", "min(move, line)", "move",
         "one line at most"),
        ("forgets the sign", "abs(strides.get(loop, 0))", "strides.get(loop, 0)", "absolute value"),
        ("takes every line for 16 elements", "def cost(loop):", "def cost(loop, line=16):",
         "the length of a line is an argument"),
    ),
)  # fmt: skip

# --- 2: a loop nest in tiles --------------------------------------------------------------------------------

TILES = """def tiles(rows, columns, tile):
    for top in range(0, rows, tile):
        for left in range(0, columns, tile):
            for i in range(top, min(top + tile, rows)):
                for j in range(left, min(left + tile, columns)):
                    yield i, j
"""


def _covers(rows: int, columns: int, tile: int, hint: str) -> Callable[[Any], None]:
    def check(tiles: Callable[..., Iterable[tuple[int, int]]]) -> None:
        seen = Counter(itertools.islice(tiles(rows, columns, tile), 4 * rows * columns + 1))
        call = f"tiles({rows}, {columns}, {tile})"
        outside = [at for at in seen if not (0 <= at[0] < rows and 0 <= at[1] < columns)]
        require(not outside, f"{call} visits {min(outside, default=None)}, which is outside", hint)
        for at in itertools.product(range(rows), range(columns)):
            require(seen[at] == 1, f"{call} visits {at} {seen[at]} times, not once", hint)

    return check


def _in_tiles(tiles: Callable[..., Iterable[tuple[int, int]]]) -> None:
    visits = list(tiles(5, 7, 3))
    whole = [list(group) for _, group in itertools.groupby(visits, key=lambda at: (at[0] // 3, at[1] // 3))]
    hint = "two loops over tiles around two loops in a tile: finish one before the next"
    require(
        len(whole) == 6,
        f"tiles(5, 7, 3) has 6 tiles; it enters a tile {len(whole)} times, {visits[:8]}",
        hint,
    )
    rows = [visits.index((0, j)) for j in range(3)]
    require(
        rows == [0, 1, 2],
        f"in the first tile (0, 0), (0, 1), (0, 2) are visits {rows}",
        "rows before columns",
    )


TILED = Exercise(
    name="tile-order",
    task="Visit a grid tile by tile, whatever its extents.",
    entry="tiles",
    starter='''def tiles(rows, columns, tile):
    """Yield each (i, j) with 0 <= i < rows and 0 <= j < columns once.

    In tiles of tile x tile: tiles come row by row, and so do the elements of one.
    Those at the edges may be smaller.
    """
    for i in range(rows):
        for j in range(columns):
            yield i, j
''',
    reference=TILES,
    properties={
        "what divides": _covers(4, 6, 2, "a tile covers tile x tile elements"),
        "what does not divide": _covers(5, 7, 3, "the last tile of a row is cut: min(left + tile, columns)"),
        "a tile larger than the grid": _covers(2, 3, 8, "one tile, cut on both sides"),
        "tile by tile": _in_tiles,
    },
    wrong=mutants(
        TILES,
        ("leaves the rest out", "range(0, columns, tile)", "range(0, columns - tile + 1, tile)", "is cut"),
        ("runs past the edge", "min(left + tile, columns)", "left + tile", "is cut"),
        ("steps by one", "range(0, rows, tile)", "range(rows)", "a tile covers"),
        ("goes row by row through all tiles",
         """        for left in range(0, columns, tile):
            for i in range(top, min(top + tile, rows)):
""",
         """        for i in range(top, min(top + tile, rows)):
            for left in range(0, columns, tile):
""", "finish one before the next"),
        ("goes down the columns of a tile",
         """            for i in range(top, min(top + tile, rows)):
                for j in range(left, min(left + tile, columns)):
""",
         """            for j in range(left, min(left + tile, columns)):
                for i in range(top, min(top + tile, rows)):
""", "rows before columns"),
    ),
)  # fmt: skip

# --- 3: iterations that may run at once ---------------------------------------------------------------------

Iteration = tuple[set[str], set[str]]  # what one iteration reads, and what it writes

CONFLICT = """def conflict(iterations):
    for later, (reads, writes) in enumerate(iterations):
        for earlier, (other_reads, other_writes) in enumerate(iterations[:later]):
            if writes & (other_reads | other_writes) or other_writes & reads:
                return earlier, later
    return None
"""


def _independent(iterations: list[Iteration], hint: str) -> Callable[[Any], None]:
    def check(conflict: Callable[..., Any]) -> None:
        found = conflict([(set(reads), set(writes)) for reads, writes in iterations])
        require(found is None, f"for {iterations} it returns {found}, but these may run at once", hint)

    return check


def _dependent(iterations: list[Iteration], hint: str) -> Callable[[Any], None]:
    def check(conflict: Callable[..., Any]) -> None:
        found = conflict([(set(reads), set(writes)) for reads, writes in iterations])
        require(found is not None, f"for {iterations} it returns None, but these may not run at once", hint)
        first, second = found
        (reads, writes), (other_reads, other_writes) = iterations[first], iterations[second]
        real = first < second and bool(writes & (other_reads | other_writes) or other_writes & reads)
        require(
            real,
            f"for {iterations} it returns {found}, which do not touch a common element",
            "a witness is two iterations, the earlier first",
        )

    return check


def _agrees_with_shuffles(conflict: Callable[..., Any]) -> None:
    order = random.Random(0)
    names = [f"x[{n}]" for n in range(4)]
    for _ in range(200):
        iterations = [
            (set(order.sample(names, order.randint(0, 2))), set(order.sample(names, order.randint(0, 1))))
            for _ in range(4)
        ]
        pairs = itertools.permutations(iterations, 2)
        check = _dependent if any(writes & (r | w) for (_, writes), (r, w) in pairs) else _independent
        check(iterations, "compare every two iterations: a write against what the other reads and writes")(
            conflict
        )


PARALLEL = Exercise(
    name="may-run-at-once",
    task="Find two iterations that may not run at the same time, or say that there are none.",
    entry="conflict",
    starter='''def conflict(iterations):
    """iterations: of each iteration of a loop, the sets (reads, writes) of elements.

    Return the positions (earlier, later) of two that touch a common element which
    at least one of them writes; None if no two do.
    """
    return None
''',
    reference=CONFLICT,
    properties={
        "rows of a product": _independent(
            [({"A[0]", "B"}, {"C[0]"}), ({"A[1]", "B"}, {"C[1]"})],
            "many may read an element that nobody writes",
        ),
        "a sum": _dependent(
            [({"s", "x[0]"}, {"s"}), ({"s", "x[1]"}, {"s"})], "both write s: one of the two sums is lost"
        ),
        "what the one before wrote": _dependent(
            [(set(), {"x[0]"}), ({"x[0]"}, {"x[1]"})], "the later reads what the earlier writes"
        ),
        "what the one after writes": _dependent(
            [({"x[1]"}, {"x[0]"}), (set(), {"x[1]"})], "the earlier must read before the later writes"
        ),
        "neighbours but one": _dependent(
            [(set(), {"x[0]"}), (set(), {"x[1]"}), ({"x[0]"}, {"x[2]"})],
            "compare all pairs, not neighbours alone",
        ),
        "its own element": _independent(
            [({"x[0]"}, {"x[0]"}), ({"x[1]"}, {"x[1]"})], "an iteration does not disturb itself"
        ),
        "random iterations": _agrees_with_shuffles,
    },
    wrong=mutants(
        CONFLICT,
        ("forgets what the earlier writes and the later reads", " or other_writes & reads", "",
         "later reads what the earlier"),
        ("forgets what the earlier reads and the later writes", "(other_reads | other_writes)", "other_writes",
         "must read before"),
        ("takes two reads for a conflict", " or other_writes & reads", " or (other_reads | other_writes) & reads",
         "nobody writes"),
        ("compares neighbours", "enumerate(iterations[:later])",
         "list(enumerate(iterations[:later]))[-1:]", "all pairs"),
        ("names the later first", "return earlier, later", "return later, earlier", "the earlier first"),
    ),
)  # fmt: skip

EXERCISES = (ORDER, TILED, PARALLEL)
