"""Exercises of build_fusion_and_memory: liveness, a planner, and whether inlining is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, require
from tensor_compiler import Refused, Schedule, parse, trace
from tensor_compiler.expression import Call
from tensor_compiler.fusion import fuse
from tensor_compiler.legality import extent
from tensor_compiler.memory import Lifetime, plan, rounded, spans
from tensor_compiler.stage import Staged, staged
from tensor_compiler.statement import For, Function
from tensor_compiler.traversal import enclosing_loops, expressions, walk

# --- 1: liveness ----------------------------------------------------------------------------------------

Program = Sequence[tuple[Sequence[str], Sequence[str]]]  # what each step reads, and what it writes


def _lives(case: str, hint: str, program: Program, results: Sequence[str]) -> Callable[[Any], None]:
    """The answer's lifetimes are those of the package."""
    steps = [Staged("", "rows", (), tuple(reads), tuple(writes)) for reads, writes in program]
    expected = spans(steps, results)

    def check(answer: Callable[..., Mapping[str, Sequence[int]]]) -> None:
        found = {name: tuple(span) for name, span in answer(program, results).items()}
        for name in sorted(expected.keys() | found.keys()):
            stated, wanted = (each.get(name, "nowhere") for each in (found, expected))
            require(
                stated == wanted, f"{case}: {name!r} lives in steps {stated}, it should be {wanted}", hint
            )

    return check


def _perceptron() -> Program:
    def two_layers(x: Any, first: Any, second: Any) -> Any:
        xp = x.__array_namespace__()
        return x + xp.exp(x @ first) @ second

    square = np.ones((4, 4), np.float32)
    groups = staged(fuse(trace(two_layers, square, square, square).graph))
    return [(group.inputs, group.outputs) for group in groups]


CHAIN: Program = ((["x"], ["a"]), (["a"], ["b"]), (["b"], ["y"]))
LIVENESS = """def liveness(program, results):
    found = {}
    for step, (reads, writes) in enumerate(program):
        for name in writes:
            if name not in results and name not in found:
                found[name] = (step, step)
        for name in [*reads, *writes]:
            if name in found:
                found[name] = (found[name][0], step)
    return found
"""

LIVE = Exercise(
    name="liveness",
    task="Say from which step to which each intermediate of a program is needed.",
    entry="liveness",
    starter='''def liveness(program, results):
    """Return {name: (first, last)} for what needs memory between the steps.

    program: (reads, writes) for each step, two lists of names. first: the step
    that writes the tensor first; last: the last one that touches it. Both count,
    and are equal for what nobody reads. The caller has memory for what no step
    writes, and for the results.
    """
    found = {}
    for step, (reads, writes) in enumerate(program):
        for name in writes:
            found[name] = (step, step)
    return found
''',
    reference=LIVENESS,
    properties={
        "the caller's memory": _lives(
            "y is a result", "the caller brings memory for arguments and for results",
            ((["x"], ["y"]), (["y", "x"], ["z"])), ["y", "z"],
        ),
        "a chain": _lives("x -> a -> b -> y", "a tensor lives until its last reader has run", CHAIN, ["y"]),
        "two readers": _lives(
            "two steps read a", "the second reader needs it too",
            ((["x"], ["a"]), (["a"], ["b"]), (["b", "a"], ["y"])), ["y"],
        ),
        "nobody reads": _lives(
            "b is written and not read", "a step writes somewhere, whether or not it is read",
            ((["x"], ["a", "b"]), (["a"], ["y"])), ["y"],
        ),
        "written in place": _lives(
            "a is written twice", "a step that writes in place does not begin a new life",
            ((["x"], ["a"]), (["a", "x"], ["a"]), (["a"], ["y"])), ["y"],
        ),
        "a perceptron": _lives("x + exp(x @ A) @ B", "compare step by step", _perceptron(), ["result"]),
    },
    wrong=(
        WrongAnswer("ends a step early", LIVENESS.replace("found[name][0], step)", "found[name][0], max(found[name][0], step - 1))"), "last reader"),
        WrongAnswer("ends at the first reader", LIVENESS.replace("if name in found:", "if name in found and found[name][0] == found[name][1]:"), "second reader"),
        WrongAnswer("plans memory for arguments", LIVENESS.replace("for name in writes:", "for name in [*reads, *writes]:"), "caller brings"),
        WrongAnswer("plans memory for results", LIVENESS.replace("name not in results and ", ""), "caller brings"),
        WrongAnswer(
            "forgets what nobody reads", LIVENESS.replace("return found", "return {n: s for n, s in found.items() if s[0] < s[1]}"), "whether or not",
        ),
        WrongAnswer("begins a new life in place", LIVENESS.replace(" and name not in found", ""), "new life"),
    ),
)  # fmt: skip

