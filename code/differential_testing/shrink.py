"""A smaller program that still fails, by trying again and again what can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from differential_testing.programs import Program


def smaller(program: Program) -> Iterator[Program]:
    """Programs that lack something, the boldest first: half of the steps, one step, a part of the shape."""
    steps = program.steps
    for length in _halves(len(steps)):
        for start in range(0, len(steps), length):
            without = replace(program, steps=steps[:start] + steps[start + length :])
            if without.fits:
                yield without
    for batch in (1, program.batch // 2, program.batch - 1):
        if 0 < batch < program.batch:
            yield replace(program, batch=batch)
    for side in (program.side // 2, program.side * 3 // 4, program.side - 1):
        if 0 < side < program.side:
            yield replace(program, side=side)


def _halves(length: int) -> Iterator[int]:
    while length > 1:
        length = (length + 1) // 2
        yield length
    if length == 1:
        yield 1


def shrink(
    program: Program, fails: Callable[[Program], bool], seen: Callable[[Program, bool], None] | None = None
) -> Program:
    """The program after every step of `smaller` that keeps it failing, until none does.

    Each program is asked about once. `seen` is told of every program that was tried and what it did.
    Raises ValueError if `program` itself does not fail.
    """
    if not fails(program):
        raise ValueError(f"{program} does not fail, so there is nothing to shrink")
    asked = {program}
    progress = True
    while progress:
        progress = False
        for candidate in smaller(program):
            if candidate in asked:
                continue
            asked.add(candidate)
            failed = fails(candidate)
            if seen:
                seen(candidate, failed)
            if failed:
                program, progress = candidate, True
                break
    return program
