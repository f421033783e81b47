"""A loop function as numbers that say what it costs: work, memory traffic, vectors, unrolling, threads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..access import Access, accesses
from ..affine import linear
from ..expression import Binary, Call, Load, Select, Unary
from ..legality import all_ranges
from ..statement import For, Function, Reduce, Statement
from ..traversal import children, enclosing_loops, walk

Times = Callable[[For], float]  # how often a loop runs

LEVELS = (1 << 15, 1 << 20, 1 << 25)  # bytes of L1, L2 and L3: their order matters, not the exact sizes
NOMINAL = 16  # iterations of a loop whose bounds are not known
NAMES = (
    "operations", "operations outside of vectors", "operations outside of threads", "lanes", "iterations",
    "statements when unrolled", "parallel iterations", "loads and stores",
    "bytes into L1", "bytes into L2", "bytes into L3",
)  # fmt: skip


def features(function: Function) -> np.ndarray[Any, np.dtype[np.float64]]:
    """log(1 + n) of the counts in `NAMES`, (11,) f64, for one run of the function."""
    ranges = all_ranges(function)

    def times(loop: For) -> float:
        low, high = ranges[loop.name]
        return max(high - low + 1, 1) if math.isfinite(high - low) else NOMINAL

    work = np.zeros(6)  # all, outside of vectors, outside of threads, lanes, iterations, written out
    threads = 1.0
    for path, statement in walk(function):
        loops = enclosing_loops(function, path)
        total = math.prod(map(times, loops))
        if isinstance(statement, For):
            if statement.kind in ("serial", "parallel"):
                work[4] += total * times(statement)
            if statement.kind == "parallel":
                threads = max(threads, times(statement))
            continue
        kinds = {loop.kind for loop in loops}
        lanes = max((times(loop) for loop in loops if loop.kind == "vectorized"), default=1)
        shares = np.array([1, "vectorized" not in kinds, "parallel" not in kinds, lanes])
        work[:4] += operations(statement) * total * shares
        work[5] += math.prod(times(loop) for loop in loops if loop.kind == "unrolled")
    work[3] /= work[0] or 1
    return np.log1p([*work, threads, *traffic(accesses(function), times)])


def operations(statement: Statement) -> int:
    """Arithmetic of one execution, without that of indices and bounds."""
    value = getattr(statement, "value", None)
    stack, count = [value] if value is not None else [], int(isinstance(statement, Reduce))
    while stack:
        each = stack.pop()
        count += isinstance(each, Binary | Unary | Call | Select)
        stack += [] if isinstance(each, Load) else children(each)
    return count


def traffic(touched: Sequence[Access], times: Times) -> list[float]:
    """Accesses, and for each level the bytes that come into a cache of its size.

    What the inner loops touch together stays there as long as it fits; each round of the loops around
    brings it again.
    """
    touched = [each for each in touched if each.buffer.scope != "registers"]
    prints = [footprints(each, times) for each in touched]
    together: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for each, bytes_of in zip(touched, prints, strict=True):
        for depth, amount in enumerate(bytes_of):
            together[each.names[:depth]] += amount
    result = [sum(math.prod(map(times, each.loops)) for each in touched)]
    for capacity in LEVELS:
        moved = 0.0
        for each, bytes_of in zip(touched, prints, strict=True):
            fits = (d for d in range(len(bytes_of)) if together[each.names[:d]] <= capacity)
            depth = next(fits, len(bytes_of) - 1)
            moved += math.prod(map(times, each.loops[:depth])) * bytes_of[depth]
        result.append(moved)
    return result


def footprints(access: Access, times: Times) -> list[float]:
    """The bytes that an access touches in the loops from each depth on, its outermost loop first."""
    forms = [linear(index) for index in access.indices]
    spans, counts, result = [1.0] * len(forms), [1.0] * len(forms), [access.buffer.dtype.bytes * 1.0]
    for loop in reversed(access.loops):
        for dimension, form in enumerate(forms):
            factor = form.coefficient(loop.name)
            if factor != 0:
                counts[dimension] *= times(loop)
                spans[dimension] += abs(factor or 1) * (times(loop) - 1)
        elements = math.prod(map(min, spans, counts))
        result.append(elements * access.buffer.dtype.bytes)
    return result[::-1]
