"""Exercises of decoding: how far to split, one maximum with a way out, where to change the kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, mutants, require

# --- 1: how many parts ----------------------------------------------------------------------------------


def _time(keys: int, heads: int, splits: int, multiprocessors: int, start: int) -> int:
    return math.ceil(heads * splits / multiprocessors) * (math.ceil(keys / splits) + start)


def _splits(
    keys: int, heads: int, multiprocessors: int, start: int, most: int, hint: str
) -> Callable[[Any], None]:
    times = [_time(keys, heads, splits, multiprocessors, start) for splits in range(1, most + 1)]
    expected = times.index(min(times)) + 1

    def check(best: Callable[..., int]) -> None:
        found = best(keys, heads, multiprocessors, start, most)
        what = f"{keys} keys, {heads} heads, {multiprocessors} multiprocessors, a start of {start}, at most {most}"
        require(found == expected, f"for {what} it returns {found}, not {expected}", hint)

    return check


BEST_REFERENCE = """import math

def best(keys, heads, multiprocessors, start, most):
    def time(splits):
        waves = math.ceil(heads * splits / multiprocessors)
        return waves * (math.ceil(keys / splits) + start)
    return min(range(1, most + 1), key=time)
"""
BEST = Exercise(
    name="best-split",
    task="Find the number of parts with the least modelled time.",
    entry="best",
    starter='''def best(keys, heads, multiprocessors, start, most):
    """1 to `most` parts per head. A program passes its keys, the longest part counts,
    and takes `start` besides. All multiprocessors take programs in waves.

    Return the number of parts with the least time; of several, the smallest.
    """
    return max(1, multiprocessors // heads)
''',
    reference=BEST_REFERENCE,
    properties={
        "one part is enough": _splits(100, 10, 10, 5, 8, "with all multiprocessors busy more parts cost more starts"),
        "idle multiprocessors": _splits(1000, 2, 10, 5, 8, "parts run side by side while there is a multiprocessor"),
        "ties": _splits(100, 1, 100, 50, 64, "two that take as long are a tie"),
        "a start is not free": _splits(100, 3, 4, 20, 8, "each wave has its start"),
        "a wave that is nearly empty": _splits(3000, 6, 10, 1, 10, "compare numbers of parts that are no divisor, too"),
        "at most": _splits(4096, 1, 108, 1, 16, "no more parts than allowed"),
    },
    wrong=(
        *mutants(
            BEST_REFERENCE,
            ("counts no waves", "waves * (", "(", "more starts"),
            ("waves may be broken", "math.ceil(heads * splits / multiprocessors)",
             "heads * splits / multiprocessors", "side by side"),
            ("forgets the start", " + start)", ")", "its start"),
            ("allows one more", "most + 1", "most + 2", "than allowed"),
            ("takes the most of a tie", "range(1, most + 1)", "range(most, 0, -1)", "a tie"),
        ),
    ),
)  # fmt: skip

# --- 2: one maximum, and a way out ----------------------------------------------------------------------


def _weighted(size: float, shift: float, expect_fallback: bool, hint: str) -> Callable[[Any], None]:
    def check(weighted: Callable[..., Any]) -> None:
        random = np.random.default_rng(5)
        scores = random.uniform(-size, size, 64) + shift
        values = random.standard_normal((64, 3))
        with np.errstate(all="ignore"):
            found, fell_back = weighted(scores.copy(), values.copy(), 2.0, -10.0, 8.0)
        weights = np.exp(scores - scores.max())
        wanted = weights @ values / weights.sum()
        what = f"scores from {scores.min():.1f} to {scores.max():.1f} with the constant 2"
        require(bool(fell_back) == expect_fallback, f"for {what} it says fallback {bool(fell_back)}", hint)
        require(
            np.allclose(found, wanted, rtol=1e-9), f"for {what} the result is not that of a softmax", hint
        )

    return check


WEIGHTED_REFERENCE = """import numpy as np

def weighted(scores, values, constant, low, high):
    shifted = scores - constant
    fell_back = bool(shifted.min() <= low or shifted.max() >= high)
    if fell_back:
        shifted = scores - scores.max()
    weights = np.exp(shifted)
    return weights @ values / weights.sum(), fell_back
