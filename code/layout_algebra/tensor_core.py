"""`mma.sync.m16n8k16` on halves: who holds what, by the PTX manual and as layouts, and what it does.

A thread-value layout takes (thread, value) to a position in the tile, its first mode fastest: that of row m
and column k of A is m + 16 * k.
"""

from __future__ import annotations

from layout_algebra.layout import Layout

M, N, K = 16, 8, 16  # rows, columns and depth of the instruction

A = Layout(((4, 8), (2, 2, 2)), ((32, 1), (16, 8, 128)))
B = Layout(((4, 8), (2, 2)), ((16, 1), (8, 64)))
C = Layout(((4, 8), (2, 2)), ((32, 1), (16, 8)))


def place_in_a(lane: int, value: int) -> tuple[int, int]:
    """(row, column) of a value of A: PTX ISA, matrix fragments for mma.m16n8k16, 16-bit elements."""
    group, member = divmod(lane, 4)
    row = group if value < 2 or 4 <= value < 6 else group + 8
    return row, member * 2 + value % 2 + (0 if value < 4 else 8)


def place_in_b(lane: int, value: int) -> tuple[int, int]:
    """(column, depth) of a value of B, from the same section."""
    group, member = divmod(lane, 4)
    return group, member * 2 + value % 2 + (0 if value < 2 else 8)


def place_in_c(lane: int, value: int) -> tuple[int, int]:
    """(row, column) of an accumulator, from the same section."""
    group, member = divmod(lane, 4)
    return group + (0 if value < 2 else 8), member * 2 + value % 2


Registers = list[list[float]]  # of a warp: for each of 32 lanes its values


def mma(a: Registers, b: Registers, c: Registers) -> Registers:
    """What the instruction leaves in the accumulators: c + a @ b, by the manual's places alone."""
    rows = {place_in_a(lane, value): a[lane][value] for lane in range(32) for value in range(8)}
    columns = {place_in_b(lane, value): b[lane][value] for lane in range(32) for value in range(4)}

    def added(lane: int, value: int) -> float:
        row, column = place_in_c(lane, value)
        return c[lane][value] + sum(rows[row, k] * columns[column, k] for k in range(K))

    return [[added(lane, value) for value in range(4)] for lane in range(32)]
