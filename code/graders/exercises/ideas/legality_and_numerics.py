"""Exercises of legality: distances in ulps, orders of loops, and inputs that refute a rewrite."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, mutants, require
from tensor_compiler import Refused, Schedule, parse

# --- 1: how many numbers lie between two ------------------------------------------------------------------


def _apart(a: float, b: float, expected: int, hint: str) -> Callable[[Any], None]:
    def check(ulps: Callable[..., int]) -> None:
        for left, right in ((a, b), (b, a)):
            found = ulps(np.float32(left), np.float32(right))
            require(
                int(found) == expected,
                f"between {left!r} and {right!r} it counts {int(found)} steps, not {expected}",
                hint,
            )

    return check


TINY = float(np.nextafter(np.float32(0), np.float32(1)))
NEXT = float(np.nextafter(np.float32(1), np.float32(2)))
BEFORE = float(np.nextafter(np.float32(1), np.float32(0)))

ULPS_REFERENCE = """def ulps(a, b):
    import numpy as np

    def place(number):
        bits = int(np.float32(number).view(np.int32))
        return bits if bits >= 0 else -(bits & 0x7FFFFFFF)

    return abs(place(a) - place(b))
"""
ULPS = Exercise(
    name="ulps",
    task="Count how many float32 numbers lie from one number to another, the second one included.",
    entry="ulps",
    starter='''def ulps(a, b):
    """a, b: finite float32 numbers. Return how many steps to the next float32 lead from one to the other.

    Both zeros are one number. `number.view(np.int32)` gives the bits of a float32 as a whole number.
    """
    return abs(a - b) / 2**-23
''',
    reference=ULPS_REFERENCE,
    properties={
        "the same number": _apart(1.0, 1.0, 0, "no step"),
        "above one": _apart(1.0, NEXT, 1, "the next number is one step away"),
        "below one": _apart(BEFORE, 1.0, 1, "below a power of two the steps are half as long"),
        "large numbers": _apart(2.0**24, 2.0**24 + 2, 1, "above 2**24 not every whole number is a float32"),
        "across a power of two": _apart(1.0, 2.0, 1 << 23, "between two powers of two lie 2**23 numbers"),
        "both zeros": _apart(0.0, -0.0, 0, "the zeros have different bits and are one number"),
        "across zero": _apart(
            -TINY, TINY, 2, "bits of negative numbers count away from zero, not up from the smallest"
        ),
        "two negative numbers": _apart(-1.0, -NEXT, 1, "the order of bits is reversed below zero"),
        "far across zero": _apart(-2.0, 2.0, 1 << 31, "the count need not fit into 32 bits"),
    },
    wrong=(
        *mutants(
            ULPS_REFERENCE,
            ("bits as they are", "bits if bits >= 0 else -(bits & 0x7FFFFFFF)", "bits", "one number"),
            (
                "signs ignored",
                "bits if bits >= 0 else -(bits & 0x7FFFFFFF)",
                "bits & 0x7FFFFFFF",
                "away from zero",
            ),
            (
                "in 32 bits",
                "return abs(place(a) - place(b))",
                "return abs(np.int32(place(a)) - np.int32(place(b)))",
                "32 bits",
            ),
        ),
        WrongAnswer(
            "steps of one size",
            "def ulps(a, b):\n    return round(abs(float(a) - float(b)) / 2**-23)\n",
            "half as long",
        ),
    ),
)

# --- 2: the orders of loops that a dependence allows ------------------------------------------------------

Distances = list[tuple[int, ...]]
NAMES = "ijk"


def _program(distances: Distances) -> str:
    """A nest in which an iteration reads what others wrote, `distances` before it."""
    loops = NAMES[: len(distances[0])]
    lines = [f"def nest(A: f32[{', '.join('9' for _ in loops)}]):"]
    for depth, name in enumerate(loops, start=1):
        lines.append(f"{'    ' * depth}for {name} in serial(3, 6):")
    reads = [
        f"A[{', '.join(f'{name} - {d}' for name, d in zip(loops, each, strict=True))}]" for each in distances
    ]
    lines.append(f"{'    ' * (len(loops) + 1)}A[{', '.join(loops)}] = {' + '.join(reads)} * 0.5")
    return "\n".join(lines).replace("- -", "+ ")


def allowed(distances: Distances, order: tuple[int, ...]) -> bool:
    """Whether the compiler of this book takes the order."""
    names = [NAMES[place] for place in order]
    try:
        Schedule(parse(_program(distances))).reorder(*names)
    except Refused:
        return False
    return True


def _orders(distances: Distances, hint: str) -> Callable[[Any], None]:
    def check(legal: Callable[..., bool]) -> None:
        for order in itertools.permutations(range(len(distances[0]))):
            found, expected = bool(legal(list(distances), order)), allowed(distances, order)
            loops = ", ".join(NAMES[place] for place in order)
            require(
                found == expected,
                f"distances {distances}, loops in the order {loops}: it says {found}, the compiler {expected}",
                hint,
            )

    return check


LEGAL_REFERENCE = """def legal(distances, order):
    zero = (0,) * len(order)
    for distance in distances:
        if tuple(distance[place] for place in order) < zero:
            return False
    return True