"""
WEIGHTED = Exercise(
    name="one-maximum",
    task="Weigh values by a softmax that takes off a constant, and falls back where that is not safe.",
    entry="weighted",
    starter='''import numpy as np

def weighted(scores, values, constant, low, high):
    """Softmax of scores (keys,) times values (keys, width).

    `constant` is taken off instead of the maximum. If a score minus `constant` is not
    strictly between `low` and `high`, take off the maximum after all.
    Return the result and whether it fell back.
    """
    weights = np.exp(scores - constant)
    return weights @ values / weights.sum(), False
''',
    reference=WEIGHTED_REFERENCE,
    properties={
        "inside": _weighted(3, 2, False, "no score leaves the window: the constant will do"),
        "above": _weighted(3, 900, True, "exp overflows before the sum does: look at the scores first"),
        "below": _weighted(3, -900, True, "if all weights are zero, so is their sum"),
        "the window moves with the constant": _weighted(3, 6, False, "compare what is left after the constant"),
        "one end is enough": _weighted(9, 0, True, "one score outside of the window is one too many"),
    },
    wrong=(
        *mutants(
            WEIGHTED_REFERENCE,
            ("looks at the top only", "shifted.min() <= low or ", "", "their sum"),
            ("looks at the bottom only", " or shifted.max() >= high", "", "overflows"),
            ("compares the scores themselves", "shifted.min() <= low or shifted.max() >= high",
             "scores.min() <= low or scores.max() >= high", "after the constant"),
            ("falls back only if all are outside", "shifted.min() <= low or shifted.max() >= high",
             "shifted.max() <= low or shifted.min() >= high", "one score outside"),
            ("says so and does not", "        shifted = scores - scores.max()", "        pass", "overflows"),
        ),
        WrongAnswer(
            "always falls back",
            WEIGHTED_REFERENCE.replace("bool(shifted.min() <= low or shifted.max() >= high)", "True"),
            "will do",
        ),
    ),
)  # fmt: skip

# --- 3: where to change the kernel ----------------------------------------------------------------------

Times = Sequence[float]


def _from(rows: Sequence[int], one: Times, other: Times, expected: float, hint: str) -> Callable[[Any], None]:
    def check(changes_at: Callable[..., float]) -> None:
        found = changes_at(list(rows), list(one), list(other))
        table = f"rows {list(rows)}, the one {list(one)}, the other {list(other)}"
        require(found == expected, f"for {table} it returns {found}, not {expected}", hint)

    return check


CHANGES_REFERENCE = """def changes_at(rows, one, other):
    change = float("inf")
    for row, a, b in sorted(zip(rows, one, other), reverse=True):
        if b >= a:
            break
        change = row
    return change
"""
CHANGES = Exercise(
    name="inflection",
    task="Find from how many rows on another kernel is faster, in a table of measured times.",
    entry="changes_at",
    starter='''def changes_at(rows, one, other):
    """rows: numbers of rows that were measured, in no order; one, other: seconds of two
    kernels for each of them.

    Return the smallest number of rows from which on `other` took less time at every
    number measured; infinity if there is none.
    """
    return min(row for row, a, b in zip(rows, one, other) if b < a)
''',
    reference=CHANGES_REFERENCE,
    properties={
        "a clear change": _from([1, 2, 4], [1, 2, 4], [3, 3, 3], 4, "below the change the first kernel is faster"),
        "from the start": _from([1, 2], [2, 3], [1, 1], 1, "it may be faster everywhere"),
        "never": _from([1, 2], [1, 1], [2, 2], math.inf, "there may be no such number"),
        "noise": _from([1, 2, 4, 8], [3, 1, 5, 6], [2, 2, 3, 3], 4, "one lucky measurement is no change: look from the end"),
        "no order": _from([8, 1, 4], [6, 1, 5], [3, 2, 9], 8, "the rows come in no order"),
        "a tie": _from([1, 2], [1, 4], [1, 3], 2, "as fast is not faster"),
    },
    wrong=mutants(
        CHANGES_REFERENCE,
        ("takes a tie for faster", "b >= a", "b > a", "not faster"),
        ("does not sort", "sorted(zip(rows, one, other), reverse=True)", "reversed(list(zip(rows, one, other)))", "no order"),
        ("goes up", ", reverse=True", "", "below the change"),
        ("skips what is slower", "break", "continue", "look from the end"),
        ("finds no end", 'float("inf")', "rows[-1]", "no such number"),
    ),
)  # fmt: skip

EXERCISES = (BEST, WEIGHTED, CHANGES)
