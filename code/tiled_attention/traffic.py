"""How many numbers each form of attention moves: closed forms, for any sizes of tiles."""

from __future__ import annotations

import math


def moved_by_standard(tokens: int, width: int) -> int:
    """Scores and weights are each written once and read once."""
    return 4 * tokens * width + 4 * tokens**2


def moved_by_keys_outside(tokens: int, width: int, columns: int) -> int:
    """Keys and values once; queries, results (both ways), maxima and sums for each tile of keys."""
    tiles = math.ceil(tokens / columns)
    return 2 * tokens * width + tiles * (3 * tokens * width + 4 * tokens)


def moved_by_queries_outside(tokens: int, width: int, rows: int) -> int:
    """Queries and results once, keys and values for each tile of queries, a logarithm per query."""
    tiles = math.ceil(tokens / rows)
    return 2 * tokens * width + tokens + 2 * tiles * tokens * width


def block_sides(on_chip: int, width: int) -> tuple[int, int]:
    """Rows and columns of a tile on a chip that holds `on_chip` numbers.

    Dao et al., FlashAttention, 2022, algorithm 1, line 1: four tiles of the width fit, and no more rows
    are taken than the width has numbers.
    """
    columns = math.ceil(on_chip / (4 * width))
    return min(columns, width), columns
