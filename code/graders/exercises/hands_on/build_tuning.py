"""Exercises of tuning: a verdict that may be a tie, a rule with choices, the record that may be used."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, mutants, require
from tensor_compiler import Function, interpret, parse, show
from tensor_compiler.pipeline import NO_MACHINE
from tensor_compiler.rules.nest import divisor
from tensor_compiler.tuning import Candidate, Record, Space
from tensor_compiler.tuning.record import best

# --- 1: faster, slower, tie ----------------------------------------------------------------------------


def _pairs(ratio: float, noise: float, count: int, seed: int) -> list[tuple[float, float]]:
    """Seconds of a candidate and of the incumbent beside it, on a machine that gets slower and slower."""
    draw = random.Random(seed)
    drift = [0.001 * 1.05**n for n in range(count)]
    return [(base * ratio * (1 + draw.gauss(0, noise)), base * (1 + draw.gauss(0, noise))) for base in drift]


def _says(expected: str, what: str, pairs: Sequence[tuple[float, float]], hint: str) -> Callable[[Any], None]:
    def check(verdict: Callable[..., Any]) -> None:
        found = verdict(list(pairs))
        require(found == expected, f"{what}: it says {found!r}, not {expected!r}", hint)

    return check


def _ties_with_itself(verdict: Callable[..., Any]) -> None:
    found = [verdict(_pairs(1.0, 0.05, 15, seed)) for seed in range(200)]
    others = sum(each != "tie" for each in found)
    require(
        others <= 10,
        f"of 200 programs that were timed against themselves it calls {others} faster or slower",
        "equal programs differ too: how many pairs on one side are too many for chance?",
    )


DISTURBED = [(0.090, 0.1), (5.0, 0.1), *_pairs(0.9, 0.01, 20, 1)]
VERDICT = """def verdict(pairs):
    from math import comb

    wins = sum(candidate < incumbent for candidate, incumbent in pairs)
    losses = sum(candidate > incumbent for candidate, incumbent in pairs)
    count, most = wins + losses, max(wins, losses)
    chance = 2 * sum(comb(count, n) for n in range(most, count + 1)) / 2**count
    if chance > 0.01:
        return "tie"
    return "faster" if wins > losses else "slower"
