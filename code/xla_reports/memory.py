"""Where XLA puts each value and for how long: its buffer assignment and live ranges, read together."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

_ALLOCATION = re.compile(r"^allocation (\d+): size (\d+), (.*):$")
_VALUE = re.compile(r"^ value: <\d+ (\S+) @\d+> \(size=(\d+),offset=(\d+)\)")
_STEP = re.compile(r"^ +(\d+):(\S+)$", re.MULTILINE)
_RANGE = re.compile(r"^ +(\S+):(\d+)-(\d+)$", re.MULTILINE)
_KINDS = {
    "parameter": "argument",
    "maybe-live-out": "result",
    "preallocated-temp": "temporary",
    "constant": "constant",
    "thread-local": "scratch",  # inside a kernel, such as the two operands of a sum
}


@dataclass(frozen=True)
class Allocation:
    """A piece of memory: its number, its size in bytes, and what it is for."""

    number: int
    size: int
    kind: str  # argument, result, temporary, constant or scratch


@dataclass(frozen=True)
class Value:
    """What an instruction computes: `size` bytes at `offset` of an allocation, from step to step.

    It is written in step `first` and read for the last time in step `last`.
    """

    name: str
    allocation: int
    offset: int
    size: int
    first: int
    last: int

    def in_memory_of(self, other: Value) -> bool:
        """Whether the two have a byte in common."""
        return (
            self.allocation == other.allocation
            and self.offset < other.offset + other.size
            and other.offset < self.offset + self.size
        )

    def hands_over_to(self, other: Value) -> bool:
        """Whether the other is written in the step that reads this one for the last time."""
        return self.first < other.first == self.last


@dataclass(frozen=True)
class MemoryPlan:
    """The instructions in the order in which they run, the allocations, and the values of the entry."""

    schedule: tuple[str, ...]
    allocations: tuple[Allocation, ...]
    values: tuple[Value, ...]

    def size(self, *kinds: str) -> int:
        """Bytes of all allocations of these kinds."""
        return sum(each.size for each in self.allocations if each.kind in kinds)

    def values_in(self, *kinds: str) -> list[Value]:
        """The values that lie in allocations of these kinds."""
        numbers = {each.number for each in self.allocations if each.kind in kinds}
        return [value for value in self.values if value.allocation in numbers]

    def in_place(self) -> list[tuple[Value, Value]]:
        """Pairs whose second is written over the first in the step that reads the first for the last time."""
        return [
            (old, new)
            for old, new in itertools.permutations(self.values, 2)
            if old.hands_over_to(new) and old.in_memory_of(new)
        ]

    def collisions(self) -> list[tuple[Value, Value]]:
        """Pairs that share a byte while both are needed; a correct plan has none."""
        return [
            (one, other)
            for one, other in itertools.combinations(self.values, 2)
            if one.in_memory_of(other)
            and max(one.first, other.first) <= min(one.last, other.last)
            and not (one.hands_over_to(other) or other.hands_over_to(one))
        ]


def alive(values: Sequence[Value], step: int) -> int:
    """Bytes of the values that are needed in a step, one that is overwritten in place counted twice."""
    return sum(value.size for value in values if value.first <= step <= value.last)


def memory_plan(assignment: str, live_range: str) -> MemoryPlan:
    """The plan from what XLA dumps as `buffer-assignment.txt` and `live-range.txt`.

    Raises ValueError for an allocation whose kind is not known.
    """
    ranges = {name.removesuffix("{}"): (int(a), int(b)) for name, a, b in _RANGE.findall(live_range)}
    allocations: list[Allocation] = []
    values: list[Value] = []
    for line in assignment.splitlines():
        if found := _ALLOCATION.match(line):
            allocations.append(Allocation(int(found[1]), int(found[2]), _kind(found[3])))
        elif (found := _VALUE.match(line)) and found[1] in ranges:  # others live inside a kernel
            place = allocations[-1].number, int(found[3]), int(found[2])
            values.append(Value(found[1], *place, *ranges[found[1]]))
    schedule = tuple(name for _, name in _STEP.findall(live_range.partition("BufferLiveRange")[0]))
    return MemoryPlan(schedule, tuple(allocations), tuple(values))


def _kind(described: str) -> str:
    for word, kind in _KINDS.items():
        if re.search(rf"\b{word}\b", described):
            return kind
    raise ValueError(f"no kind of allocation is known that XLA describes as {described!r}")
