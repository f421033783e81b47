"""Exercises of TVM: what a kernel may be fused with, storages that tensors share, the best record."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, mutants, require

# --- 1: the pattern of a kernel -----------------------------------------------------------------------------

PATTERN = """def pattern(write, reads, reduced):
    if reduced:
        products = [r for r in reads if set(r) & set(reduced)]
        return "fusable into its output" if len(products) > 1 else "reduction"
    if all(read == write for read in reads):
        return "elementwise"

    def keeps_order(read):
        places = [write.index(name) for name in read]
        return places == sorted(places)

    if all(keeps_order(read) for read in reads):
        return "broadcast"
    return "injective"
"""


def _named(
    expected: str, write: str, reads: list[str], reduced: str, hint: str
) -> Callable[[Callable[..., Any]], None]:
    def check(pattern: Callable[..., Any]) -> None:
        found = pattern(tuple(write), [tuple(read) for read in reads], tuple(reduced))
        call = f"a kernel that writes [{', '.join(write)}], reads {[list(r) for r in reads]}"
        require(found == expected, f"{call} and reduces {list(reduced)} is {found!r}, not {expected!r}", hint)

    return check


OPERATOR_PATTERN = Exercise(
    name="operator-pattern",
    task="Name the pattern of a kernel, from the indices of what it writes and reads.",
    entry="pattern",
    starter='''def pattern(write, reads, reduced):
    """write: the names of the loops that index the result, such as ("i", "j").

    reads: of each read, the names of the loops that index it.
    reduced: the names of the loops that are summed over; none of them is in write.
    Return, for a kernel without reduced loops,
      "elementwise"  if each read has the indices of the write,
      "broadcast"    if each read leaves some out but keeps their order,
      "injective"    otherwise;
    and for one with reduced loops
      "reduction"                if one read is indexed by a reduced loop,
      "fusable into its output"  if two or more are, as in a product.
    """
    return "elementwise"
''',
    reference=PATTERN,
    properties={
        "an addition": _named("elementwise", "ij", ["ij", "ij"], "", "every read has the indices of the write"),
        "a bias": _named("broadcast", "ij", ["ij", "j"], "", "one read leaves an index out and keeps the order"),
        "a transposition": _named(
            "injective", "ij", ["ji"], "", "the same names in another order are not elementwise and no broadcast"
        ),
        "a transposed part": _named(
            "injective", "ijk", ["ijk", "ki"], "", "a read may leave an index out and change the order as well"
        ),
        "a sum of rows": _named("reduction", "i", ["ik"], "k", "a reduced loop makes it a reduction"),
        "a product": _named(
            "fusable into its output", "ij", ["ik", "kj"], "k", "two reads move with the reduced loop"
        ),
        "a scaled sum": _named(
            "reduction", "i", ["ik", "i"], "k", "count the reads that a reduced loop indexes, not all reads"
        ),
    },
    wrong=mutants(
        PATTERN,
        ("compares names and not their order", "read == write", "set(read) == set(write)", "another order"),
        ("takes every rest for a broadcast", 'return "injective"', 'return "broadcast"', "another order"),
        ("counts all reads", "if set(r) & set(reduced)]", "]", "that a reduced loop indexes"),
        ("has no products", '"fusable into its output" if len(products) > 1 else "reduction"', '"reduction"',
         "two reads"),
        ("calls every reduction a product", "len(products) > 1", "len(products) > 0", "makes it a reduction"),
        ("asks for every index", "if all(keeps_order(read)", "if all(len(read) == len(write) and keeps_order(read)",
         "leaves an index out"),
    ),
)  # fmt: skip

# --- 2: storages that tensors share -------------------------------------------------------------------------

PLAN = """def plan(tensors):
    storages, chosen = [], []  # of each storage: bytes, and the step until which it is taken
    for size, first, last in tensors:
        free = [n for n, (held, until) in enumerate(storages) if until < first and held >= size]
        if free:
            best = min(free, key=lambda n: storages[n][0])
            storages[best] = (storages[best][0], last)
        else:
            best = len(storages)
            storages.append((size, last))
        chosen.append(best)
    return chosen
