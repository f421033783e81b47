"""Exercises of the schedule: a split with a guard, the witness of a wrong swap, a tile in registers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cache_simulator import simulate
from graders.exercise import Exercise, WrongAnswer, mutants, require
from tensor_compiler import (
    ExecutionError,
    Function,
    Refused,
    Schedule,
    Unsupported,
    c_source,
    host_target,
    interpret,
    parse,
    show,
)
from tensor_compiler.access import Access, accesses
from tensor_compiler.affine import evaluate
from tensor_compiler.legality import extent
from tensor_compiler.statement import Allocate
from tensor_compiler.traversal import find_loop, walk


def _results(function: Function) -> list[np.ndarray]:
    """The arrays after a run on fixed small integers."""
    random = np.random.default_rng(0)
    arrays = [random.integers(-9, 9, each.extents).astype(each.dtype.storage) for each in function.buffers]
    interpret(function, *arrays)
    return arrays


# --- 1: split with a guard ------------------------------------------------------------------------------


def _splits(loop: str, factor: int, blocks: int, text: str, hint: str) -> Callable[[Any], None]:
    """Compare the answer with the program before, and the loops that it makes with `blocks` and `factor`."""

    def check(split: Callable[..., Function]) -> None:
        after = split(parse(text), loop, factor)
        what = f"'{loop}' split by {factor} gives\n{show(after)}"
        try:
            found = _results(after)
        except ExecutionError as error:
            require(False, f"{error}, in\n{show(after)}", hint)
        require(all(map(np.array_equal, _results(parse(text)), found)), f"another result: {what}", hint)
        counts = [extent(find_loop(after, f"{loop}_{part}")[1]) for part in "oi"]
        wanted = f"'{loop}_o' is to run {blocks} times and '{loop}_i' {factor}, not {counts}: {what}"
        require(counts == [blocks, factor], wanted, hint)

    return check


DOUBLE = "def f(x: s32[{0}], y: s32[{0}]):\n    for i in serial({1}):\n        y[i] = x[i] + x[i]"
TWICE = DOUBLE + "\n        x[i] = y[i] * s32(3)"
INNER = """
def f(A: s32[3, 10]):
    for i in serial(3):
        for j in serial(10):
            A[i, j] = A[i, j] + s32(j)
"""
LOOP = """    from tensor_compiler.expression import Binary, Variable
    from tensor_compiler.simplify import simplify
    from tensor_compiler.statement import For, If
    from tensor_compiler.traversal import find_loop, replace_at, substitute

    path, old = find_loop(function, loop)
    outer, inner = f"{loop}_o", f"{loop}_i"
