"""Exercises of the first hour: bytes of fused kernels, operations of a nested program, a fair check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, require

# --- 1: bytes that kernels move -------------------------------------------------------------------------

# Each kernel is a list of (result, operands) operations over named float32 arrays.
ROW = {"x": 1024, "g": 64, "h": 1024, "s": 16, "y": 1024, "z": 1024}
SQUARE = [("h", ["x", "x"])]
CHAIN = [("h", ["x"]), ("y", ["h", "g"])]


def _moves(kernels: list[Any], kept: set[str], expected: int, case: str, hint: str) -> Callable[[Any], None]:
    def check(bytes_moved: Callable[..., int]) -> None:
        found = bytes_moved(kernels, ROW, kept)
        require(found == expected, f"{case}: it returns {found} bytes, {expected} move", hint)

    return check


BYTES = Exercise(
    name="bytes-moved",
    task="Return the bytes that a list of kernels reads from and writes to memory.",
    entry="bytes_moved",
    starter='''def bytes_moved(kernels, elements, kept):
    """kernels: a list of kernels, each a list of (result, operands) with names of float32 arrays.

    elements: name -> number of elements. A kernel reads each array that it does not compute itself once,
    and writes those of its results that another kernel reads or that are in `kept`.
    """
    raise NotImplementedError
''',
    reference="""def bytes_moved(kernels, elements, kept):
    total = 0
    for number, kernel in enumerate(kernels):
        computed = {result for result, _ in kernel}
        read = {name for _, operands in kernel for name in operands} - computed
        elsewhere = {
            name
            for other, rest in enumerate(kernels)
            if other != number
            for _, operands in rest
            for name in operands
        }
        written = computed & (elsewhere | kept)
        total += 4 * sum(elements[name] for name in read | written)
    return total
""",
    properties={
        "one operation": _moves(
            [CHAIN[1:]],
            {"y"},
            4 * (1024 + 64 + 1024),
            "y = h * g alone",
            "what is read, and what is written?",
        ),
        "an operand used twice": _moves(
            [SQUARE], {"h"}, 4 * 2048, "h = x * x", "the kernel reads x once and keeps it in a register"
        ),
        "two kernels": _moves(
            [CHAIN[:1], CHAIN[1:]],
            {"y"},
            4 * (2048 + 2048 + 64),
            "h = f(x) and y = h * g in two kernels",
            "h is written by the first kernel and read by the second",
        ),
        "the same two, fused": _moves(
            [CHAIN],
            {"y"},
            4 * (1024 + 64 + 1024),
            "h = f(x); y = h * g in one kernel",
            "h never leaves the registers",
        ),
        "a fused result that is also needed outside": _moves(
            [CHAIN, [("z", ["h", "y"])]],
            {"z"},
            4 * (1024 + 64 + 2048 + 2048 + 1024),
            "h and y in one kernel, z = h + y in another",
            "what another kernel reads must be written, fused or not",
        ),
    },
    wrong=(
        WrongAnswer(
            "forgets what is written",
            "def bytes_moved(kernels, elements, kept):\n    total = 0\n    for kernel in kernels:\n"
            "        computed = {r for r, _ in kernel}\n"
            "        total += 4 * sum(elements[n] for n in {o for _, ops in kernel for o in ops} - computed)\n"
            "    return total\n",
            "what is written",
        ),
        WrongAnswer(
            "counts an operand each time it is named",
            "def bytes_moved(kernels, elements, kept):\n"
            "    return 4 * sum(elements[n] for kernel in kernels for r, ops in kernel for n in [r, *ops])\n",
            "in a register",
        ),
        WrongAnswer(
            "lets fused intermediates go to memory",
            "def bytes_moved(kernels, elements, kept):\n"
            "    return 4 * sum(elements[n] for kernel in kernels for r, ops in kernel for n in {r, *ops})\n",
            "never leaves the registers",
        ),
        WrongAnswer(
            "never writes an intermediate",
            "def bytes_moved(kernels, elements, kept):\n    total = 0\n    for i, kernel in enumerate(kernels):\n"
            "        computed = {r for r, _ in kernel}\n        read = {o for _, ops in kernel for o in ops} - computed\n"
            "        last = {kernel[-1][0]}\n        total += 4 * sum(elements[n] for n in read | last)\n    return total\n",
            "what another kernel reads",
        ),
    ),
)

# --- 2: operations of a nested program ------------------------------------------------------------------

FLAT = [("mul", None), ("add", None), ("mul", None)]
NESTED = [("mul", None), ("call", [("exp", None), ("add", None)]), ("add", None)]
DEEP = [("call", [("call", [("exp", None)]), ("call", [])]), ("sub", None)]


def _counts(program: list[Any], expected: int, hint: str) -> Callable[[Any], None]:
    def check(operations: Callable[..., int]) -> None:
        found = operations(program)
        require(found == expected, f"for {program} it returns {found} instead of {expected}", hint)

    return check


OPERATIONS = Exercise(
    name="count-operations",
    task="Count the operations of a program whose equations may be calls of other programs.",
    entry="operations",
    starter='''def operations(program):
    """program: a list of (name, body); body is None for an operation and a program for a call."""
    return len(program)
''',
    reference="""def operations(program):
    return sum(1 if body is None else operations(body) for _, body in program)
