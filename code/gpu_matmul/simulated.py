"""The arguments of a Gluon rung on `gluon_simulator`."""

from __future__ import annotations

from typing import Any

from gluon_simulator import Descriptor, Pointer


def simulated_arguments(
    m: int, n: int, k: int, tile: tuple[int, int, int], descriptors: bool
) -> tuple[list[Any], dict[str, int]]:
    """For (m, k) @ (k, n) in tiles of (rows, columns, depth): the kernel's arguments and its constants."""
    rows, columns, depth = tile
    if not descriptors:
        return [*map(Pointer, "abc"), n, k], {"ROWS": rows, "COLUMNS": columns, "DEPTH": depth}
    shapes = ((m, k), (k, n), (m, n))
    tiles = ((rows, depth), (depth, columns), (rows, columns))
    return [*map(Descriptor, "abc", shapes, tiles), k], {}
