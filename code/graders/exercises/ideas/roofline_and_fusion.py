"""Exercises of the roofline: the intensity of a product, the time of kernels, the rows that reach the ridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, WrongAnswer, mutants, require


def _close(found: float, expected: float) -> bool:
    return abs(found - expected) <= 1e-9 * abs(expected)


# --- 1: the intensity of a matrix product ---------------------------------------------------------------


def _intensity(m: int, k: int, n: int, number: float, weight: float, hint: str) -> Callable[[Any], None]:
    expected = 2 * m * k * n / (number * (m * k + m * n) + weight * k * n)

    def check(intensity: Callable[..., float]) -> None:
        found = intensity(m, k, n, number, weight)
        sizes = f"({m}, {k}) times ({k}, {n}), {number:g} bytes per number and {weight:g} per weight"
        require(_close(found, expected), f"for {sizes} it returns {found:g}, not {expected:g}", hint)

    return check


INTENSITY_REFERENCE = """def intensity(m, k, n, number, weight):
    flops = 2 * m * k * n
    moved = number * m * k + weight * k * n + number * m * n
    return flops / moved
"""
INTENSITY = Exercise(
    name="intensity",
    task="Compute the FLOPs per byte of a matrix product.",
    entry="intensity",
    starter='''def intensity(m, k, n, number, weight):
    """(m, k) times (k, n); `number` bytes for each of x and of the result, `weight` bytes for each of W.

    Every operand is read once, the result is written once. A multiplication and an addition are two FLOPs.
    """
    return 2 * m * k * n / (weight * k * n)
''',
    reference=INTENSITY_REFERENCE,
    properties={
        "a single step": _intensity(
            1, 1, 1, 4, 4, "one multiplication, one addition, and three numbers move"
        ),
        "a wide product": _intensity(2, 8, 1024, 4, 4, "x has m * k numbers, the result m * n"),
        "small weights": _intensity(1, 512, 512, 4, 1, "the weights have a size of their own"),
        "half a byte": _intensity(4, 256, 256, 2, 0.5, "two weights can share a byte"),
    },
    wrong=mutants(
        INTENSITY_REFERENCE,
        ("forgets the result", " + number * m * n", "", "three numbers"),
        ("counts a step once", "2 * m", "m", "one addition"),
        ("writes as much as it reads", "number * m * n", "number * m * k", "the result m * n"),
        ("one size for all", "weight * k", "number * k", "a size of their own"),
        ("whole bytes", "weight * k", "max(weight, 1) * k", "share a byte"),
    ),
)

# --- 2: the time of a program ---------------------------------------------------------------------------

Kernels = list[tuple[float, float]]


def _time(
    kernels: Kernels, peak: float, bandwidth: float, overhead: float, expected: float, hint: str
) -> Callable[[Any], None]:
    def check(seconds: Callable[..., float]) -> None:
        found = seconds(kernels, peak, bandwidth, overhead)
        machine = f"peak {peak:g}, bandwidth {bandwidth:g}, overhead {overhead:g}"
        require(
            abs(found - expected) <= 1e-9 * max(expected, 1e-9),
            f"for kernels of (FLOPs, bytes) {kernels} at {machine} it returns {found:g}, not {expected:g}",
            hint,
        )

    return check


TIME_REFERENCE = """def seconds(kernels, peak, bandwidth, overhead):
    total = 0.0
    for flops, moved in kernels:
        total += overhead + max(flops / peak, moved / bandwidth)
    return total