""",
    properties={
        "a flat program": _counts(FLAT, 3, "two multiplications are two operations"),
        "a program with a call": _counts(NESTED, 4, "a call is not an operation, what it calls is"),
        "calls within calls": _counts(DEEP, 2, "a call may hold calls, and may hold nothing"),
    },
    wrong=(
        WrongAnswer(
            "counts kinds", "def operations(program):\n    return len({n for n, _ in program})\n", "are two"
        ),
        WrongAnswer(
            "counts the call as well",
            "def operations(program):\n    return sum(1 + (operations(b) if b else 0) for _, b in program)\n",
            "a call is not an operation",
        ),
        WrongAnswer(
            "looks one level deep",
            "def operations(program):\n    return sum(1 if b is None else len(b) for _, b in program)\n",
            "may hold calls",
        ),
    ),
)

# --- 3: a fair check ------------------------------------------------------------------------------------


def _random(seed: int, scale: float) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal((16, 32))


def _accepts_rounding(accept: Callable[..., bool]) -> None:
    for scale in (1.0, 1e-6, 1e6):
        expected = _random(0, scale)
        result = expected.astype(np.float32)
        require(
            accept(result, expected, 1e-5),
            f"it rejects the oracle rounded to float32, at values near {scale:g}",
            "an exact comparison, or a tolerance that does not grow with the values, cannot be fair",
        )


def _accepts_cancellation(accept: Callable[..., bool]) -> None:
    expected = _random(0, 1.0)
    expected[3, 4] = 1e-9
    result = expected.copy()
    result[3, 4] = 3e-9
    require(
        accept(result, expected, 1e-5),
        "it rejects an element of 3e-9 where the oracle has 1e-9 among elements near 1",
        "an element near zero is what is left after cancellation: judge errors by the largest element",
    )


def _rejects_errors(accept: Callable[..., bool]) -> None:
    for scale in (1.0, 1e-6, 1e6):
        result = _random(0, scale)
        result[7, 5] += 1e-3 * scale
        require(
            not accept(result, _random(0, scale), 1e-5),
            f"it accepts one element that is off by a thousandth of the values, near {scale:g}",
            "a mean over all elements hides one wrong one, and so does an absolute tolerance on small values",
        )


def _rejects_what_is_no_number(accept: Callable[..., bool]) -> None:
    for value in (np.nan, np.inf):
        result = _random(0, 1.0)
        result[0, 0] = value
        require(
            not accept(result, _random(0, 1.0), 1e-5),
            f"it accepts an element that is {value}",
            "every comparison with nan is false, also the one that asks whether the error is too large",
        )


CHECK = Exercise(
    name="fair-check",
    task="Accept a result that differs from the oracle by rounding, and no other.",
    entry="accept",
    starter='''def accept(result, expected, tolerance):
    """result: an array; expected: the oracle's, float64; tolerance: relative. Return True or False."""
    return bool((result == expected).all())
''',
    reference="""def accept(result, expected, tolerance):
    import numpy as np

    error = np.abs(np.asarray(result, dtype=np.float64) - expected).max()
    return bool(error <= tolerance * np.abs(expected).max())
""",
    properties={
        "accepts rounding": _accepts_rounding,
        "accepts an element that nearly cancelled": _accepts_cancellation,
        "rejects one wrong element": _rejects_errors,
        "rejects what is no number": _rejects_what_is_no_number,
    },
    wrong=(
        WrongAnswer(
            "an absolute tolerance",
            "def accept(result, expected, tolerance):\n    return bool(abs(result - expected).max() <= tolerance)\n",
            "does not grow with the values",
        ),
        WrongAnswer(
            "relative, element by element",
            "def accept(result, expected, tolerance):\n"
            "    return bool((abs(result - expected) <= tolerance * abs(expected)).all())\n",
            "cancellation",
        ),
        WrongAnswer(
            "a mean error",
            "def accept(result, expected, tolerance):\n"
            "    return bool(abs(result - expected).mean() <= tolerance * abs(expected).max())\n",
            "hides one wrong one",
        ),
        WrongAnswer(
            "rejects only what compares as too large",
            "def accept(result, expected, tolerance):\n"
            "    return not bool((abs(result - expected) > tolerance * abs(expected).max()).any())\n",
            "comparison with nan",
        ),
    ),
)

EXERCISES = (OPERATIONS, BYTES, CHECK)
