"""Which schedule a fused group gets: rules by the pattern of the group, in a registry.

A rule applies primitives to a schedule. It looks at the loops alone, so that it serves a loop function that
somebody wrote as well as one that comes from a graph. What it does not get proved goes to a simpler rung.
"""

from __future__ import annotations

from collections.abc import Callable

from tensor_compiler.legality import Refused
from tensor_compiler.rules.attention import attention
from tensor_compiler.rules.convolution import convolution
from tensor_compiler.rules.matmul import matmul
from tensor_compiler.rules.provable import provable
from tensor_compiler.rules.rows import rows
from tensor_compiler.schedule import Schedule
from tensor_compiler.stage import Staged
from tensor_compiler.target import Target

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
