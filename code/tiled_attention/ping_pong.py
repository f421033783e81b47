"""A model of a multiprocessor with two units, one for products and one for exponentials.

A warpgroup works on tiles of keys, one after the other: `scores` on the tensor cores, `softmax` on the
unit for exponentials, `values` on the tensor cores. It waits for its softmax; a product it hands over and
goes on. Each unit does one task at a time. The model knows no latency, no memory and no registers.
Shah et al., FlashAttention-3, 2024, sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["tensor cores", "exponentials"]
NEEDS = {"scores": None, "softmax": "scores", "values": "softmax"}


@dataclass(frozen=True)
class Task:
    """What warpgroup `group` does on tile `tile`: `name` is "scores", "softmax" or "values"."""

    name: str
    group: int
    tile: int

    @property
    def unit(self) -> Unit:
        """Who does it."""
        return "exponentials" if self.name == "softmax" else "tensor cores"

    @property
    def needs(self) -> Task | None:
        """The task whose result it takes."""
        before = NEEDS[self.name]
        return Task(before, self.group, self.tile) if before else None


@dataclass(frozen=True)
class Step:
    """A task from cycle `start` to cycle `end`."""

    task: Task
    start: float
    end: float


def program(group: int, tiles: int, ahead: bool) -> list[Task]:
    """The tasks of a warpgroup as it issues them; `ahead`: the next scores before this softmax."""
    order = [("scores", 0)]
    for tile in range(tiles):
        following = [("scores", tile + 1)] * (tile + 1 < tiles)
        rest = [("softmax", tile), ("values", tile)]
        order += [*following, *rest] if ahead else [*rest, *following]
    return [Task(name, group, tile) for name, tile in order]


def simulate(groups: int, tiles: int, product: float, softmax: float, ahead: bool = False) -> list[Step]:
    """When each task of `groups` warpgroups runs, `tiles` tiles each.

    `product` is the cycles of each of the two products of a tile, `softmax` those of
    its exponentials. A free unit takes the task that can start first, of two the one
    of the lower tile.
    """
    queues = [program(group, tiles, ahead) for group in range(groups)]
    clock = [0.0] * groups  # until when a warpgroup issues nothing
    free: dict[Unit, float] = {"tensor cores": 0.0, "exponentials": 0.0}
    done: dict[Task | None, float] = {None: 0.0}
    steps = []
    while any(queues):
        heads = [queue[0] for queue in queues if queue]
        issue = {task: max(clock[task.group], done[task.needs]) for task in heads}
        begin = {task: max(issue[task], free[task.unit]) for task in heads}
        task = min(heads, key=lambda each: (begin[each], each.tile, each.group))
        queues[task.group].pop(0)
        waits = task.unit == "exponentials"
        done[task] = begin[task] + (softmax if waits else product)
        free[task.unit] = done[task]
        clock[task.group] = done[task] if waits else issue[task]
        steps.append(Step(task, begin[task], done[task]))
    return steps


def finish(steps: Sequence[Step]) -> float:
    """The cycle after the last task."""
    return max(step.end for step in steps)


def utilisation(steps: Sequence[Step]) -> float:
    """The share of all cycles in which the tensor cores work."""
    busy = sum(step.end - step.start for step in steps if step.task.unit == "tensor cores")
    return busy / finish(steps)