"""
TIE = Exercise(
    name="tie-or-not",
    task="Say whether a candidate is faster than the incumbent, slower, or tied.",
    entry="verdict",
    starter='''def verdict(pairs):
    """pairs: (seconds of the candidate, of the incumbent), one right after the other.

    Return "faster" or "slower" if chance explains what the pairs show in less than
    one case of a hundred, else "tie".
    """
    candidate = sum(pair[0] for pair in pairs)
    incumbent = sum(pair[1] for pair in pairs)
    return "faster" if candidate < incumbent else "slower"
''',
    reference=VERDICT,
    properties={
        "sees a clear win": _says(
            "faster", "for twenty pairs around 0.5", _pairs(0.5, 0.02, 20, 0), "below 1 is faster"
        ),
        "sees a clear loss": _says(
            "slower", "for twenty pairs around 2", _pairs(2.0, 0.02, 20, 0), "above 1 is slower"
        ),
        "is not led by one disturbed pair": _says(
            "faster",
            "for 21 pairs around 0.9 and one in which something else ran",
            DISTURBED,
            "one pair is one vote, however far away it lies",
        ),
        "sees a small win that many pairs show": _says(
            "faster",
            "for forty pairs around 0.95 with noise of 0.025",
            _pairs(0.95, 0.025, 40, 3),
            "a difference that nearly all pairs show is no noise, however small it is",
        ),
        "ties with itself": _ties_with_itself,
        "does not decide on three pairs": _says(
            "tie",
            "for three pairs around 0.9",
            _pairs(0.9, 0.01, 3, 4),
            "three pairs agree by chance in one case of four",
        ),
    },
    wrong=(
        WrongAnswer(
            "compares means",
            "def verdict(pairs):\n    mine, its = map(sum, zip(*pairs))\n"
            "    return 'tie' if abs(mine / its - 1) < 0.03 else 'faster' if mine < its else 'slower'\n",
            "one vote",
        ),
        WrongAnswer(
            "asks that all pairs agree",
            "def verdict(pairs):\n    if all(a < b for a, b in pairs):\n        return 'faster'\n"
            "    return 'slower' if all(a > b for a, b in pairs) else 'tie'\n",
            "one vote",
        ),
        WrongAnswer(
            "calls everything below a tenth noise",
            VERDICT.replace(
                "    if chance",
                "    middle = sorted(a / b for a, b in pairs)[len(pairs) // 2]\n"
                "    if 0.901 < middle < 1.1:\n        return 'tie'\n    if chance",
            ),
            "however small",
        ),
        WrongAnswer(
            "takes the median without its interval",
            "def verdict(pairs):\n    middle = sorted(a / b for a, b in pairs)[len(pairs) // 2]\n"
            "    return 'faster' if middle < 1 else 'slower'\n",
            "too many for chance",
        ),
        WrongAnswer(
            "takes the quickest of each",
            "def verdict(pairs):\n    mine, its = map(min, zip(*pairs))\n"
            "    return 'faster' if mine < its else 'slower'\n",
            "too many for chance",
        ),
        WrongAnswer(
            "trusts few pairs",
            VERDICT.replace("if chance > 0.01", "if chance > 0.01 and count > 3"),
            "one case of four",
        ),
    ),
)

# --- 2: a rule with choice points ------------------------------------------------------------------------

PRODUCT = """
def product(A: f32[{m}, 3], B: f32[3, 32], C: f32[{m}, 32]):
    for i in serial({m}):
        for j in serial(32):
            C[i, j] = 0.0
            for k in serial(3):
                C[i, j] += A[i, k] * B[k, j]
"""


def _candidates(rule: Callable[..., None], rows: int) -> tuple[Function, list[Candidate]]:
    """The product of so many rows, and all candidates of the rule for it."""
    function = parse(PRODUCT.format(m=rows))
    space, found = Space(function, rule, NO_MACHINE), list[Candidate]()
    while taken := space.take(lambda name, options: options[0]):
        found += taken
    return function, found


def _asks(rule: Callable[..., None]) -> None:
    _, found = _candidates(rule, 8)
    require(
        len(found) > 1,
        f"for 8 rows it leads to {len(found)} candidate",
        "a search can change only what the rule asks: choose(name, options)",
    )


def _offers_what_is_legal(rule: Callable[..., None]) -> None:
    for rows in (8, 12, 7):
        for each in _candidates(rule, rows)[1]:
            require(
                not each.refusal,
                f"for {rows} rows the choices {each.choices} are refused: {each.refusal}",
                "offer factors that divide how often the loop runs",
            )


def _offers_all(rule: Callable[..., None]) -> None:
    for rows in (8, 12, 7):
        expected = [n for n in range(1, 9) if divisor(rows, n) == n]
        found = sorted({each.choices.get("rows") for each in _candidates(rule, rows)[1]}, key=str)
        require(
            found == expected,
            f"for {rows} rows it offers {found} as 'rows', not {expected}",
            "what is not offered is never found",
        )


def _asks_where_it_matters(rule: Callable[..., None]) -> None:
    for each in _candidates(rule, 12)[1]:
        asked = set(each.choices) - {"rows"}
        wanted = {"order"} if each.choices["rows"] > 1 else set()
        require(
            asked == wanted,
            f"with rows = {each.choices['rows']} it asks {sorted(asked)}, not {sorted(wanted)}",
            "a loop that runs once has no order: ask only where the answer matters",
        )


def _makes_different_programs(rule: Callable[..., None]) -> None:
    seen: dict[str, dict[str, Any]] = {}
    for each in _candidates(rule, 12)[1]:
        other = seen.setdefault(show(each.schedule.function), each.choices)
        require(
            other is each.choices,
            f"the choices {other} and {each.choices} lead to one program",
            "an answer that changes nothing is measured twice",
        )


def _computes(rule: Callable[..., None]) -> None:
    draw = np.random.default_rng(0)
    A, B = (draw.standard_normal(shape).astype(np.float32) for shape in ((12, 3), (3, 32)))
    for each in _candidates(rule, 12)[1]:
        C = np.full((12, 32), np.nan, np.float32)
        interpret(each.schedule.function, A, B, C)
        wrong = not np.allclose(C, A @ B, rtol=1e-4, atol=1e-5)
        require(
            not wrong, f"the choices {each.choices} do not give the product", "only proved steps are safe"
        )
        require(
            "vectorized(" in show(each.schedule.function),
            f"the choices {each.choices} make no vectors",
            "the columns of a tile lie side by side in memory: vectorize their loop",
        )


RULE = """def tiles(schedule, target, choose):
    from tensor_compiler.rules.nest import length

    i, j, k = schedule.loops
    runs = length(schedule, i)
    rows = choose("rows", [n for n in range(1, 9) if runs % n == 0])
    order = choose("order", ("k outside", "rows outside")) if rows > 1 else "k outside"
    _, _, i_i, j_i = schedule.tile((i, j), (rows, 16))
    schedule.decompose_reduction(k, i_i)
    if order == "k outside":
        schedule.reorder(k, i_i, j_i)
    else:
        schedule.reorder(k, j_i)
    schedule.vectorize(j_i)