# --- 2: a planner ---------------------------------------------------------------------------------------

Tensor = tuple[str, int, int, int]  # name, bytes, first and last step


def _plans(case: str, hint: str, *tensors: Tensor) -> Callable[[Any], None]:
    """Nothing that lives together overlaps, all is aligned, and no more is taken than the package takes."""
    known = {each[0]: Lifetime(*each) for each in tensors}
    fewest = plan(known.values()).peak

    def check(answer: Callable[..., Mapping[str, int]]) -> None:
        offsets = answer(list(tensors))
        require(
            offsets.keys() == known.keys(), f"{case}: the plan names {sorted(offsets)}", "place every tensor"
        )
        for name, at in offsets.items():
            require(
                at >= 0 and at % 64 == 0,
                f"{case}: {name} is at {at}",
                "offsets are multiples of a cache line",
            )
        for one, other in combinations(known.values(), 2):
            (low, below), (high, _) = sorted(
                ((offsets[each.name], each) for each in (one, other)), key=lambda p: p[0]
            )
            if one.meets(other):
                require(
                    low + below.bytes <= high,
                    f"{case}: {one.name} and {other.name} live together and share bytes",
                    hint,
                )
        peak = max(offsets[each.name] + rounded(each.bytes) for each in known.values())
        require(peak <= fewest, f"{case}: it takes {peak} bytes, {fewest} are enough", hint)

    return check  # fmt: skip


def _random_tensors(seed: int) -> list[Tensor]:
    draw = np.random.default_rng(seed)
    firsts = draw.integers(0, 8, 10)
    return [
        (f"t{n}", int(draw.integers(1, 20)) * 64, int(first), int(first + draw.integers(0, 4)))
        for n, first in enumerate(firsts)
    ]


PLANNER = """def plan(tensors):
    offsets, placed = {}, []
    for name, size, first, last in sorted(tensors, key=lambda t: (-t[1], t[2], t[0])):
        size = (size + 63) // 64 * 64
        together = sorted((offsets[n], s) for n, s, f, l in placed if f <= last and first <= l)
        offset = 0
        for start, length in together:
            if offset + size <= start:
                break
            offset = max(offset, start + length)
        offsets[name] = offset
        placed.append((name, size, first, last))
    return offsets
"""

PLAN = Exercise(
    name="planner",
    task="Place tensors in one arena so that those that live together do not overlap.",
    entry="plan",
    starter='''def plan(tensors):
    """Return {name: offset in bytes}; a tensor is (name, bytes, first step, last step).

    Offsets are multiples of 64. Two tensors that live at one step, first and last
    included, must not overlap. Place the largest tensor first (among equals the one
    written first, then by name), each at the lowest offset that is free. The peak may
    not exceed that rule's.
    """
    offsets, end = {}, 0
    for name, size, first, last in tensors:
        offsets[name] = end
        end += size
    return offsets
''',
    reference=PLANNER,
    properties={
        "one after another": _plans(
            "two that never meet", "what is dead leaves its bytes to others", ("a", 128, 0, 1), ("b", 128, 2, 3)
        ),
        "reader and writer": _plans(
            "b is written while a is read", "a step reads its inputs while it writes: the last step counts",
            ("a", 128, 0, 1), ("b", 128, 1, 2),
        ),
        "odd sizes": _plans("100 bytes beside 100", "round sizes up to 64", ("a", 100, 0, 1), ("b", 100, 0, 1)),
        "a gap": _plans(
            "room below the largest", "between two tensors there may be room",
            ("a", 192, 0, 2), ("b", 128, 1, 3), ("c", 64, 3, 3),
        ),
        "a narrow gap": _plans(
            "a gap that is too small", "compare the size with the gap",
            ("a", 128, 1, 2), ("b", 256, 1, 1), ("c", 128, 2, 4), ("d", 192, 3, 5),
        ),
        "large ones late": _plans(
            "the largest is written last", "place by size, not by time",
            ("a", 128, 1, 2), ("b", 64, 2, 4), ("c", 256, 3, 3),
        ),
        **{
            f"ten at random, {seed}": _plans(f"ten at random ({seed})", "follow the rule step by step", *_random_tensors(seed))
            for seed in range(8)
        },
    },
    wrong=(
        WrongAnswer("lets a last step overlap", PLANNER.replace("f <= last and first <= l", "f < last and first < l"), "last step counts"),
        WrongAnswer("forgets cache lines", PLANNER.replace("(size + 63) // 64 * 64", "size"), "multiples of a cache line"),
        WrongAnswer("sees no gaps", PLANNER.replace("            if offset + size <= start:\n                break\n", ""), "room"),
        WrongAnswer("takes any gap", PLANNER.replace("offset + size <= start", "offset < start"), "compare the size"),
        WrongAnswer("places by time", PLANNER.replace("(-t[1], t[2], t[0])", "t[2]"), "by size, not by time"),
    ),
)  # fmt: skip

