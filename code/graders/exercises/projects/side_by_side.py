"""Exercises of side by side: bytes at the borders of kernels, temporaries, what a stream of lengths costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, mutants, require

# --- 1: bytes that cross the borders of kernels ---------------------------------------------------------

Operations = list[tuple[str, list[str]]]


def _moves(
    kernels: list[Operations], expected: int, hint: str, results: list[str] | None = None
) -> Callable[[Any], None]:
    sizes = {"x": 10, "w": 1000, "a": 20, "b": 30, "c": 40, "y": 50}
    wanted = results or ["y"]

    def check(moved: Callable[..., int]) -> None:
        found = moved([list(kernel) for kernel in kernels], dict(sizes), list(wanted))
        require(
            found == expected,
            f"for the kernels {kernels} with results {wanted} it returns {found} instead of {expected} bytes",
            hint,
        )

    return check


MOVED_REFERENCE = """def moved(kernels, sizes, results):
    total = 0
    for number, kernel in enumerate(kernels):
        made = {name for name, operands in kernel}
        read = {operand for name, operands in kernel for operand in operands} - made
        wanted = set(results)
        for later in kernels[number + 1:]:
            wanted |= {operand for name, operands in later for operand in operands}
        total += sum(sizes[name] for name in read | made & wanted)
    return total
"""

MOVED = Exercise(
    name="moved-bytes",
    task="Return the bytes that cross the borders of the kernels of a program.",
    entry="moved",
    starter='''def moved(kernels, sizes, results):
    """kernels: a list, in order, of kernels; a kernel is a list of (result, operands), names all; sizes: bytes by
    name; results: the names that the caller gets. No two operations have one result.

    A kernel reads each array that it uses and does not make, once. It writes each array that it makes and that
    a later kernel uses or the caller gets, once. Return the sum over all kernels.
    """
    return sum(sizes[name] for kernel in kernels for name, operands in kernel)
''',
    reference=MOVED_REFERENCE,
    properties={
        "one operation": _moves([[("y", ["x"])]], 60, "a kernel reads as well as it writes"),
        "fused": _moves(
            [[("a", ["x"]), ("b", ["a"]), ("y", ["b"])]],
            60,
            "what is made and used inside crosses no border",
        ),
        "apart": _moves(
            [[("a", ["x"])], [("b", ["a"])], [("y", ["b"])]],
            160,
            "what one kernel makes and the next one uses is written and read",
        ),
        "an operand twice": _moves([[("a", ["x", "x"]), ("y", ["a", "x"])]], 60, "an array is read once"),
        "two readers": _moves(
            [[("a", ["x"])], [("b", ["a"])], [("y", ["a", "b"])]],
            180,
            "each kernel reads what it uses for itself",
        ),
        "used inside and later": _moves(
            [[("a", ["x"]), ("b", ["a"])], [("y", ["a", "b"])]],
            160,
            "an array may be used inside and be wanted outside too",
        ),
        "two results": _moves(
            [[("a", ["x"])], [("y", ["a"])]],
            100,
            "a result that a kernel uses, too, is written once",
            ["a", "y"],
        ),
        "unused": _moves([[("a", ["x"]), ("y", ["x"])]], 60, "nobody wants it, so it stays inside"),
    },
    wrong=mutants(
        MOVED_REFERENCE,
        ("forgets the reads", "read | made & wanted", "made & wanted", "reads as well"),
        (
            "counts what stays inside",
            "read | made & wanted",
            "read | made",
            "crosses no border",
        ),
        (
            "counts an operand per use",
            "sum(sizes[name] for name in read | made & wanted)",
            "sum(sizes[o] for name, operands in kernel for o in operands if o not in made) "
            "+ sum(sizes[name] for name in made & wanted)",
            "is read once",
        ),
        ("forgets the caller", "wanted = set(results)", "wanted = set()", "reads as well"),
        (
            "writes only what is not used inside",
            "made & wanted)",
            "(made & wanted) - {o for name, operands in kernel for o in operands})",
            "wanted outside too",
        ),
    ),
)

# --- 2: temporaries that live at once -------------------------------------------------------------------

Event = tuple[str, ...]


def _peaks(events: list[tuple[Any, ...]], expected: int, hint: str) -> Callable[[Any], None]:
    def check(peak: Callable[..., int]) -> None:
        found = peak(list(events), "result")
        require(found == expected, f"for {events} it returns {found} instead of {expected}", hint)

    return check


PEAK_REFERENCE = """def peak(events, result):
    alive, most = {}, 0
    for event in events:
        if event[0] == "allocate":
            alive[event[1]] = event[2]
        elif event[0] == "reuse":
            alive[event[1]] = alive.pop(event[2])
        else:
            del alive[event[1]]
        most = max(most, sum(size for name, size in alive.items() if name != result))
    return most
