"""Which schedule a fused group gets: rules by the pattern of the group, in a registry.

A rule applies primitives to a schedule. It looks at the loops alone, so that it serves a loop function that
somebody wrote as well as one that comes from a graph. What it does not get proved goes to a simpler rung.
"""

from __future__ import annotations

from collections.abc import Callable

from ..legality import Refused
from ..schedule import Schedule
from ..stage import Staged
from ..target import Target
from .attention import attention
from .convolution import convolution
from .matmul import matmul
from .provable import provable
from .rows import rows

__all__ = ["RULES", "Rule", "attention", "convolution", "matmul", "naive", "provable", "rows"]

Rule = Callable[[Schedule, Staged, Target], object]  # applies primitives to the schedule; gives nothing


def naive(schedule: Schedule, group: Staged, target: Target) -> None:
    """Leave the loops as they are."""


def rungs(*rules: Callable[[Schedule, Target], None]) -> Rule:
    """The first of `rules` that no primitive refuses, at the end `provable`."""

    def climb(schedule: Schedule, group: Staged, target: Target) -> None:
        for rule in rules:
            try:
                return rule(schedule, target)
            except Refused:
                while schedule.trace:
                    schedule.undo()
        return provable(schedule, group, target)

    return climb


RULES: dict[str, Rule] = {
    "elementwise": rungs(rows),
    "rows": rungs(rows),
    "reduction": provable,
    "matmul": rungs(matmul),
    "attention": rungs(attention),
}
