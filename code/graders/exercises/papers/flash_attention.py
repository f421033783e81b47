"""Exercises of FlashAttention: merging two parts, counting what tiles move, the blocks of a causal mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, mutants, require

# --- 1: two parts of the keys ---------------------------------------------------------------------------


def _part(q: Any, k: Any, v: Any) -> tuple[Any, Any, Any]:
    """The maximum of each row of scores, the sum of its exponentials, and the result: divided already."""
    scores = q @ k.T
    maximum = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - maximum)
    total = weights.sum(axis=1, keepdims=True)
    return maximum, total, weights @ v / total


def _merged(size: float, first: int, hint: str, chosen: int = 2) -> Callable[[Any], None]:
    """Keys of that size, `first` of eight in the first part; `chosen` of the three answers are looked at."""

    def check(merge: Callable[..., Any]) -> None:
        random = np.random.default_rng(3)
        q, k, v = (random.standard_normal((rows, 4)) for rows in (3, 8, 8))
        k *= size
        parts = [_part(q, k[each], v[each]) for each in (slice(first), slice(first, None))]
        given = [[array.copy() for array in part] for part in parts]
        found = merge(*parts[0], *parts[1])
        for part, before in zip(parts, given, strict=True):
            for array, old in zip(part, before, strict=True):
                require(
                    np.array_equal(array, old),
                    "it writes to what it was given",
                    "leave the parts as they are",
                )
        wanted = _part(q, k, v)
        names = ("maximum", "sum", "result")
        require(len(found) == 3, f"it returns {len(found)} values, not three", "maximum, sum and result")
        for name, one, other in list(zip(names, found, wanted, strict=True))[: chosen + 1]:
            with np.errstate(all="ignore"):
                close = np.allclose(one, other, rtol=1e-9, atol=1e-12)
            sizes = f"{first} and {8 - first} keys of size {size:g}"
            require(close, f"for parts of {sizes} the {name} differs from that of all keys at once", hint)

    return check


MERGE_REFERENCE = """import numpy as np

def merge(m_a, s_a, r_a, m_b, s_b, r_b):
    m = np.maximum(m_a, m_b)
    of_a = np.exp(m_a - m) * s_a
    of_b = np.exp(m_b - m) * s_b
    return m, of_a + of_b, (of_a * r_a + of_b * r_b) / (of_a + of_b)
"""
MERGE = Exercise(
    name="merge-two-parts",
    task="Merge attention to two parts of the keys, each divided by its own sum.",
    entry="merge",
    starter='''import numpy as np

def merge(m_a, s_a, r_a, m_b, s_b, r_b):
    """Of each part: m, the maxima of the scores, and s, the sums of exp(score - m),
    both (rows, 1); r (rows, width), the values weighted by these exponentials and
    divided by s.

    Return m, s and r of all keys. The maxima may be large: do not undo them.
    """
    return np.maximum(m_a, m_b), s_a + s_b, r_a + r_b
''',
    reference=MERGE_REFERENCE,
    properties={
        "the maximum": _merged(1, 4, "the larger of two maxima", chosen=0),
        "the sum": _merged(1, 4, "each sum was made with its own maximum: bring both to the common one", chosen=1),
        "the result": _merged(1, 4, "each result was divided by its own sum: give that back, then divide by all"),
        "unequal parts": _merged(1, 1, "a part counts by what its exponentials add up to"),
        "large scores": _merged(300, 4, "exp of a score itself overflows; only differences to the maximum are safe"),
    },
    wrong=(
        *mutants(
            MERGE_REFERENCE,
            ("forgets to rescale the sum", "m, of_a + of_b, (", "m, s_a + s_b, (", "its own maximum"),
            ("weighs by the old sums", "(of_a * r_a + of_b * r_b) / (of_a + of_b)",
             "(s_a * r_a + s_b * r_b) / (s_a + s_b)", "its own sum"),
            ("means of both", "(of_a * r_a + of_b * r_b) / (of_a + of_b)", "(r_a + r_b) / 2", "its own sum"),
            ("divides twice", "/ (of_a + of_b)", "/ (of_a + of_b) ** 2", "its own sum"),
            ("adds the maxima", "np.maximum(m_a, m_b)", "m_a + m_b", "larger of two"),
        ),
        WrongAnswer(
            "undoes the maximum",
            """import numpy as np

def merge(m_a, s_a, r_a, m_b, s_b, r_b):
    m = np.maximum(m_a, m_b)
    of_a, of_b = np.exp(m_a) * s_a, np.exp(m_b) * s_b
    return m, (of_a + of_b) / np.exp(m), (of_a * r_a + of_b * r_b) / (of_a + of_b)