"""

PEAK = Exercise(
    name="peak",
    task="Return the most bytes of temporaries that live at once.",
    entry="peak",
    starter='''def peak(events, result):
    """events: in order, ("allocate", name, bytes), ("reuse", new, old): the buffer `new` takes over the memory of
    `old`, which ends; ("free", name). result: the name of the buffer that the caller gets, which is allocated
    and is no temporary.

    Return the largest number of bytes of all buffers but the result that live after some event.
    """
    return sum(event[2] for event in events if event[0] == "allocate")
''',
    reference=PEAK_REFERENCE,
    properties={
        "one buffer": _peaks(
            [("allocate", "a", 8), ("free", "a")], 8, "a buffer lives from its first event on"
        ),
        "one after the other": _peaks(
            [("allocate", "a", 8), ("free", "a"), ("allocate", "b", 6), ("free", "b")],
            8,
            "what was freed does not live any more",
        ),
        "together": _peaks(
            [("allocate", "a", 8), ("allocate", "b", 6), ("free", "a"), ("free", "b")],
            14,
            "two buffers that live at once need memory for both",
        ),
        "reuse": _peaks(
            [("allocate", "a", 8), ("reuse", "b", "a"), ("allocate", "c", 2), ("free", "b"), ("free", "c")],
            10,
            "a reused buffer has the bytes of the old one, and the old one is gone",
        ),
        "reuse, then free": _peaks(
            [("allocate", "a", 8), ("reuse", "b", "a"), ("free", "b"), ("allocate", "c", 7), ("free", "c")],
            8,
            "whose memory is freed when a buffer that took over another's ends?",
        ),
        "the result": _peaks(
            [("allocate", "a", 8), ("allocate", "result", 100), ("free", "a")],
            8,
            "the result is the caller's",
        ),
        "the largest is in the middle": _peaks(
            [("allocate", "a", 1), ("allocate", "b", 9), ("free", "b"), ("allocate", "c", 2)],
            10,
            "the most is not what lives at the end",
        ),
    },
    wrong=mutants(
        PEAK_REFERENCE,
        ("never frees", "del alive[event[1]]", "pass", "not live any more"),
        (
            "counts a reuse twice",
            "alive[event[1]] = alive.pop(event[2])",
            "alive[event[1]] = alive[event[2]]",
            "the old one is gone",
        ),
        ("counts the result", "if name != result", "if name", "the caller's"),
        (
            "takes the largest buffer",
            "sum(size for name, size in alive.items() if name != result)",
            "max([size for name, size in alive.items() if name != result], default=0)",
            "for both",
        ),
        (
            "looks at the last allocation",
            "most = max(most, sum(size for name, size in alive.items() if name != result))",
            'most = sum(alive.values()) if event[0] == "allocate" and event[1] != result else most',
            "not live any more",
        ),
    ),
)

# --- 3: a stream of lengths under four policies ---------------------------------------------------------


def _costs(
    policy: str, lengths: list[int], expected: int, hint: str, **changed: int
) -> Callable[[Any], None]:
    given = {"compilation": 1000, "call": 10, "row": 1, "open_row": 2} | changed

    def check(costs: Callable[..., dict[str, int]]) -> None:
        found = costs(list(lengths), [4, 8, 16], **given)
        require(
            isinstance(found, dict) and set(found) == {"exact", "buckets", "padded", "symbolic"},
            f"it returns {found!r}",
            "a dictionary with the four policies as keys",
        )
        require(
            found[policy] == expected,
            f"for the lengths {lengths} and {given}, {policy!r} costs {found[policy]} instead of {expected}",
            hint,
        )

    return check


POLICIES_REFERENCE = """def costs(lengths, buckets, compilation, call, row, open_row):
    rounded = [min(size for size in buckets if size >= n) for n in lengths]

    def total(rows, each):
        return sum(call + each * n for n in rows)

    return {
        "exact": compilation * len(set(lengths)) + total(lengths, row),
        "buckets": compilation * len(set(rounded)) + total(rounded, row),
        "padded": compilation + total([max(lengths)] * len(lengths), row),
        "symbolic": compilation + total(lengths, open_row),
    }
"""

POLICIES = Exercise(
    name="policies",
    task="Compute what a stream of lengths costs with a program per length, buckets, padding, or an open length.",
    entry="costs",
    starter='''def costs(lengths, buckets, compilation, call, row, open_row):
    """lengths: of the texts, at least one; buckets: sizes in rising order, the last one no smaller than any length.

    compilation: what a program costs; a call costs `call`, and `row` more for each row that it computes; in a
    program with an open length a row costs `open_row`. exact: a program per length. buckets: each length is
    rounded up to a bucket, and buckets that occur are compiled. padded: one program, for the longest text.
    symbolic: one program with an open length. Return a dictionary from "exact", "buckets", "padded" and
    "symbolic" to the cost of the whole stream.
    """
    exact = compilation * len(lengths) + sum(call + row * n for n in lengths)
    return {"exact": exact, "buckets": exact, "padded": exact, "symbolic": exact}
''',
    reference=POLICIES_REFERENCE,
    properties={
        "exact": _costs("exact", [3, 5], 2028, "two lengths, two programs, two calls"),
        "exact, again": _costs("exact", [3, 5, 3], 2041, "a program is used again for its length"),
        "buckets": _costs("buckets", [3, 6, 15], 3058, "a length is computed with the rows of its bucket"),
        "unused buckets": _costs("buckets", [3, 2], 1028, "a bucket that never occurs is never compiled"),
        "a full bucket": _costs("buckets", [4, 4], 1028, "a length that is a bucket needs no larger one"),
        "padded": _costs("padded", [3, 5, 5], 1045, "one program, and every text is as long as the longest"),
        "symbolic": _costs("symbolic", [3, 5, 3], 1052, "one program, whose rows cost more"),
    },
    wrong=mutants(
        POLICIES_REFERENCE,
        ("compiles at every call", "len(set(lengths))", "len(lengths)", "used again"),
        ("compiles all buckets", "len(set(rounded))", "len(buckets)", "never compiled"),
        ("rounds past a full bucket", "if size >= n", "if size > n", "no larger one"),
        ("pads to the last bucket", "[max(lengths)]", "[buckets[-1]]", "as long as the longest"),
        ("computes the rows it was given", "total(rounded, row)", "total(lengths, row)", "of its bucket"),
        ("forgets what is open", "total(lengths, open_row)", "total(lengths, row)", "cost more"),
    ),
)

EXERCISES = (MOVED, PEAK, POLICIES)