"""
TIME = Exercise(
    name="predicted-time",
    task="Predict the seconds that a sequence of kernels takes at least, overhead included.",
    entry="seconds",
    starter='''def seconds(kernels, peak, bandwidth, overhead):
    """kernels: a list of (FLOPs, bytes), run one after the other.

    peak in FLOP/s, bandwidth in bytes/s, overhead in seconds per kernel, during which nothing else happens.
    Within a kernel arithmetic and memory overlap. Return seconds.
    """
    return sum(flops for flops, moved in kernels) / peak
''',
    reference=TIME_REFERENCE,
    properties={
        "no kernel": _time([], 10, 10, 1, 0, "a program without kernels takes no time"),
        "memory is the limit": _time([(10, 80)], 10, 10, 0, 8, "the bytes take longer than the FLOPs"),
        "arithmetic is the limit": _time([(80, 10)], 10, 10, 0, 8, "the FLOPs take longer than the bytes"),
        "both overlap": _time([(40, 40)], 10, 10, 0, 4, "both go on at the same time: the longer one counts"),
        "two kernels": _time(
            [(80, 10), (10, 80)], 10, 10, 0, 16, "what one kernel leaves idle, the next cannot use"
        ),
        "overhead": _time([(1, 1), (1, 1)], 10, 10, 3, 6.2, "every kernel is started"),
        "overhead does not overlap": _time([(80, 10)], 10, 10, 1, 9, "nothing else happens during the start"),
    },
    wrong=(
        *mutants(
            TIME_REFERENCE,
            (
                "counts FLOPs only",
                "max(flops / peak, moved / bandwidth)",
                "flops / peak",
                "take longer than the FLOPs",
            ),
            (
                "counts bytes only",
                "max(flops / peak, moved / bandwidth)",
                "moved / bandwidth",
                "longer than the bytes",
            ),
            (
                "adds both",
                "max(flops / peak, moved / bandwidth)",
                "flops / peak + moved / bandwidth",
                "FLOPs",
            ),
            ("forgets the overhead", "overhead + ", "", "every kernel is started"),
            ("hides the overhead", "overhead + max(", "max(overhead, ", "every kernel is started"),
        ),
        WrongAnswer(
            "one roofline for the whole program",
            "def seconds(kernels, peak, bandwidth, overhead):\n"
            "    flops = sum(kernel[0] for kernel in kernels)\n    moved = sum(kernel[1] for kernel in kernels)\n"
            "    return max(flops / peak, moved / bandwidth) + overhead * len(kernels)\n",
            "the next cannot use",
        ),
    ),
)

# --- 3: rows that reach the ridge -----------------------------------------------------------------------


def _rows(
    k: int, n: int, number: float, weight: float, ridge: float, expected: int | None, hint: str
) -> Callable[[Any], None]:
    def check(rows: Callable[..., int | None]) -> None:
        found = rows(k, n, number, weight, ridge)
        sizes = f"weights of {k} x {n}, {weight:g} bytes each, {number:g} bytes per number, ridge {ridge:g}"
        require(found == expected, f"for {sizes} it returns {found}, not {expected}", hint)

    return check


ROWS_REFERENCE = """def rows(k, n, number, weight, ridge):
    import math

    gained = 2 * k * n - ridge * number * (k + n)
    if gained <= 0:
        return None
    return math.ceil(ridge * weight * k * n / gained)
"""
ROWS = Exercise(
    name="rows-to-the-ridge",
    task="Find the fewest rows with which a product reaches the ridge, or None if no number of rows does.",
    entry="rows",
    starter='''def rows(k, n, number, weight, ridge):
    """x has m rows of k numbers, the result m rows of n, `number` bytes each; W is (k, n), `weight` bytes each.

    Return the smallest whole m with 2 m k n FLOPs / bytes moved >= ridge, or None.
    """
    return ridge
''',
    reference=ROWS_REFERENCE,
    properties={
        "an H100 and 4096": _rows(4096, 4096, 2, 2, 295, 345, "x and the result move, too"),
        "a ridge of 156": _rows(8192, 2048, 2, 2, 156, 173, "one row fewer stays below the ridge: round up"),
        "weights of one byte": _rows(4096, 4096, 2, 1, 295, 173, "the weights have a size of their own"),
        "rows of four bytes": _rows(4096, 4096, 4, 2, 295, 415, "the rows have a size of their own"),
        "exactly on the ridge": _rows(8, 8, 1, 1, 4, 4, "the ridge is to be reached, not to be passed"),
        "small weights": _rows(64, 64, 2, 2, 295, None, "how far does the intensity rise as m grows?"),
    },
    wrong=(
        *mutants(
            ROWS_REFERENCE,
            ("half of the FLOPs", "2 * k * n", "k * n", "move, too"),
            ("rounds to the nearest", "math.ceil(", "round(", "round up"),
            ("weights of the rows' size", "ridge * weight", "ridge * number", "a size of their own"),
            ("rows of the weights' size", "ridge * number", "ridge * weight", "a size of their own"),
            ("passes the ridge", "math.ceil(", "1 + math.floor(", "not to be passed"),
            ("always finds some", "    if gained <= 0:\n        return None\n", "", "as m grows"),
        ),
        WrongAnswer(
            "counts the weights alone",
            "def rows(k, n, number, weight, ridge):\n    return -(-ridge * weight // 2)\n",
            "move, too",
        ),
    ),
)

EXERCISES = (INTENSITY, TIME, ROWS)