"""
LEGAL = Exercise(
    name="legal-order",
    task="Say whether the loops of a nest may run in another order, from the distances of its dependences.",
    entry="legal",
    starter='''def legal(distances, order):
    """distances: tuples, outermost loop first; (1, -1) says that an iteration reads what the one wrote
    that came 1 iteration of the outer loop before and 1 of the inner loop after.

    order: places of the old loops, outermost first; (1, 0) swaps two loops. In the old order every write
    comes before its read. True if it still does in the new order.
    """
    return all(part >= 0 for distance in distances for part in distance)
''',
    reference=LEGAL_REFERENCE,
    properties={
        "a distance along both": _orders([(1, 1)], "the write still comes first, whichever loop is outside"),
        "against the inner loop": _orders([(1, -1)], "swapped, the distance is (-1, 1): read before write"),
        "along one loop": _orders([(1, 0)], "a zero says the same iteration of that loop"),
        "two dependences": _orders([(1, 1), (1, -1)], "one dependence that breaks is enough"),
        "three loops": _orders([(1, -1, 0)], "the outermost loop that is not zero decides"),
        "a shield": _orders([(1, 0, -2)], "what a loop further out has decided, no inner one can undo"),
        "three loops, two dependences": _orders([(0, 1, -1), (1, -1, 0)], "every distance, in the new order"),
    },
    wrong=(
        *mutants(
            LEGAL_REFERENCE,
            ("ignores the order", "distance[place] for place in order", "distance", "read before write"),
            (
                "asks the last dependence alone",
                "            return False\n    return True",
                "            verdict = False\n        else:\n            verdict = True\n    return verdict",
                "every distance",
            ),
            (
                "asks the outermost loop alone",
                "tuple(distance[place] for place in order) < zero",
                "distance[order[0]] < 0",
                "outermost loop that is not zero",
            ),
            (
                "wants every write strictly earlier outside",
                "tuple(distance[place] for place in order) < zero",
                "distance[order[0]] <= 0",
                "same iteration",
            ),
            (
                "sums the distance up",
                "tuple(distance[place] for place in order) < zero",
                "sum(distance) < 0",
                "read before write",
            ),
        ),
        WrongAnswer(
            "no dependence may be moved",
            "def legal(distances, order):\n    return list(order) == sorted(order)\n",
            "whichever loop is outside",
        ),
        WrongAnswer(
            "all parts must be positive",
            "def legal(distances, order):\n    return all(part >= 0 for each in distances for part in each)\n",
            "read before write",
        ),
    ),
)

# --- 3: an input that refutes a rewrite -------------------------------------------------------------------

VALUES = [1.0, -1.0, 0.0, -0.0, math.inf, -math.inf, math.nan, 1e38, 1e-45, 0.1]
Rewrite = Callable[[Any], Any]


def _same(a: np.float32, b: np.float32) -> bool:
    return bool(np.isnan(a) and np.isnan(b)) or bool(a == b and np.signbit(a) == np.signbit(b))


def _refuted(name: str, before: Rewrite, after: Rewrite, hint: str) -> Callable[[Any], None]:
    def check(counterexample: Callable[..., Any]) -> None:
        values = [np.float32(value) for value in VALUES]
        with np.errstate(all="ignore"):
            wrong = [x for x in values if not _same(before(x), after(x))]
            found = counterexample(before, after, list(values))
        if not wrong:
            require(found is None, f"{name}: it returns {found!r}, where both give the same", hint)
            return
        require(
            found is not None, f"{name}: it finds nothing, and {float(wrong[0])!r} tells them apart", hint
        )
        require(
            any(_same(np.float32(found), x) for x in wrong),
            f"{name}: it returns {found!r}, where both give the same",
            hint,
        )

    return check


COUNTER_REFERENCE = """def counterexample(before, after, values):
    import numpy as np

    for x in values:
        a, b = before(x), after(x)
        if np.isnan(a) and np.isnan(b):
            continue
        if a != b or np.signbit(a) != np.signbit(b):
            return x
    return None