"""

Tensor = tuple[int, int, int]


def _bytes(tensors: list[Tensor], chosen: list[int]) -> int:
    sizes: dict[int, int] = {}
    for (size, _, _), storage in zip(tensors, chosen, strict=True):
        sizes[storage] = max(sizes.get(storage, 0), size)
    return sum(sizes.values())


def _sound(tensors: list[Tensor], chosen: Any, hint: str) -> None:
    require(
        isinstance(chosen, list) and len(chosen) == len(tensors),
        f"for {tensors} it returns {chosen}, not a storage for each tensor",
        "one number per tensor, in their order",
    )
    for later, (_, first, last) in enumerate(tensors):
        for earlier in range(later):
            if chosen[earlier] == chosen[later]:
                _, since, until = tensors[earlier]
                require(
                    until < first or last < since,
                    f"for {tensors} the tensors {earlier} and {later} share storage {chosen[later]} while both live",
                    hint,
                )


def _needs(expected: int, tensors: list[Tensor], hint: str) -> Callable[[Callable[..., Any]], None]:
    def check(plan: Callable[..., Any]) -> None:
        chosen = plan(list(tensors))
        _sound(tensors, chosen, "the kernel of a step reads while it writes: a last step is still taken")
        found = _bytes(tensors, chosen)
        require(found == expected, f"for {tensors} it takes {found} bytes, not {expected}", hint)

    return check


def _random_plans(plan: Callable[..., Any]) -> None:
    order = random.Random(1)
    names: dict[str, Any] = {}
    exec(PLAN, names)
    for _ in range(150):
        starts = sorted(order.randint(0, 9) for _ in range(order.randint(1, 7)))
        tensors = [(8 * order.randint(1, 4), first, first + order.randint(0, 4)) for first in starts]
        chosen = plan(list(tensors))
        _sound(tensors, chosen, "the kernel of a step reads while it writes: a last step is still taken")
        expected = _bytes(tensors, names["plan"](tensors))
        found = _bytes(tensors, chosen)
        require(
            found == expected,
            f"for {tensors} it takes {found} bytes, not {expected}",
            "of the free storages that are large enough, the smallest; a new one only where there is none",
        )


STORAGE_PLAN = Exercise(
    name="storage-plan",
    task="Give each tensor a storage, so that tensors which are never alive together share one.",
    entry="plan",
    starter='''def plan(tensors):
    """tensors: of each (bytes, first, last), in the order of first.

    A kernel writes it in step first, and the last one to read it runs in step last.
    A storage is as large as the first tensor that it was made for, and is never
    enlarged. Take the smallest free storage that is large enough, the earliest among
    equals; make a new one where there is none. One is free from the step after the
    last of its tensor. Return the number of the storage of each tensor, from 0.
    """
    return list(range(len(tensors)))
''',
    reference=PLAN,
    properties={
        "a chain": _needs(16, [(8, 0, 1), (8, 1, 2), (8, 2, 3)], "the third may take what the first has left"),
        "a small one": _needs(32, [(32, 0, 0), (8, 1, 2)], "a large storage also holds a small tensor"),
        "a large one": _needs(40, [(8, 0, 0), (32, 1, 2)], "a storage is not enlarged: too small is not free"),
        "the smallest": _needs(
            40, [(32, 0, 0), (8, 0, 0), (8, 1, 2), (32, 1, 2)], "of those that are large enough take the smallest"
        ),
        "as the rule says": _random_plans,
    },
    wrong=mutants(
        PLAN,
        ("frees in the last step", "until < first", "until <= first", "still taken"),
        ("takes what is too small", "and held >= size", "", "too small is not free"),
        ("wants the same size", "held >= size", "held == size", "also holds a small tensor"),
        ("takes the largest", "best = min(", "best = max(", "the smallest"),
        ("never reuses", "if free:", "if False:", "may take what the first has left"),
        ("forgets that it is taken again", "storages[best] = (storages[best][0], last)", "pass",
         "still taken"),
    ),
)  # fmt: skip

# --- 3: the best record of a database -----------------------------------------------------------------------

BEST = """def best(records, workload):
    found = None
    for key, trace, seconds in records:
        if key != workload or not seconds or max(seconds) >= FAILED:
            continue
        mean = sum(seconds) / max(len(seconds), 1)
        if found is None or mean < found[0]:
            found = (mean, trace)
    return found and found[1]
"""
FAILED = 1e9


def _finds(
    expected: str | None, records: list[tuple[str, str, list[float]]], hint: str
) -> Callable[[Any], None]:
    def check(best: Callable[..., Any]) -> None:
        found = best([(key, trace, list(seconds)) for key, trace, seconds in records], "product")
        require(found == expected, f"of {records} it replays {found!r}, not {expected!r}", hint)

    return check


BEST_RECORD = Exercise(
    name="best-record",
    task="Choose the trace that a tuning database replays for a workload.",
    entry="best",
    starter='''def best(records, workload):
    """records: of each candidate (workload, trace, seconds), in the order of the search.

    seconds are the times of its runs: none if it did not build, and FAILED or more
    if a run was stopped. Return the trace with the least mean time among the
    candidates of this workload that ran, the first among equals; None if none did.
    """
    return records[-1][1]
''',
    reference=BEST,
    given={"FAILED": FAILED},
    properties={
        "the quicker": _finds(
            "b", [("product", "a", [3.0]), ("product", "b", [1.0]), ("product", "c", [2.0])], "the least time wins"
        ),
        "of this workload": _finds(
            "a",
            [("product", "a", [3.0]), ("softmax", "b", [1.0])],
            "a schedule of another workload does not fit this one",
        ),
        "the mean": _finds(
            "b",
            [("product", "a", [1.0, 9.0]), ("product", "b", [3.0, 3.0])],
            "one lucky run is not the time of a candidate: take the mean of its runs",
        ),
        "runs of another number": _finds(
            "a",
            [("product", "a", [3.0, 3.0]), ("product", "b", [4.0])],
            "take the mean of its runs and not their sum",
        ),
        "what did not build": _finds(
            "b", [("product", "a", []), ("product", "b", [5.0])], "a candidate without a run has no time"
        ),
        "what was stopped": _finds(
            None, [("product", "a", [FAILED, FAILED])], "a candidate that was stopped did not run: None"
        ),
        "nothing": _finds(None, [("softmax", "b", [1.0])], "without a record there is nothing to replay: None"),
        "equals": _finds("a", [("product", "a", [2.0]), ("product", "b", [2.0])], "the first among equals"),
    },
    wrong=mutants(
        BEST,
        ("looks at no workload", "key != workload or ", "", "another workload"),
        ("takes the luckiest run", "sum(seconds) / max(len(seconds), 1)", "min(seconds)", "one lucky run"),
        ("adds the runs up", "sum(seconds) / max(len(seconds), 1)", "sum(seconds)", "not their sum"),
        ("replays what was stopped", " or max(seconds) >= FAILED", "", "was stopped"),
        ("takes the last among equals", "mean < found[0]", "mean <= found[0]", "first among equals"),
        ("counts no run as no time", "not seconds or max(seconds) >= FAILED", "max(seconds, default=0) >= FAILED",
         "has no time"),
    ),
)  # fmt: skip

EXERCISES = (OPERATOR_PATTERN, STORAGE_PLAN, BEST_RECORD)
