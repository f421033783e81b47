"""Exercises of the XLA chapter: a memory plan to check, a pass to find, a failing program to shrink."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from math import ceil, log2
from typing import Any

from graders.exercise import Exercise, WrongAnswer, mutants, require

# --- 1: values that collide in a plan ---------------------------------------------------------------------

Placed = tuple[str, int, int, int, int]  # name, offset, size, first and last step


def collided(values: Sequence[Placed]) -> list[tuple[str, str]]:
    """The pairs that collide, found by asking each step and each byte for its owners."""
    found = set()
    for one, other in itertools.combinations(range(len(values)), 2):
        (_, start, size, first, last), (_, start2, size2, first2, last2) = values[one], values[other]
        bytes_shared = set(range(start, start + size)) & set(range(start2, start2 + size2))
        for step in set(range(first, last + 1)) & set(range(first2, last2 + 1)):
            handed_over = first < step == last == first2 or first2 < step == last2 == first
            if bytes_shared and not handed_over:
                found.add((one, other))
    return [(values[one][0], values[other][0]) for one, other in sorted(found)]


def _plan(hint: str, *values: Placed) -> Callable[[Any], None]:
    def check(collisions: Callable[..., Any]) -> None:
        found, expected = [tuple(pair) for pair in collisions(list(values))], collided(values)
        require(
            sorted(map(sorted, found)) == sorted(map(sorted, expected)),
            f"for {list(values)} it returns {found} instead of {expected}",
            hint,
        )

    return check


def _random_plans(collisions: Callable[..., Any]) -> None:
    draw = random.Random(0)
    for number in range(60):
        values = [
            (name, draw.randrange(6), draw.randrange(1, 5), first, first + draw.randrange(4))
            for name in "abcde"[: 2 + number % 4]
            for first in [draw.randrange(5)]
        ]
        _plan("draw the values as rectangles, steps across and bytes up", *values)(collisions)


COLLISIONS_REFERENCE = """def collisions(values):
    found = []
    for number, (a, start_a, size_a, first_a, last_a) in enumerate(values):
        for b, start_b, size_b, first_b, last_b in values[number + 1:]:
            bytes_meet = start_a < start_b + size_b and start_b < start_a + size_a
            steps_meet = first_a <= last_b and first_b <= last_a
            handed_over = first_a < first_b == last_a or first_b < first_a == last_b
            if bytes_meet and steps_meet and not handed_over:
                found.append((a, b))
    return found