"""
ZERO, ONE = np.float32(0), np.float32(1)
COUNTER = Exercise(
    name="counterexample",
    task="Find an input that tells a rewrite from what it replaces, or None if no given input does.",
    entry="counterexample",
    starter='''def counterexample(before, after, values):
    """before, after: functions of one float32; values: the inputs to try, NaN, infinities and both zeros among them.

    Two results are the same if they have the same bits, or if both are NaN.
    """
    return next((x for x in values if before(x) != after(x)), None)
''',
    reference=COUNTER_REFERENCE,
    properties={
        "x * 1 to x": _refuted(
            "x * 1 to x", lambda x: x * ONE, lambda x: x, "NaN differs from itself under !="
        ),
        "x * 2 to x + x": _refuted(
            "x * 2 to x + x", lambda x: x * np.float32(2), lambda x: x + x, "both are NaN, or the same"
        ),
        "x + 0 to x": _refuted(
            "x + 0 to x", lambda x: x + ZERO, lambda x: x, "0.0 == -0.0, and 1 / x tells them apart"
        ),
        "x - 0 to x": _refuted(
            "x - 0 to x", lambda x: x - ZERO, lambda x: x, "this one holds for every input"
        ),
        "x * 0 to 0": _refuted(
            "x * 0 to 0", lambda x: x * ZERO, lambda x: ZERO, "which numbers times 0 are not 0?"
        ),
        "x - x to 0": _refuted(
            "x - x to 0", lambda x: x - x, lambda x: ZERO, "NaN on one side only is a difference"
        ),
        "x / 10 to x * 0.1": _refuted(
            "x / 10 to x * 0.1",
            lambda x: x / np.float32(10),
            lambda x: x * np.float32(0.1),
            "a difference of one rounding is a difference",
        ),
        "x * 1e30 / 1e30 to x": _refuted(
            "x * 1e30 / 1e30 to x",
            lambda x: x * np.float32(1e30) / np.float32(1e30),
            lambda x: x,
            "try what overflows on the way",
        ),
    },
    wrong=(
        *mutants(
            COUNTER_REFERENCE,
            (
                "compares with !=",
                "        if np.isnan(a) and np.isnan(b):\n            continue\n",
                "",
                "differs from itself",
            ),
            ("forgets the sign of zero", " or np.signbit(a) != np.signbit(b)", "", "tells them apart"),
            (
                "accepts NaN on either side",
                "np.isnan(a) and np.isnan(b)",
                "np.isnan(a) or np.isnan(b)",
                "on one side only",
            ),
            ("allows some error", "a != b or", "abs(a - b) > 1e-6 * abs(a) or", "one rounding"),
            (
                "tries finite numbers",
                "for x in values:",
                "for x in [v for v in values if abs(v) < 1e6]:",
                "on one side only",
            ),
        ),
    ),
)

EXERCISES = (ULPS, LEGAL, COUNTER)