"""
TUNABLE = Exercise(
    name="tunable-rule",
    task="Write a rule for matrix products that leaves a tile's rows and order open.",
    entry="tiles",
    starter='''def tiles(schedule, target, choose):
    """schedule: the loops i, j, k of a product, j running a multiple of 16 times.

    Tile i and j by rows and 16, let the zeros have loops of their own, vectorize the
    columns of the tile. Ask "rows": all numbers up to 8 that divide how often i runs.
    Ask "order": whether k runs outside of the rows of the tile, or they outside of k.
    choose(name, options) gives one of the options.
    """
    i, j, k = schedule.loops
    _, _, i_i, j_i = schedule.tile((i, j), (1, 16))
    schedule.decompose_reduction(k, i_i)
    schedule.reorder(k, i_i, j_i)
    schedule.vectorize(j_i)
''',
    reference=RULE,
    properties={
        "leaves choices open": _asks,
        "offers what is legal": _offers_what_is_legal,
        "offers all that is legal": _offers_all,
        "asks only where it matters": _asks_where_it_matters,
        "makes a program of its own for each answer": _makes_different_programs,
        "computes the product, in vectors": _computes,
    },
    wrong=mutants(
        RULE,
        (
            "takes the largest tile",
            'choose("rows", [n for n in range(1, 9) if runs % n == 0])',
            "max(n for n in range(1, 9) if runs % n == 0)",
            "never found",
        ),
        ("offers any tile", " if runs % n == 0]", "]", "factors that divide"),
        ("offers powers of two", "range(1, 9) if", "(1, 2, 4, 8) if", "never found"),
        ("asks for the order of one row", ' if rows > 1 else "k outside"', "", "runs once has no order"),
        ("forgets the answer", 'if order == "k outside"', "if order", "measured twice"),
        ("leaves the columns scalar", "    schedule.vectorize(j_i)\n", "", "vectorize their loop"),
    ),
)

# --- 3: the record that may be used here -----------------------------------------------------------------

HERE = Record("product 12ab", "a quiet machine", "gcc 12", 1, {"rows": 8}, [], "faster", 0.0030, [], "")
FIRST = replace(HERE, choices={"rows": 1}, verdict="first", seconds=0.0160)


def _picks(what: str, *more: Record, hint: str) -> Callable[[Any], None]:
    """Compare the answer with the package, on two records from here and some more, in any order."""

    def check(usable: Callable[..., Any]) -> None:
        place = HERE.place
        for seed in range(4):
            records = random.Random(seed).sample([FIRST, HERE, *more], 2 + len(more))
            expected = best([each for each in records if each.place == place])
            found = usable([asdict(each) for each in records], asdict(place))
            wanted = asdict(expected) if expected else None
            require(found == wanted, f"with {what} it returns {_brief(found)}, not {_brief(wanted)}", hint)

    return check


def _brief(record: Any) -> str:
    if not isinstance(record, dict):
        return repr(record)
    return ", ".join(f"{name} {record.get(name)}" for name in ("verdict", "seconds", "threads", "compiler"))


def _finds_none(usable: Callable[..., Any]) -> None:
    foreign = replace(HERE, machine="another machine")
    for records in ([], [foreign], [replace(HERE, verdict="slower")]):
        found = usable([asdict(each) for each in records], asdict(HERE.place))
        require(
            found is None,
            f"of {len(records)} records, none of which is a winner here, it returns {_brief(found)}",
            "without a winner there is nothing to use: the rule of the package takes over",
        )


USABLE = """def usable(records, here):
    def fits(record):
        same = all(record[field] == value for field, value in here.items())
        return same and record["verdict"] in ("first", "faster")

    return min(filter(fits, records), key=lambda record: record["seconds"], default=None)