"""
COLLISIONS = Exercise(
    name="collisions",
    task="List the pairs of values that share a byte while both are needed.",
    entry="collisions",
    starter='''def collisions(values):
    """values: tuples (name, offset, size, first, last), all in one allocation.

    A value is needed from the step `first`, which writes it, to the step `last`, which reads it for the
    last time. A kernel may write over what it reads for the last time, so a value may begin in the step
    in which an older one ends. Two values that begin in the same step are results of one kernel.

    Return the pairs of names, in the order of the list.
    """
    found = []
    for number, (a, start_a, size_a, first_a, last_a) in enumerate(values):
        for b, start_b, size_b, first_b, last_b in values[number + 1:]:
            if start_a == start_b:
                found.append((a, b))
    return found
''',
    reference=COLLISIONS_REFERENCE,
    properties={
        "apart in time": _plan("places may be used again", ("a", 0, 4, 0, 1), ("b", 0, 4, 2, 3)),
        "one inside the other": _plan(
            "bytes meet also where the offsets differ", ("a", 0, 8, 0, 3), ("b", 4, 2, 1, 2)
        ),
        "side by side": _plan("a value ends one byte before the next", ("a", 0, 4, 0, 3), ("b", 4, 4, 0, 3)),
        "handed over": _plan(
            "a kernel may write over what it reads last", ("a", 0, 4, 0, 2), ("b", 0, 4, 2, 3)
        ),
        "handed over backwards": _plan(
            "the list is in no order of time", ("b", 0, 4, 2, 3), ("a", 0, 4, 0, 2)
        ),
        "two results of one kernel": _plan(
            "values that begin in one step are both written in it", ("a", 0, 4, 2, 2), ("b", 0, 4, 2, 5)
        ),
        "three values": _plan(
            "every pair counts", ("a", 0, 2, 0, 3), ("b", 4, 2, 0, 3), ("c", 1, 4, 2, 4)
        ),
        "many plans": _random_plans,
    },
    wrong=(
        *mutants(
            COLLISIONS_REFERENCE,
            ("forgets time", " and steps_meet and not handed_over", "", "used again"),
            ("compares offsets", "start_a < start_b + size_b and start_b < start_a + size_a", "start_a == start_b", "offsets differ"),
            ("counts what touches", "start_a < start_b + size_b and start_b < start_a + size_a", "start_a <= start_b + size_b and start_b <= start_a + size_a", "one byte before"),
            ("allows nothing in place", " and not handed_over", "", "reads last"),
            ("expects the older one first", " or first_b < first_a == last_b", "", "no order of time"),
            ("takes the ends of lifetimes as free", "first_a <= last_b and first_b <= last_a", "first_a < last_b and first_b < last_a", "both written in it"),
            ("looks at neighbours in the list", "values[number + 1:]", "values[number + 1:number + 2]", "every pair"),
        ),
    ),
)  # fmt: skip

# --- 2: the first pass that is wrong ----------------------------------------------------------------------


def _passes(count: int, guilty: Sequence[int], hint: str) -> Callable[[Any], None]:
    def check(first_wrong: Callable[..., int]) -> None:
        for culprit in guilty:
            asked: list[int] = []

            def right(number: int, culprit: int = culprit, asked: list[int] = asked) -> bool:
                asked.append(number)
                require(
                    0 <= number <= count, f"of {count} passes it runs {number}", "there are no more passes"
                )
                require(len(asked) <= 4 * count + 8, "it asks without end", "each trial must exclude some")
                return number < culprit

            found = first_wrong(count, right)
            require(
                found == culprit,
                f"of {count} passes the {culprit}th breaks the program, and it returns {found!r}",
                hint,
            )
            most = ceil(log2(count)) if count > 1 else 0
            require(
                len(asked) <= most,
                f"for {count} passes it ran {len(asked)} trials, {asked[:6]} and so on; {most} are enough",
                "each trial can exclude half; and of no pass and of all the outcome is known",
            )

    return check


FIRST_REFERENCE = """def first_wrong(count, right):
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        if right(middle):
            good = middle
        else:
            bad = middle
    return bad
"""
FIRST = Exercise(
    name="first-wrong-pass",
    task="Find the pass that breaks a program, in as few trials as possible.",
    entry="first_wrong",
    starter='''def first_wrong(count, right):
    """count: number of passes; right(n): whether the program is right after the first n passes.

    right(0) is known to be true and right(count) to be false. A program that is broken stays broken.
    Return the number of the pass that breaks it, counted from 1.
    """
    number = 0
    while right(number):
        number += 1
    return number
''',
    reference=FIRST_REFERENCE,
    properties={
        "one pass": _passes(1, [1], "there is only one suspect, and nothing to try"),
        "two passes": _passes(2, [1, 2], "counted from 1: right after one pass means that the second is it"),
        "eight passes": _passes(8, range(1, 9), "the first number for which it is wrong"),
        "as many as XLA has": _passes(184, [1, 2, 91, 92, 93, 150, 183, 184], "at both ends, too"),
    },
    wrong=(
        *mutants(
            FIRST_REFERENCE,
            ("returns the last right one", "return bad", "return good", "only one suspect"),
            ("counts from 0", "return bad", "return bad - 1", "only one suspect"),
            (
                "throws the culprit away",
                "bad = middle",
                "bad = middle - 1",
                "counted from 1",
            ),
            ("turned around", "if right(middle)", "if not right(middle)", "counted from 1"),
            (
                "asks what is known",
                "    good, bad = 0, count\n",
                "    good, bad = 0, count\n    assert right(0) and not right(count)\n",
                "the outcome is known",
            ),
            ("cuts off a quarter", "(good + bad) // 2", "(3 * good + bad) // 4 or good + 1", "exclude half"),
        ),
        WrongAnswer(
            "one after the other",
            "def first_wrong(count, right):\n    return next(n for n in range(1, count + 1) if n == count or not right(n))\n",
            "exclude half",
        ),
    ),
)

# --- 3: the smallest program that still fails -------------------------------------------------------------

Fails = Callable[[Sequence[str]], bool]


def _program(steps: str, fails: Fails, hint: str) -> Callable[[Any], None]:
    def check(shrink: Callable[..., Any]) -> None:
        given, asked = list(steps), 0

        def counted(candidate: Sequence[str]) -> bool:
            nonlocal asked
            asked += 1
            limit = len(steps) ** 2 + len(steps)
            require(
                asked <= limit,
                f"for {len(steps)} steps it tried more than {limit} programs",
                "removing one step at a time needs about n * n trials, and not every subset",
            )
            return fails(list(candidate))

        found = list(shrink(given, counted))
        require(given == list(steps), "it changes the list that it was given", "work on a copy")
        remaining = iter(steps)
        require(
            all(step in remaining for step in found),
            f"from {list(steps)} it makes {found}, which is no part of it in the same order",
            "steps may be left out, not moved",
        )
        require(fails(found), f"from {list(steps)} it makes {found}, which does not fail", hint)
        for at in range(len(found)):
            without = found[:at] + found[at + 1 :]
            require(not fails(without), f"it stops at {found}, and {without} fails as well", hint)

    return check


def _has(*needed: str) -> Fails:
    return lambda steps: all(step in steps for step in needed)


SHRINK_REFERENCE = """def shrink(steps, fails):
    steps, at = list(steps), 0
    while at < len(steps):
        without = steps[:at] + steps[at + 1:]
        if fails(without):
            steps, at = without, 0
        else:
            at += 1
    return steps