# --- 3: is inlining free? -------------------------------------------------------------------------------

POINTWISE = """
def f(x: f32[8, 16], y: f32[8, 16]):
    t = scratch(f32[8, 16])
    for i in serial(8):
        for j in serial(16):
            t[i, j] = exp(x[i, j])
    for a in serial(8):
        for b in serial(16):
            y[a, b] = t[a, b] * 2.0
"""
BACKWARD = POINTWISE.replace("t[a, b]", "t[7 - a, b]")
PRODUCT = """
def f(x: f32[8, 16], w: f32[16, 4], y: f32[8, 4]):
    t = scratch(f32[8, 16])
    for i in serial(8):
        for j in serial(16):
            t[i, j] = exp(x[i, j])
    for a in serial(8):
        for b in serial(4):
            y[a, b] = 0.0
            for k in serial(16):
                y[a, b] += t[a, k] * w[k, b]
"""
TWO_READERS = (
    POINTWISE.replace("x: f32[8, 16]", "x: f32[8, 16], z: f32[8, 16]")
    + """
    for c in serial(8):
        for d in serial(16):
            z[c, d] = t[c, d] + 1.0
"""
)
HALVES = POINTWISE.replace("x: f32[8, 16]", "x: f32[8, 16], z: f32[8, 8]").replace("serial(16):\n            y", "serial(8):\n            y") + """
    for c in serial(8):
        for d in serial(8):
            z[c, d] = t[c, d + 8]
"""  # fmt: skip
KEPT = POINTWISE.replace("y: f32[8, 16]):\n    t = scratch(f32[8, 16])", "t: f32[8, 16], y: f32[8, 16]):")
ROWS = """
def f(x: f32[8, 16], y: f32[8]):
    t = scratch(f32[8])
    for i in serial(8):
        t[i] = 0.0
        for j in serial(16):
            t[i] += exp(x[i, j])
    for a in serial(8):
        y[a] = t[a]
"""
CHANGED = (
    POINTWISE
    + """
    for c in serial(8):
        for d in serial(16):
            x[c, d] = 0.0
"""
)
CHANGED_EARLY = POINTWISE.replace("    for a", """    for c in serial(8):
        for d in serial(16):
            x[c, d] = 0.0
    for a""")  # fmt: skip
CHANGED_BEFORE = POINTWISE.replace("    for i", """    for c in serial(8):
        for d in serial(16):
            x[c, d] = 0.0
    for i""")  # fmt: skip


def _exponentials(function: Function) -> int:
    """How many a run of the function computes."""
    return sum(
        prod(extent(loop) or 0 for loop in enclosing_loops(function, path))
        for path, statement in walk(function)
        if not isinstance(statement, For)
        for each in expressions(statement)
        if isinstance(each, Call)
    )


def _verdict(function: Function) -> str:
    """What the package does with `t`, and what that costs."""
    schedule = Schedule(function)
    try:
        schedule.inline("t")
    except Refused:
        return "refused"
    return "costs" if _exponentials(schedule.function) > _exponentials(function) else "free"


