"""Layouts of tiles in shared memory, and what an access costs there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANKS = 32  # of NVIDIA's shared memory: words of four bytes, dealt out in turns
WORD_BYTES = 4


@dataclass(frozen=True)
class Swizzled:
    """`#ttg.swizzled_shared`: rows one after the other, with pieces of a row exchanged from row to row.

    A piece has `vec` elements; row r exchanges piece p for p XOR (r // per_phase) % max_phase. With
    `max_phase` 1 nothing is exchanged. `order` is (1, 0) for rows that lie in one piece of memory.
    """

    vec: int
    per_phase: int
    max_phase: int
    order: tuple[int, int] = (1, 0)

    def offsets(self, shape: tuple[int, int]) -> np.ndarray:
        """How many elements lie before each element of a tile of that shape."""
        fast, slow = self.order
        place = np.indices(shape)
        phase = place[slow] // self.per_phase % self.max_phase
        piece = place[fast] // self.vec ^ phase
        return np.asarray(place[slow] * shape[fast] + piece * self.vec + place[fast] % self.vec)


def rounds(addresses: np.ndarray, width: int) -> int:
    """How often shared memory is asked until each thread has `width` bytes from its address, in bytes.

    Different words of one bank come one after the other; the same word goes to all that want it.
    """
    words = np.unique(np.asarray(addresses).reshape(-1, 1) // WORD_BYTES + np.arange(-(-width // WORD_BYTES)))
    return int(np.bincount(words % BANKS).max())
