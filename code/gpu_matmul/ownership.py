"""Which thread holds which element of a tile under a layout of Gluon: computed, and as Triton prints it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tile_layouts import Blocked

SECTOR_BYTES = 32


def blocked(layout: Any) -> Blocked:
    """A BlockedLayout of Gluon as `tile_layouts` computes it."""
    sides = (layout.size_per_thread, layout.threads_per_warp, layout.warps_per_cta, layout.order)
    return Blocked(*map(tuple, sides))


def printed_owners(layout: Any, shape: Sequence[int]) -> np.ndarray:
    """Who holds each element, as Triton prints it, of shape (*shape, copies, 2): thread and register."""
    text = layout.format_tensor_view(list(shape))
    cells = re.findall(r"T *\d+: *\d+(?:\| *T *\d+: *\d+)*", text)
    holders = [[list(map(int, re.findall(r"\d+", one))) for one in cell.split("|")] for cell in cells]
    return np.array(holders).reshape(*shape, -1, 2)


def printed_offsets(layout: Any, shape: Sequence[int]) -> np.ndarray:
    """Which element lies at each place of shared memory, of shape (places, 2), as Triton prints it."""
    pairs = re.findall(r"\( *(\d+): *(\d+)\)", layout.format_tensor_view(list(shape)))
    return np.array(pairs, int)


def sectors_per_load(layout: Any, shape: Sequence[int], element_bytes: int) -> int:
    """Sectors of 32 bytes that the first warp touches with its first load from a row-major tile.

    A load takes the elements of one thread that are neighbours in memory, up to 16 bytes.
    """
    owners = blocked(layout).owners(tuple(shape))
    words = min(layout.size_per_thread[layout.order[0]], 16 // element_bytes)
    first = (owners.thread < prod(layout.threads_per_warp)) & (owners.register < words)
    addresses = np.flatnonzero(first) * element_bytes
    return len(np.unique(addresses // SECTOR_BYTES))