""",
            "overflows",
        ),
    ),
)  # fmt: skip

# --- 2: what tiles move ---------------------------------------------------------------------------------


def _moved(
    tokens: int, width: int, rows: int, shared: int, expected: int, hint: str
) -> Callable[[Any], None]:
    def check(moved: Callable[..., int]) -> None:
        found = moved(tokens, width, rows, shared)
        what = f"{tokens} tokens, width {width}, tiles of {rows} rows, {shared} query heads per key head"
        require(found == expected, f"for {what} it returns {found}, not {expected}", hint)

    return check


MOVED_REFERENCE = """def moved(tokens, width, rows, shared):
    tiles = -(-shared * tokens // rows)
    return 2 * shared * tokens * width + 2 * tiles * tokens * width
"""
MOVED = Exercise(
    name="shared-keys",
    task="Count the numbers that queries_outside moves when several query heads share one head of keys.",
    entry="moved",
    starter='''def moved(tokens, width, rows, shared):
    """`shared` heads of queries use the same keys and values, each (tokens, width).

    Their queries are stacked, shared * tokens rows, and cut into tiles of `rows`;
    the last may be smaller. For each tile all keys and all values are read. Queries
    are read once, results written once, and nothing else moves: no logarithms.
    Return a whole number.
    """
    return 2 * tokens * width + 2 * tokens * width
''',
    reference=MOVED_REFERENCE,
    properties={
        "one tile": _moved(8, 4, 8, 1, 128, "queries, results, keys and values, each once"),
        "two tiles": _moved(8, 4, 4, 1, 192, "keys and values are read for each tile of queries"),
        "a tile that is not full": _moved(10, 4, 4, 1, 320, "ten rows in tiles of four are three tiles"),
        "shared keys": _moved(8, 4, 8, 4, 512, "there are as many queries and results as query heads"),
        "tiles across heads": _moved(6, 4, 4, 2, 240, "the heads are stacked before they are cut into tiles"),
    },
    wrong=mutants(
        MOVED_REFERENCE,
        ("keys once", "2 * tiles * tokens", "2 * tokens", "for each tile of queries"),
        ("whole tiles only", "-(-shared * tokens // rows)", "shared * tokens // rows", "three tiles"),
        ("queries of one head", "2 * shared * tokens", "2 * tokens", "as many queries and results"),
        ("cuts each head by itself", "-(-shared * tokens // rows)", "shared * -(-tokens // rows)", "stacked"),
        ("keys for each head", "2 * tiles * tokens", "2 * shared * tiles * tokens", "as many queries"),
    ),
)

# --- 3: the blocks of a causal mask ---------------------------------------------------------------------


def _blocks(tokens: int, rows: int, columns: int, hint: str) -> Callable[[Any], None]:
    allowed = np.tri(tokens, dtype=bool)
    tiles = [
        allowed[row : row + rows, column : column + columns]
        for row in range(0, tokens, rows)
        for column in range(0, tokens, columns)
    ]
    free = sum(tile.all() for tile in tiles)
    empty = sum(not tile.any() for tile in tiles)
    expected = (int(free), len(tiles) - int(free) - int(empty), int(empty))

    def check(blocks: Callable[..., Any]) -> None:
        found = tuple(blocks(tokens, rows, columns))
        what = f"{tokens} tokens in tiles of {rows} rows and {columns} columns"
        require(found == expected, f"for {what} it returns {found}, not {expected}", hint)

    return check


BLOCKS_REFERENCE = """def blocks(tokens, rows, columns):
    free = masked = skipped = 0
    for top in range(0, tokens, rows):
        bottom = min(top + rows, tokens) - 1
        for left in range(0, tokens, columns):
            right = min(left + columns, tokens) - 1
            if right <= top:
                free += 1
            elif left <= bottom:
                masked += 1
            else:
                skipped += 1
    return free, masked, skipped
"""
BLOCKS = Exercise(
    name="causal-blocks",
    task="Say how many tiles of a causal mask need no mask, need one, and need no work.",
    entry="blocks",
    starter='''def blocks(tokens, rows, columns):
    """Query i sees key j if j <= i. Tiles are `rows` queries high and `columns` keys
    wide; the last ones may be smaller.

    Return three numbers of tiles: those in which every query sees every key, those
    in which some do, and those in which none does.
    """
    tiles = (tokens // rows) * (tokens // columns)
    return tiles, 0, 0
''',
    reference=BLOCKS_REFERENCE,
    properties={
        "single numbers": _blocks(4, 1, 1, "on the diagonal a query sees its own key"),
        "square tiles": _blocks(8, 2, 2, "a tile on the diagonal is half full"),
        "wide tiles": _blocks(8, 2, 4, "compare the last key of a tile with its first query"),
        "high tiles": _blocks(8, 4, 2, "compare the first key of a tile with its last query"),
        "a rest": _blocks(7, 2, 3, "the last tiles may be smaller than the others"),
    },
    wrong=mutants(
        BLOCKS_REFERENCE,
        ("does not see its own key", "right <= top", "right < top", "its own key"),
        ("skips nothing", "left <= bottom", "True", "its own key"),
        ("masks by the first query", "left <= bottom", "left <= top", "its last query"),
        ("compares with the last query", "right <= top", "right <= bottom", "half full"),
        ("takes all tiles for whole", "right = min(left + columns, tokens) - 1", "right = left + columns - 1",
         "smaller than the others"),
    ),
)  # fmt: skip

EXERCISES = (MERGE, MOVED, BLOCKS)
