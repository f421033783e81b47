"""The sizes in which the Block appears."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Tokens in the sequence, width of a token's vector, width of the perceptron's hidden layer."""

    tokens: int
    width: int
    hidden: int


S = Size(tokens=8, width=64, hidden=256)  # its intermediate representations fit a page
M = Size(tokens=256, width=512, hidden=2048)  # runs in milliseconds
L = Size(tokens=4096, width=4096, hidden=16384)  # for counters and recorded results only

SIZES = {"S": S, "M": M, "L": L}
