"""What a rule looks at: the nests of a loop function, one for each tensor that it computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..affine import linear
from ..expression import Buffer
from ..legality import Refused
from ..schedule import Schedule
from ..statement import For, Reduce, Store
from ..traversal import find_loop, free_names, loop_names, writes


@dataclass(frozen=True)
class Nest:
    """Loops over the elements of `buffer`, and over what each of them is reduced from."""

    buffer: Buffer
    loops: tuple[str, ...]
    reduced: tuple[str, ...]
    update: Store | Reduce


def nests(schedule: Schedule) -> list[Nest]:
    """The nests of the function, in program order."""
    found = []
    for outermost in schedule.function.body:
        if isinstance(outermost, For):
            *_, update = writes(outermost)
            loops = loop_names(outermost)
            used = {name for index in update.indices for name in free_names(index)}
            own = tuple(loop for loop in loops if loop in used)
            found.append(Nest(update.buffer, own, tuple(loop for loop in loops if loop not in used), update))
    return found


def expect(schedule: Schedule, holds: bool, what: str) -> None:
    """Raises Refused unless the function has the form that a rule is for."""
    if not holds:
        raise Refused(schedule.function, f"these loops are no {what}", "take a simpler rule")


def attempt(step: Callable[..., Any], *arguments: Any) -> bool:
    """Take a step if it is not refused; whether it was taken."""
    try:
        step(*arguments)
    except Refused:
        return False
    return True


def length(schedule: Schedule, loop: str) -> int:
    """The largest number that is known to divide how often `loop` runs: how often, if that is a number."""
    found = find_loop(schedule.function, loop)[1]
    form = linear(found.upper - found.lower)
    return math.gcd(form.constant, *(factor for _, factor in form.terms)) or 1


def inside(schedule: Schedule, loop: str) -> list[str]:
    """The loops in `loop`, in program order."""
    return loop_names(find_loop(schedule.function, loop)[1].body)


def written(schedule: Schedule, loop: str) -> str:
    """The buffer that `loop` writes to."""
    return next(writes(find_loop(schedule.function, loop)[1])).buffer.name


def straight(schedule: Schedule, loop: str, *besides: str) -> None:
    """Unroll the loops in `loop` but some, the innermost ones as vectors."""
    for name in inside(schedule, loop):
        if name not in besides:
            attempt(schedule.unroll if inside(schedule, name) else schedule.vectorize, name)


def divisor(number: int, most: int) -> int:
    """The largest divisor of `number` up to `most`."""
    return max(n for n in range(1, max(min(number, most), 1) + 1) if number % n == 0)