"""
SPLIT = f"""def split(function, loop, factor):
{LOOP}    blocks = simplify((old.upper - old.lower + factor - 1) // factor)
    at = simplify(old.lower + Variable(outer) * factor + Variable(inner))
    body = tuple(substitute(statement, {{loop: at}}) for statement in old.body)
    body = (If(Binary("<", at, old.upper), body),)
    new = For(outer, 0, blocks, "serial", (For(inner, 0, factor, "serial", body),))
    return replace_at(function, path, (new,))
"""
GUARD = Exercise(
    name="split-guard",
    task="Split a serial loop into blocks; a guard skips what the last block has too many of.",
    entry="split",
    starter=f'''def split(function, loop, factor):
    """function: a Function with the serial loop `loop`; factor: at least 1.

    Return the Function in which `loop` is split into `loop`_o over blocks and `loop`_i, 0 to factor, in a
    block. As many blocks as cover all iterations; an If skips those that the loop did not have.
    """
{LOOP}    blocks = simplify(old.upper // factor)
    at = simplify(Variable(outer) * factor + Variable(inner))
    body = tuple(substitute(statement, {{loop: at}}) for statement in old.body)
    new = For(outer, 0, blocks, "serial", (For(inner, 0, factor, "serial", body),))
    return replace_at(function, path, (new,))
''',
    reference=SPLIT,
    properties={
        "splits into whole blocks": _splits(
            "i", 4, 2, DOUBLE.format(8, 8), "the iteration is factor times the block plus the place in it"
        ),
        "skips what is too much": _splits(
            "i",
            4,
            3,
            DOUBLE.format(10, 10),
            "count the blocks rounded up, and guard with the old upper bound",
        ),
        "begins where the loop began": _splits(
            "i", 3, 2, DOUBLE.format(9, "4, 9"), "the first iteration is the lower bound of the loop"
        ),
        "splits the whole body": _splits(
            "i", 4, 2, TWICE.format(8, 8), "each statement of the body uses the old variable"
        ),
        "splits a loop in a loop": _splits(
            "j", 4, 3, INNER, "put the new loops at the path of the old one, in the function"
        ),
    },
    wrong=mutants(
        SPLIT,
        ("drops the rest", " + factor - 1) // factor", ") // factor", "rounded up"),
        ("leaves the guard out", 'body = (If(Binary("<", at, old.upper), body),)', "pass", "rounded up"),
        ("guards one too many", 'Binary("<"', 'Binary("<="', "old upper bound"),
        ("begins at 0", "simplify(old.lower + Var", "simplify(Var", "lower bound of the loop"),
        (
            "rewrites one statement",
            "for statement in old.body)",
            "for statement in old.body[:1])",
            "each stat",
        ),
        ("steps by 1", "Variable(outer) * factor", "Variable(outer)", "factor times"),
    ),
)

# --- 2: the witness of a wrong swap ---------------------------------------------------------------------


At = tuple[int, ...]  # an iteration


def _conflict(one: Access, at: At, other: Access, then: At) -> bool:
    """Whether two accesses in two iterations touch one element in an order that counts."""
    if one.buffer != other.buffer or one.kind == other.kind != "writes":
        return False
    here, there = (dict(zip(one.names, values, strict=True)) for values in (at, then))
    pairs = zip(one.indices, other.indices, strict=True)
    return all(evaluate(index, here) == evaluate(met, there) for index, met in pairs)


def _finds(statement: str, legal: bool, hint: str) -> Callable[[Any], None]:
    """Whether the answer finds a witness for two loops around `statement` if there is one, and a real one."""
    loops = "    for i in serial(6):\n        for j in serial(6):\n"
    text = f"\ndef f(A: s32[20, 20], B: s32[20]):\n{loops}            {statement}\n"

    def check(witness: Callable[..., Any]) -> None:
        function = parse(text)
        found = witness(function, "i", "j")
        if legal:
            require(found is None, f"the loops may be swapped, but it finds {found} in{text}", hint)
            return
        require(found is not None, f"the loops may not be swapped, and it finds no witness in{text}", hint)
        first, then = (tuple(map(int, at)) for at in found)
        require(
            first[0] < then[0] and first[1] > then[1],
            f"{first} comes before {then} in both orders, in{text}",
            hint,
        )
        touching = accesses(function)
        pairs = itertools.product(touching, repeat=2)
        real = any(_conflict(one, first, other, then) for one, other in pairs)
        require(real, f"{first} and {then} do not need their order, in{text}", hint)

    return check


ELEMENTS = """    import itertools
    from tensor_compiler.access import accesses
    from tensor_compiler.affine import evaluate
    from tensor_compiler.traversal import find_loop

    def values(loop):
        found = find_loop(function, loop)[1]
        return range(evaluate(found.lower, {}), evaluate(found.upper, {}))

    def element(access, at):
        return access.buffer.name, [evaluate(index, dict(at)) for index in access.indices]
"""
WITNESS = f"""def witness(function, outer, inner):
{ELEMENTS}
    def ordered(one, other):
        if one.kind == other.kind == "reads":
            return False
        return not (one.kind == other.kind and one.kind.startswith("reduces"))

    touching = accesses(function)
    pairs = [(a, b) for a in touching for b in touching if ordered(a, b)]
    iterations = list(itertools.product(values(outer), values(inner)))
    for first, then in itertools.product(iterations, repeat=2):
        if first[0] < then[0] and first[1] > then[1]:
            here, there = (tuple(zip((outer, inner), at)) for at in (first, then))
            if any(element(a, here) == element(b, there) for a, b in pairs):
                return first, then
    return None
"""
SWAP = Exercise(
    name="swap-witness",
    task="Find two iterations that forbid to swap two loops, or show by trying all that there are none.",
    entry="witness",
    starter=f'''def witness(function, outer, inner):
    """function: two serial loops with bounds that are numbers, `inner` all that `outer` holds.

    Return two iterations ((i, j), (k, l)) that run in this order before a swap and in the other one after it,
    although they touch one element in a way that needs an order; None if there are none.
    """
{ELEMENTS}
    touching = accesses(function)  # each has a kind: "reads", "writes", "reduces +", "reduces max", ...
    iterations = list(itertools.product(values(outer), values(inner)))
    for first, then in itertools.combinations(iterations, 2):
        here, there = (tuple(zip((outer, inner), at)) for at in (first, then))
        if any(element(a, here) == element(b, there) for a in touching for b in touching):
            return first, then
    return None
''',
    reference=WITNESS,
    properties={
        "lets independent iterations go": _finds("A[i, j] = B[i + j]", True, "two reads need no order"),
        "lets an order stay that stays": _finds(
            "A[i + 1, j] = A[i, j] + B[j]",
            True,
            "a swap turns two iterations around only if the first is ahead in one loop and behind in the other",
        ),
        "finds a read that comes too late": _finds(
            "A[i + 1, j] = A[i, j + 1]", False, "a write and a read of one element need their order"
        ),
        "finds a read that comes too early": _finds("A[i, j + 1] = A[i + 1, j]", False, "the read may be first"),
        "finds two writes": _finds("B[i + j] = A[i, 19 - j]", False, "the last of two writes stays"),
        "lets sums go": _finds("B[i + j] += A[i, j]", True, "sums of one operator take any order"),
        "keeps a sum from its reads": _finds("B[i + j] += B[i + j + 2]", False, "a sum needs its order to a read"),
        "tells the buffers apart": _finds("B[i + j] += A[i + j, 0] * B[19]", True, "an element is one of a buffer"),
    },
    wrong=mutants(
        WITNESS,
        ("orders reads", 'one.kind == other.kind == "reads"', "False", "two reads"),
        (
            "takes any two iterations",
            "if first[0] < then[0] and first[1] > then[1]:",
            "if first < then:",
            "ahead in one loop",
        ),
        ("looks for writes only", 'one.kind == other.kind == "reads"', 'one.kind != "writes" or other.kind '
         '!= "writes"', "a write and a read"),
        ("expects the write first", "if ordered(a, b)]", 'if ordered(a, b) and a.kind != "reads"]', "be first"),
        ("orders sums", 'one.kind.startswith("reduces"))', "False)", "any order"),
        ("frees every reduction", "one.kind == other.kind and one.kind.startswith",
         '"reduces" in one.kind + other.kind and str', "its order to a read"),
    ),
)  # fmt: skip

# --- 3: a tile in registers -----------------------------------------------------------------------------

PRODUCT = """
def matmul(A: f32[64, 64], B: f32[64, 64], C: f32[64, 64]):
    for i in serial(64):
        for j in serial(64):
            C[i, j] = 0.0
            for k in serial(64):
                C[i, j] += A[i, k] * B[k, j]
"""
REGISTERS, TOUCHES = 300, 40_000


def _scheduled(tile: Callable[[Schedule], Any]) -> Function:
    schedule = Schedule(parse(PRODUCT))
    try:
        tile(schedule)
    except Refused as refusal:
        require(False, f"a step is refused: {refusal}", "read the marked lines and the hint of the refusal")
    return schedule.function


def _product(tile: Callable[[Schedule], Any]) -> None:
    """The function is still the product, whatever happened to the schedule."""
    function = _scheduled(tile)
    arrays = [np.random.default_rng(0).integers(-4, 5, (64, 64)).astype(np.float32) for _ in "ABC"]
    interpret(function, *arrays)
    same = np.array_equal(arrays[2], arrays[0] @ arrays[1])
    require(same, f"it is no product any more:\n{show(function)}", "change it through the steps alone")


def _fits(tile: Callable[[Schedule], Any]) -> None:
    function = _scheduled(tile)
    allocated = [each.buffer for _, each in walk(function) if isinstance(each, Allocate)]
    elsewhere = [buffer.name for buffer in allocated if buffer.scope != "registers"]
    require(not elsewhere, f"{elsewhere} are in memory", "give the copies the scope registers")
    numbers = sum(math.prod(buffer.extents) for buffer in allocated)
    hint = "count what the copies of a tile, of its row of B and of its column of A hold together"
    require(numbers <= REGISTERS, f"{numbers} numbers are in registers, more than {REGISTERS}", hint)


def _reuses(tile: Callable[[Schedule], Any]) -> None:
    touches = simulate(_scheduled(tile)).touches.total()
    hint = (
        "copy what one k reads of A and of B; for rows x columns the reads are 64^3 (1 / rows + 1 / columns)"
    )
    require(touches <= TOUCHES, f"{touches:,} touches, more than {TOUCHES:,}", hint)


def _compiles(tile: Callable[[Schedule], Any]) -> None:
    function = _scheduled(tile)
    try:
        c_source(function, host_target())
    except Unsupported as error:
        hint = "registers have no addresses: unroll or vectorize all loops that index them"
        require(False, f"{error}", hint)


TILE = """def tile(schedule):
    i_o, j_o, i_i, j_i = schedule.tile(["i", "j"], [16, 16])
    rows, columns = schedule.decompose_reduction("k", i_i)
    schedule.reorder("k", i_i, j_i)
    out_rows, out_columns = schedule.cache_write("C", j_o)
    (column,) = schedule.cache_read("A", "k", "registers")
    (row,) = schedule.cache_read("B", "k", "registers")
    schedule.unroll(i_i, rows, out_rows, column)
    schedule.vectorize(j_i, columns, out_columns, row)
"""
REGISTER_TILE = Exercise(
    name="register-tile",
    task=f"Schedule a product of 64 x 64 so that it touches memory at most {TOUCHES:,} times.",
    entry="tile",
    starter=f'''def tile(schedule):
    """schedule: Schedule of the product of 64 x 64, C[i, j] += A[i, k] * B[k, j] in loops i, j, k.

    Apply steps until the program touches elements in memory at most {TOUCHES:,} times, with at most
    {REGISTERS} numbers in registers at a time, and can be written in C.
    """
    i_o, j_o, i_i, j_i = schedule.tile(["i", "j"], [8, 32])
    schedule.decompose_reduction("k", i_i)
    schedule.reorder("k", i_i, j_i)
    schedule.cache_write("C", j_o)
''',
    reference=TILE,
    properties={
        "is still the product": _product,
        "fits into the registers": _fits,
        "touches memory seldom": _reuses,
        "can be written in C": _compiles,
    },
    wrong=(
        *mutants(
            TILE,
            ("keeps the long tile", "[16, 16]", "[8, 32]", "rows x columns"),
            ("takes a tile that does not fit", "[16, 16]", "[32, 32]", "hold together"),
            ("copies to the stack", '"C", j_o)', '"C", j_o, "stack")', "scope registers"),
            ("leaves a loop over registers", "(i_i, rows, out_rows, column)", "(i_i, rows, column)", "no addr"),
            ("moves k out too early", '    rows, columns = schedule.decompose_reduction("k", i_i)\n', "",
             "marked lines"),
        ),
        WrongAnswer(
            "copies C alone",
            "\n".join(line for line in TILE.splitlines() if "cache_read" not in line)
            .replace(", column)", ")").replace(", row)", ")"),
            "rows x columns",
        ),
        WrongAnswer(
            "changes the program behind the steps",
            TILE + "    from dataclasses import replace\n"
            "    schedule.history = (replace(schedule.function, body=schedule.function.body[:0]),)\n",
            "through the steps",
        ),
    ),
    seconds=60.0,
)  # fmt: skip

EXERCISES = (GUARD, SWAP, REGISTER_TILE)
