"""Steps applied one after the other, and what a reader sees after each."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from cache_simulator import CannotSimulate, Traffic, simulate
from schedule_playground.programs import PROGRAMS, cache
from tensor_compiler.c_statement import Unsupported, c_source
from tensor_compiler.expression import Constant
from tensor_compiler.legality import Refused
from tensor_compiler.printer import show
from tensor_compiler.schedule import Schedule, Step
from tensor_compiler.simplify import simplify
from tensor_compiler.statement import Body, For, Function, If
from tensor_compiler.target import Target

# What the C is for: vectors of 32 bytes, which the compilers of common machines take.
TARGET = Target("cc", "any", vector_bytes=32, flags=(), macros=frozenset())
COPIES = 256  # of a statement, written out by unrolled loops: more are too long to read
Line = tuple[str, str]  # "+" before a line that is new, ">" before one that a refusal marks, else " "


@dataclass(frozen=True)
class Refusal:
    """Why a step was not taken, and what to do instead."""

    reason: str
    hint: str


@dataclass(frozen=True)
class Attempt:
    """What a step left: `lines` are the loops, or where it was refused the program as it was, marked.

    `step` is None for the program before any. `c` and `traffic` are those of the loops; `traffic` is None
    where the simulator cannot follow.
    """

    step: Step | None
    lines: tuple[Line, ...]
    c: str
    traffic: Traffic | None
    refusal: Refusal | None = None


def play(program: str, steps: Sequence[Step]) -> tuple[tuple[Attempt, ...], Function]:
    """What each of `steps` leaves of a program in `PROGRAMS`, and the function in the end.

    A step that is refused changes nothing. Raises KeyError for another program.
    """
    schedule = Schedule(PROGRAMS[program].function)
    attempts = [seen(None, schedule.function, ())]
    for step in steps:
        before = show(schedule.function).splitlines()
        try:
            schedule.step(step)
        except Refused as refused:
            marked = show(refused.function, refused.marks).splitlines()
            lines = tuple((line[0], line[2:]) for line in marked)
            refusal = Refusal(refused.reason, refused.hint)
            attempts.append(unchanged(step, lines, attempts[-1], refusal))
        except (LookupError, TypeError, ValueError) as error:
            lines = tuple((" ", line) for line in before)
            attempts.append(unchanged(step, lines, attempts[-1], Refusal(str(error.args[0]), "")))
        else:
            attempts.append(seen(step, schedule.function, before))
    return tuple(attempts), schedule.function


def unchanged(step: Step, lines: tuple[Line, ...], last: Attempt, refusal: Refusal) -> Attempt:
    return Attempt(step, lines, last.c, last.traffic, refusal)


def seen(step: Step | None, function: Function, before: Sequence[str]) -> Attempt:
    """What `step` left, with the lines that were not there before."""
    after = show(function).splitlines()
    same = set(range(len(after))) if step is None else set()
    for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        same |= set(range(block.b, block.b + block.size))
    lines = tuple((" " if number in same else "+", line) for number, line in enumerate(after))
    return Attempt(step, lines, c_text(function), traffic(function))


@functools.lru_cache(maxsize=256)
def traffic(function: Function) -> Traffic | None:
    """The simulated accesses and misses, from an empty cache."""
    try:
        return simulate(function, cache())
    except CannotSimulate:
        return None


@functools.lru_cache(maxsize=256)
def c_text(function: Function) -> str:
    """The C, or why there is none."""
    if (count := copies(function.body)) > COPIES:
        return f"/* Unrolled loops would write one statement {count:,} times: unroll shorter loops. */"
    try:
        return c_source(function, TARGET)
    except Unsupported as reason:
        return f"/* There is no C yet: {reason} */"


def copies(body: Body) -> int:
    """How often unrolled loops write out the statement that they write out most."""
    most = 1
    for each in body:
        if isinstance(each, For):
            extent = simplify(each.upper - each.lower)
            times = int(extent.value) if each.kind == "unrolled" and isinstance(extent, Constant) else 1
            most = max(most, times * copies(each.body))
        elif isinstance(each, If):
            most = max(most, copies(each.then), copies(each.otherwise))
    return most
