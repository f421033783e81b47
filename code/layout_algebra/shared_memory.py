"""Shared memory of a GPU as 32 banks, and what an access of a warp costs there."""

from __future__ import annotations

from collections.abc import Sequence

BANKS = 32
WORD = 4  # bytes of one bank
LINE = BANKS * WORD  # bytes that leave shared memory in one wavefront at best


def bank(address: int) -> int:
    """The bank that holds the byte at `address`."""
    return address // WORD % BANKS


def wavefronts(addresses: Sequence[int], width: int) -> int:
    """In how many steps shared memory serves an access of some threads.

    `addresses` are in bytes, one for each thread, and each thread gets `width` bytes.
    As many threads go together as fill a line: 32 of 4 bytes, 8 of 16. A group takes
    a step for each different word in its busiest bank; threads that want the same
    word share it. A model that counts, and has no clock.
    """
    together, steps = LINE // max(width, WORD), 0
    for start in range(0, len(addresses), together):
        group = addresses[start : start + together]
        words = {address // WORD + i for address in group for i in range(-(-width // WORD))}
        banks = [word % BANKS for word in words]
        steps += max(banks.count(each) for each in range(BANKS))
    return steps
