"""A product of few rows with a large matrix: what padding costs, and how the columns are shared out.

Hong et al., FlashDecoding++, 2024, section 4.
"""

from __future__ import annotations

import math


def padded(rows: int, to: int) -> int:
    """`rows` rounded up to a multiple of `to`."""
    return math.ceil(rows / to) * to


def wasted(rows: int, to: int) -> float:
    """The share of all operations that multiply rows of zeros."""
    return 1 - rows / padded(rows, to)


def operations_per_number(rows: int, inner: int, columns: int) -> float:
    """Operations per number moved, for a program that makes `columns` columns of x W, x of (rows, inner).

    It reads all rows and its columns, and writes its part of the result.
    """
    return 2 * rows * inner * columns / (rows * inner + inner * columns + rows * columns)
