"""What a Gluon kernel asks of the GPU, as data: the operations of one program (a group of warps), in order.

Places: a slot is one tile of shared memory (or the registers that it was read into), a sum one accumulator,
a block the elements of a matrix that a tile holds; all are numbers, which a `Recording` can name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Wait:
    """Until the barrier's phase of this parity has completed."""

    barrier: int
    parity: int


@dataclass(frozen=True)
class Arrive:
    """One or more arrivals, which may announce bytes that are to come."""

    barrier: int
    count: int = 1
    bytes: int = 0


@dataclass(frozen=True)
class Copy:
    """Begin to copy a block into a slot; its bytes are reported to a barrier, or to nobody (-1)."""

    slot: int
    block: int
    barrier: int = -1
    bytes: int = 0


@dataclass(frozen=True)
class WaitCopies:
    """Until all copies of this program before its operation number `before` have landed."""

    before: int


@dataclass(frozen=True)
class Read:
    """Read a slot into registers, which are a slot too."""

    slot: int
    registers: int


@dataclass(frozen=True)
class Multiply:
    """Begin to add the product of two slots to a sum; the unit arrives at `barriers` when it has done."""

    left: int
    right: int
    total: int
    fresh: bool = False  # the sum begins with this product
    barriers: tuple[int, ...] = ()


@dataclass(frozen=True)
class WaitProducts:
    """Until all products of this program before its operation number `before` are done."""

    before: int


@dataclass(frozen=True)
class Write:
    """Write a sum to a block of the result."""

    block: int
    total: int


Operation = Wait | Arrive | Copy | WaitCopies | Read | Multiply | WaitProducts | Write


@dataclass
class Recording:
    """The programs of one kernel: the first forks the others before its operation number `fork`."""

    programs: list[list[Operation]] = field(default_factory=lambda: [[]])
    names: list[str] = field(default_factory=lambda: ["main"])  # of the programs
    fork: int = 0
    barriers: list[tuple[str, int]] = field(default_factory=list)  # name, arrivals that complete a phase
    slots: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    blocks: list[tuple[str, np.ndarray]] = field(default_factory=list)  # matrix, offsets of its elements

    def described(self, program: int, number: int) -> str:
        """One operation in words."""
        who, operation = self.names[program], self.programs[program][number]
        match operation:
            case Wait(barrier, parity):
                what = f"waits at {self.barriers[barrier][0]} for parity {parity}"
            case Arrive(barrier, _, 0):
                what = f"arrives at {self.barriers[barrier][0]}"
            case Arrive(barrier, _, announced):
                what = f"arrives at {self.barriers[barrier][0]} and announces {announced} bytes"
            case Copy(slot, block):
                what = f"begins to copy {self.blocks[block][0]} into {self.slots[slot]}"
            case Read(slot):
                what = f"reads {self.slots[slot]}"
            case Multiply(left, right):
                what = f"begins to multiply {self.slots[left]} by {self.slots[right]}"
            case WaitCopies():
                what = "waits for its copies"
            case WaitProducts():
                what = "waits for its products"
            case Write():
                what = "writes the result"
        return f"{who} {what}"
