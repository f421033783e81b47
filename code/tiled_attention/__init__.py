"""Exact attention in tiles, as the three FlashAttention papers build it, on a machine that counts.

Arrays are (tokens, width) of one head. `standard`, `keys_outside` and `queries_outside` compute the
same numbers and differ in what they move and in what they compute besides the two products.
"""

from tiled_attention.forward import keys_outside, queries_outside, standard
from tiled_attention.low_precision import FULL, Quantised, rotation
from tiled_attention.machine import Machine
from tiled_attention.partial import Partial, attend, merge
from tiled_attention.ping_pong import Step, Task, finish, program, simulate, utilisation
from tiled_attention.traffic import (
    block_sides,
    moved_by_keys_outside,
    moved_by_queries_outside,
    moved_by_standard,
)

__all__ = [
    "FULL", "Machine", "Partial", "Quantised", "Step", "Task", "attend", "block_sides", "finish",
    "keys_outside", "merge", "moved_by_keys_outside", "moved_by_queries_outside", "moved_by_standard",
    "program",
    "queries_outside", "rotation", "simulate", "standard", "utilisation",
]  # fmt: skip