"""
SHRINK = Exercise(
    name="shrink",
    task="Leave steps out of a failing program until none can be left out.",
    entry="shrink",
    starter='''def shrink(steps, fails):
    """steps: list of names, for which fails(steps) is true.

    Return steps in the same order, some left out, for which `fails` is true, and false as soon as any
    single one more is left out.
    """
    while len(steps) > 1 and fails(steps[1:]):
        steps = steps[1:]
    return steps
''',
    reference=SHRINK_REFERENCE,
    properties={
        "one step matters": _program("abcd", _has("c"), "look at the front, in the middle and at the end"),
        "two steps apart": _program("abcdef", _has("b", "e"), "what fails must stay in"),
        "the same step twice": _program(
            "aba", lambda steps: steps.count("a") >= 1, "leave out a place, not a name"
        ),
        "nothing is needed": _program("abc", lambda steps: True, "even an empty program may fail"),
        "one needs another": _program(
            "pqx",
            lambda steps: "x" in steps and ("q" not in steps or "p" in steps),
            "when a step has gone, try again those that were needed before",
        ),
        "a chain of needs": _program(
            "abcdefx",
            lambda steps: (
                "x" in steps
                and all(one in steps or two not in steps for one, two in itertools.pairwise("abcdef"))
            ),
            "when a step has gone, try again those that were needed before",
        ),
        "twelve steps": _program("abcdefghijkl", _has(*"acefil"), "what fails must stay in"),
    },
    wrong=(
        *mutants(
            SHRINK_REFERENCE,
            ("goes through once", "steps, at = without, 0", "steps = without", "needed before"),
            (
                "keeps what does not fail",
                "if fails(without)",
                "if not fails(without)",
                "front, in the middle",
            ),
            ("never empties", "while at < len(steps):", "while at < len(steps) > 1:", "empty program"),
            ("sorts", "return steps", "return sorted(steps, reverse=True)", "not moved"),
            (
                "leaves out a name",
                "steps[:at] + steps[at + 1:]",
                "[step for step in steps if step != steps[at]]",
                "a place, not a name",
            ),
        ),
        WrongAnswer(
            "tries every subset",
            "import itertools\n\ndef shrink(steps, fails):\n    for size in range(len(steps) + 1):\n"
            "        for kept in itertools.combinations(steps, size):\n            if fails(kept):\n"
            "                return list(kept)\n",
            "not every subset",
        ),
        WrongAnswer(
            "changes what it was given",
            "def shrink(steps, fails):\n    at = 0\n    while at < len(steps):\n"
            "        step = steps.pop(at)\n        if fails(steps):\n            at = 0\n"
            "        else:\n            steps.insert(at, step)\n            at += 1\n    return steps\n",
            "on a copy",
        ),
        WrongAnswer(
            "only at the ends",
            "def shrink(steps, fails):\n    while steps and fails(steps[1:]):\n        steps = steps[1:]\n"
            "    while steps and fails(steps[:-1]):\n        steps = steps[:-1]\n    return steps\n",
            "must stay in",
        ),
    ),
)

EXERCISES = (COLLISIONS, FIRST, SHRINK)
