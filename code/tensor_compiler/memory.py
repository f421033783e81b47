"""Memory planning: one arena for everything that lives between two loop functions.

Tensors that live at different times share bytes. The offsets are chosen greedily by size, the largest
tensor first, each at the lowest offset that is free while it lives: Pisarchyk and Lee, Efficient Memory
Management for Deep Neural Net Inference, 2020, section 4.2 (greedy by size for offset calculation).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .arguments import ALIGNMENT
from .expression import Buffer
from .stage import Stage, Staged
from .traversal import loads, map_buffers


@dataclass(frozen=True)
class Lifetime:
    """A tensor of `bytes`, written by step `first` and read last by step `last`, both included."""

    name: str
    bytes: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether both live at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Plan:
    """An offset in bytes into the arena for each tensor."""

    lifetimes: tuple[Lifetime, ...]
    offsets: dict[str, int]

    @property
    def peak(self) -> int:
        """Bytes of the arena."""
        return max((self.offsets[each.name] + rounded(each.bytes) for each in self.lifetimes), default=0)

    @property
    def total(self) -> int:
        """Bytes if every tensor had memory of its own."""
        return sum(rounded(each.bytes) for each in self.lifetimes)

    @property
    def bound(self) -> int:
        """Bytes that live at the busiest step: no plan does with less."""
        steps = range(max((each.last for each in self.lifetimes), default=0) + 1)
        alive = [[each for each in self.lifetimes if each.first <= step <= each.last] for step in steps]
        return max(sum(rounded(each.bytes) for each in some) for some in alive)

    def __str__(self) -> str:
        lines = [
            f"{each.name}: {each.bytes} bytes at {self.offsets[each.name]}, steps {each.first} to {each.last}"
            for each in self.lifetimes
        ]
        return "\n".join([*lines, f"arena: {self.peak} bytes of {self.total}, at least {self.bound}"])


def rounded(size: int) -> int:
    """`size` in whole cache lines."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def plan(lifetimes: Iterable[Lifetime]) -> Plan:
    """Offsets at which no two tensors that live at the same time overlap."""
    tensors = tuple(lifetimes)
    offsets: dict[str, int] = {}
    for tensor in sorted(tensors, key=lambda each: (-each.bytes, each.first, each.name)):
        placed = [other for other in tensors if other.name in offsets and other.meets(tensor)]
        offset = 0
        for other in sorted(placed, key=lambda each: offsets[each.name]):
            if offset + rounded(tensor.bytes) <= offsets[other.name]:
                break
            offset = max(offset, offsets[other.name] + rounded(other.bytes))
        offsets[tensor.name] = offset
    return Plan(tensors, offsets)


def spans(groups: Sequence[Staged], outputs: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The first and last step of each tensor that lives between groups; step n runs group n."""
    kept, found = set(outputs), dict[str, tuple[int, int]]()
    for step, group in enumerate(groups):
        for name in (*group.inputs, *group.outputs):
            if name in found or (name in group.outputs and name not in kept):
                found[name] = (found.get(name, (step, step))[0], step)
    return found


def in_place(groups: Sequence[Staged], outputs: Iterable[str]) -> tuple[Staged, ...]:
    """The groups, with the last stage of each writing over an input that dies there, where that is legal.

    It is if both have one dtype and shape, the input lives between groups and no later one reads it, and the
    last stage alone of its group reads it, only at the element that it writes. From then on the program
    says so itself: one buffer is read and written.
    """
    result, kept = list(groups), set(outputs)
    for step, group in enumerate(groups):
        group = result[step]
        victim = overwritten(group, step, spans(result, kept))
        old = group.stages[-1].buffer.name
        if victim is not None and old not in kept:
            result[step:] = [renamed(each, old, victim) for each in result[step:]]
    return tuple(result)


def overwritten(group: Staged, step: int, alive: dict[str, tuple[int, int]]) -> str | None:
    """The input that the last stage of `group` may write over."""
    last = group.stages[-1]
    for name in group.inputs if last.buffer.name in group.outputs and not last.reduced else ():
        found = [load for stage in group.stages for load in loads(stage.value) if load.buffer.name == name]
        own = [load for load in loads(last.value) if load.buffer.name == name]
        if alive.get(name, (0, -1))[1] != step or len(found) != len(own):
            continue
        old = found[0].buffer
        alike = (old.dtype, old.shape) == (last.buffer.dtype, last.buffer.shape)
        if alike and all(load.indices == last.indices for load in own):
            return name
    return None


def renamed(group: Staged, old: str, new: str) -> Staged:
    """`group` with the buffer `old` called `new`."""

    def buffer(each: Buffer) -> Buffer:
        return replace(each, name=new) if each.name == old else each

    def stage(each: Stage) -> Stage:
        return replace(each, buffer=buffer(each.buffer), value=map_buffers(buffer, each.value))

    def names(each: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new if name == old else name for name in each))

    stages = tuple(map(stage, group.stages))
    return replace(group, stages=stages, inputs=names(group.inputs), outputs=names(group.outputs))