"""
FAIR = Exercise(
    name="fair-winner",
    task="Return the record whose schedule may be used here, or None.",
    entry="usable",
    starter='''def usable(records, here):
    """records: dictionaries that hold, among others, a verdict and seconds.

    They hold workload, machine, compiler and threads too; here is the same four of this
    program. The verdicts are first, faster, slower, tie, wrong, failed and refused; the
    last three have 0 seconds. Return one of the records, or None.
    """
    return min(records, key=lambda record: record["seconds"])
''',
    reference=USABLE,
    properties={
        "takes the fastest": _picks(
            "a slower one",
            replace(HERE, verdict="slower", seconds=0.02),
            hint="the fastest has the fewest seconds",
        ),
        "takes nothing that is wrong": _picks(
            "one that gives wrong numbers and one that a primitive refused",
            replace(HERE, verdict="wrong", seconds=0.0),
            replace(HERE, verdict="refused", seconds=0.0),
            hint="what computes something else, or nothing, takes no time",
        ),
        "takes no tie": _picks(
            "a tie of fewer seconds",
            replace(HERE, verdict="tie", seconds=0.0029),
            hint="a tie is not known to be faster: its seconds are luck",
        ),
        "compares the same work": _picks(
            "a record of a smaller product",
            replace(HERE, workload="product 34cd", seconds=0.0001),
            hint="a smaller workload is not a faster schedule",
        ),
        "compares equal numbers of threads": _picks(
            "a record on two threads",
            replace(HERE, threads=2, seconds=0.0016),
            hint="two threads are not a faster schedule for one",
        ),
        "stays on the machine": _picks(
            "records of another machine and of another compiler",
            replace(HERE, machine="another machine", seconds=0.0020),
            replace(HERE, compiler="clang 19", seconds=0.0021),
            hint="machine and compiler made these seconds too",
        ),
        "finds none": _finds_none,
    },
    wrong=mutants(
        USABLE,
        (
            "takes what has no time",
            'record["verdict"] in ("first", "faster")',
            'record["verdict"] not in ("slower", "tie")',
            "takes no time",
        ),
        ("takes ties for wins", '"faster")', '"faster", "tie")', "luck"),
        ("forgets the work", "in here.items()", 'in here.items() if field != "workload"', "smaller workload"),
        ("forgets the threads", "in here.items()", 'in here.items() if field != "threads"', "two threads"),
        (
            "forgets the compiler",
            "in here.items()",
            'in here.items() if field != "compiler"',
            "made these seconds",
        ),
        (
            "always finds one",
            "default=None)",
            "default=records and records[0])",
            "nothing to use",
        ),
    ),
)

EXERCISES = (TIE, TUNABLE, FAIR)