def _judges(case: str, hint: str, text: str) -> Callable[[Any], None]:
    function = parse(text)
    expected = _verdict(function)

    def check(answer: Callable[[Function, str], str]) -> None:
        found = answer(function, "t")
        require(found == expected, f"{case}: {found!r}, it should be {expected!r}, for{text}", hint)

    return check


VERDICT = """def verdict(function, buffer):
    from math import prod
    from tensor_compiler.access import accesses
    from tensor_compiler.legality import extent

    def runs(access):
        return prod(extent(loop) for loop in access.loops)

    every = list(accesses(function))
    writes = [a for a in every if a.buffer.name == buffer and a.kind != "reads"]
    reads = [a for a in every if a.buffer.name == buffer and a.kind == "reads"]
    if len(writes) != 1:
        return "refused"
    if writes[0].buffer.scope == "parameter":
        return "refused"
    nest = writes[0].path[0]
    inputs = {a.buffer.name for a in every if a.path[0] == nest and a.kind == "reads"}
    if any(a.buffer.name in inputs and a.kind != "reads" and a.path[0] > nest for a in every):
        return "refused"
    return "costs" if sum(map(runs, reads)) > runs(writes[0]) else "free"
"""

JUDGE = Exercise(
    name="inline-verdict",
    task="Say whether a buffer can be inlined, and whether that computes its values more often than now.",
    entry="verdict",
    starter='''def verdict(function, buffer):
    """Return "refused", "costs" or "free" for schedule.inline(buffer), unapplied.

    "costs": values of the buffer would be computed more often than now. function:
    loops of fixed extents, directly in its body. An access has .buffer (.name,
    .scope), .kind ("reads", "writes" or "reduces +"), .loops, the For loops around
    it, and .path, whose first number is the place in the body; extent(loop) is how
    often a loop runs.
    """
    from tensor_compiler.access import accesses
    from tensor_compiler.legality import extent

    touching = [a for a in accesses(function) if a.buffer.name == buffer]
    reads = [a for a in touching if a.kind == "reads"]
    return "costs" if len(reads) > 1 else "free"
''',
    reference=VERDICT,
    properties={
        "element by element": _judges("one reader", "each value is read once", POINTWISE),
        "a product": _judges("a product reads t", "one read in the text may run many times", PRODUCT),
        "two readers": _judges("two loops read t", "every reader computes it again", TWO_READERS),
        "half and half": _judges(
            "two loops read half of t each", "add up how often the reads run, and compare with the store", HALVES
        ),
        "backwards": _judges("t is read backwards", "inlining does not mind the order", BACKWARD),
        "the caller's": _judges("t is a parameter", "the caller wants t", KEPT),
        "a sum": _judges("t is a sum", "inline puts one store's value in place: a sum is several writes", ROWS),
        "an input changes": _judges("x is written at the end", "x is not what it was, or cannot be proved to be", CHANGED),
        "an input changes in between": _judges("x is written before y", "x is not what it was", CHANGED_EARLY),
        "an input changed before": _judges("x is written before t", "what is written before is read all the same", CHANGED_BEFORE),
    },
    wrong=(
        WrongAnswer("counts reads in the text", VERDICT.replace("sum(map(runs, reads)) > runs(writes[0])", "len(reads) > 1"), "many times"),
        WrongAnswer("looks at the busiest reader", VERDICT.replace("sum(map(runs, reads))", "max(map(runs, reads))"), "every reader"),
        WrongAnswer("refuses two readers", VERDICT.replace("return \"costs\" if sum", "return \"costs\" if len(reads) > 1 or sum"), "add up"),
        WrongAnswer("takes the caller's array", VERDICT.replace('scope == "parameter"', 'scope == "none"'), "the caller wants"),
        WrongAnswer("takes a sum for a value", VERDICT.replace("len(writes) != 1", "not writes"), "several writes"),
        WrongAnswer("forgets that inputs change", VERDICT.replace("a.path[0] > nest", "a.path[0] < 0"), "what it was"),
        WrongAnswer("minds what is written before", VERDICT.replace("a.path[0] > nest", "a.path[0] != nest"), "all the same"),
    ),
)  # fmt: skip

EXERCISES = (LIVE, PLAN, JUDGE)
