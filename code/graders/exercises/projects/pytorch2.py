"""Exercises of PyTorch 2: pieces at graph breaks, loops that may be fused, what a training step saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from graders.exercise import Exercise, mutants, require

# --- 1: pieces at graph breaks --------------------------------------------------------------------------

Line = tuple[str | None, str, tuple[str, ...]]
PYTHON = {"print", "append", "item"}

SPLIT = """def split(program, python_only, result):
    pieces = []
    for line in program:
        kind = "python" if line[1] in python_only else "graph"
        if not pieces or pieces[-1][0] != kind:
            pieces.append((kind, []))
        pieces[-1][1].append(line)
    found = []
    for number, (kind, lines) in enumerate(pieces):
        reads, made = set(), set()
        for target, _, operands in lines:
            reads |= set(operands) - made
            made |= {target} - {None}
        later = {result}
        for _, rest in pieces[number + 1:]:
            later |= {name for _, _, operands in rest for name in operands}
        found.append((kind, lines, sorted(reads), sorted(made & later)))
    return found
"""


def _splits(case: str, program: Sequence[Line], result: str) -> Callable[[Any], None]:
    """The pieces are in order, as long as they can be, and carry what is needed and no more."""

    def check(answer: Callable[..., Any]) -> None:
        found = [tuple(piece) for piece in answer(list(program), set(PYTHON), result)]
        names: dict[str, Any] = {}
        exec(SPLIT, names)
        expected = names["split"](list(program), set(PYTHON), result)
        pieces = [(kind, len(lines)) for kind, lines, *_ in found]
        right = [(kind, len(lines)) for kind, lines, *_ in expected]
        require(
            pieces == right,
            f"{case}: the pieces are {pieces}, where {right} is right",
            "neighbours of one kind share a piece",
        )
        lines = [line for piece in found for line in piece[1]]
        require(lines == list(program), f"{case}: the lines are not those of the program, in its order")
        for number, (mine, correct) in enumerate(zip(found, expected, strict=True)):
            _compare(f"{case}: piece {number} reads", mine[2], correct[2], _READS, _READS)
            lacking = "the caller still wants the result" if number + 1 == len(found) else _LATER
            _compare(f"{case}: piece {number} returns", mine[3], correct[3], _MORE, lacking)

    return check


_READS = "a piece takes from before what it reads and does not make itself"
_MORE = "a piece returns what is read after it, or is the result, and nothing else"
_LATER = "every later piece may read what this one makes, and the result may be made early"


def _compare(what: str, mine: Sequence[str], right: Sequence[str], more: str, less: str) -> None:
    lacks = set(right) - set(mine)
    require(
        list(mine) == list(right),
        f"{what} {list(mine)}, where {list(right)} is right",
        less if lacks else more,
    )


_PLAIN: list[Line] = [("h", "mul", ("x", "x")), ("y", "add", ("h", "x"))]
_PRINTED: list[Line] = [
    ("h", "mul", ("x", "x")),
    ("m", "max", ("h",)),
    ("e", "exp", ("h",)),
    (None, "print", ("m",)),
    ("y", "add", ("h", "x")),
]
_FAR: list[Line] = [
    ("a", "mul", ("x", "x")),
    ("n", "item", ("a",)),
    ("b", "exp", ("x",)),
    (None, "append", ("b",)),
    ("y", "add", ("a", "n")),
]
_TWO_IN_A_ROW: list[Line] = [
    ("a", "mul", ("x", "g")),
    ("n", "item", ("a",)),
    (None, "print", ("n",)),
    ("y", "add", ("a", "x")),
    ("z", "exp", ("y",)),
]
_EARLY: list[Line] = [("y", "mul", ("x", "x")), (None, "print", ("x",))]

BREAKS = Exercise(
    name="split-at-breaks",
    task="Cut a program at the lines that only Python can run, and say what goes from piece to piece.",
    entry="split",
    starter='''def split(program, python_only, result):
    """program: lines (target, operation, operands); a line that returns nothing has target None.

    Each name is assigned once. Lines whose operation is in python_only run in Python, the
    others in graphs. Return the pieces in order, each (kind, lines, reads, returns): kind
    is "graph" or "python", reads are the names it takes from before, returns those it made
    that are still needed after it; both sorted.
    """
    pieces, made = [], []
    for line in program:
        kind = "python" if line[1] in python_only else "graph"
        made = sorted({*made, line[0]} - {None})
        pieces.append((kind, [line], sorted(line[2]), made))
    return pieces
''',
    reference=SPLIT,
    properties={
        "no break": _splits("two graph lines", _PLAIN, "y"),
        "a print in the middle": _splits("a print", _PRINTED, "y"),
        "a value that is read much later": _splits("a value that skips a piece", _FAR, "y"),
        "two lines of Python": _splits("two lines of Python", _TWO_IN_A_ROW, "z"),
        "a result that is made early": _splits("a print at the end", _EARLY, "y"),
    },
    wrong=mutants(
        SPLIT,
        ("a piece per line", "not pieces or pieces[-1][0] != kind", "True", "share a piece"),
        ("reads what it makes itself", "set(operands) - made", "set(operands)", "does not make itself"),
        (
            "looks at the next piece alone",
            "pieces[number + 1:]",
            "pieces[number + 1:number + 2]",
            "every later",
        ),
        ("returns all that it makes", "made & later", "made", "nothing else"),
        ("forgets the result", "later = {result}", "later = set()", "wants the result"),
    ),
)

# --- 2: loops that may be fused -------------------------------------------------------------------------

MAY_FUSE = """def may_fuse(first, second, extents):
    from itertools import product

    class Notes:
        def __init__(self):
            self.loads, self.stores = set(), set()

        def load(self, name, index):
            self.loads.add((name, index))

        def store(self, name, index, value):
            self.stores.add((name, index))

        def __getattr__(self, operation):
            return lambda *operands: None

    runs = []
    for index in product(*map(range, extents)):
        one, other = Notes(), Notes()
        first(index, one)
        second(index, other)
        runs.append((one, other))
    for here, (_, b) in enumerate(runs):
        for there, (a, _) in enumerate(runs):
            if here != there:
                if b.loads & a.stores or b.stores & a.loads or b.stores & a.stores:
                    return False
    return True
"""

Body = Callable[[tuple[int, ...], Any], None]


def _square(index: tuple[int, ...], ops: Any) -> None:
    x = ops.load("x", index)
    ops.store("h", index, ops.mul(x, x))


def _reads(place: Callable[..., tuple[int, ...]], name: str = "h", into: str = "y") -> Body:
    def body(index: tuple[int, ...], ops: Any) -> None:
        ops.store(into, index, ops.add(ops.load(name, place(*index)), ops.constant(1.0)))

    return body


def _in_place(index: tuple[int, ...], ops: Any) -> None:
    i, j = index
    ops.store("x", ((i + 1) % 3, j), ops.load("h", index))


def _overwrites(index: tuple[int, ...], ops: Any) -> None:
    i, j = index
    ops.store("h", ((i + 1) % 3, j), ops.load("x", index))


def _fuses(case: str, hint: str, expected: bool, second: Body) -> Callable[[Any], None]:
    def check(answer: Callable[..., Any]) -> None:
        found = answer(_square, second, (3, 4))
        said = {True: "may be fused", False: "may not be fused"}
        require(
            found is expected,
            f"{case}: it returns {found!r}, but the loops {said[expected]}",
            hint,
        )

    return check


FUSE = Exercise(
    name="may-fuse",
    task="Decide from two loop bodies whether one loop can do the work of both.",
    entry="may_fuse",
    starter='''def may_fuse(first, second, extents):
    """first, second: functions body(index, ops) that do one step of a loop over extents.

    index is a tuple of ints. A body calls ops.load(name, index), ops.store(name, index,
    value) and any other operation, such as ops.mul(a, b). Return True if a loop that runs
    both bodies at each index, the first before the second and the indices in any order,
    does what the two loops do one after the other, else False.
    """
    return True
''',
    reference=MAY_FUSE,
    properties={
        "the same element": _fuses("y[i, j] from h[i, j]", "what was just computed may be read", True,
                                   _reads(lambda i, j: (i, j))),
        "the transposed element": _fuses("y[i, j] from h[j, i]", "which step computes what is read?", False,
                                         _reads(lambda i, j: (j % 3, i))),
        "another array": _fuses("y[i, j] from x[i, 3 - j]", "only what the first loop writes matters", True,
                                _reads(lambda i, j: (i, 3 - j), "x")),
        "one column for all": _fuses("y[i, j] from h[i, 0]", "which step computes what is read?", False,
                                     _reads(lambda i, j: (i, 0))),
        "the same place, written differently": _fuses(
            "y[i, j] from h[(2 * i) // 2, j]", "compare places, not formulas", True,
            _reads(lambda i, j: ((2 * i) // 2, j))),
        "other only at the end": _fuses("y[i, j] from h[i, min(j, 2)]", "try every index", False,
                                        _reads(lambda i, j: (i, min(j, 2)))),
        "a write to what the first reads": _fuses(
            "x[i + 1, j] written from h[i, j]", "the first loop has not read all of x yet", False, _in_place),
        "two writes to one place": _fuses(
            "both loops write h, the second one row further", "which of two writes is the last?", False, _overwrites),
    },
    wrong=mutants(
        MAY_FUSE,
        ("tries one index", "product(*map(range, extents))", "[(0,) * len(extents), (1, 1)]", "which step"),
        ("lets nobody read", "here != there", "True", "just computed"),
        ("forgets the names", "self.loads.add((name, index))", "self.loads.add((\"h\", index))", "only what"),
        ("forgets what the first still reads", "b.stores & a.loads or ", "", "not read all"),
        ("forgets two writes", " or b.stores & a.stores", "", "the last"),
    ),
)  # fmt: skip

# --- 3: what a training step saves ----------------------------------------------------------------------

Graph = Mapping[str, tuple[int, tuple[str, ...], bool]]

CHOOSE = """def choose(graph, needed):
    from itertools import combinations

    def suffices(saved):
        def there(name):
            _, operands, again = graph[name]
            if not operands or name in saved:
                return True
            return again and all(there(each) for each in operands)
        return all(there(name) for name in needed)

    names = [name for name, (_, operands, _) in graph.items() if operands]
    sets = [set(c) for n in range(len(names) + 1) for c in combinations(names, n)]
    return min(filter(suffices, sets), key=lambda saved: sum(graph[n][0] for n in saved))
"""


def _available(graph: Graph, saved: set[str], name: str) -> bool:
    _, operands, again = graph[name]
    if not operands or name in saved:
        return True
    return again and all(_available(graph, saved, each) for each in operands)


def _fewest(graph: Graph, needed: Sequence[str]) -> int:
    names = [name for name, (_, operands, _) in graph.items() if operands]
    sizes = [
        sum(graph[name][0] for name in chosen)
        for count in range(len(names) + 1)
        for chosen in combinations(names, count)
        if all(_available(graph, set(chosen), name) for name in needed)
    ]
    return min(sizes)


def _chooses(case: str, hint: str, graph: Graph, needed: Sequence[str]) -> Callable[[Any], None]:
    """What is saved suffices, and no other choice is smaller."""

    def check(answer: Callable[..., Any]) -> None:
        saved = set(answer(dict(graph), set(needed)))
        strange = sorted(map(str, saved - set(graph)))
        require(not strange, f"{case}: {', '.join(strange)} is no node of the graph", hint)
        missing = [name for name in needed if not _available(graph, saved, name)]
        require(
            not missing,
            f"{case}: with {sorted(saved)} saved, {', '.join(missing)} cannot be had",
            hint,
        )
        size, fewest = sum(graph[name][0] for name in saved), _fewest(graph, needed)
        require(size == fewest, f"{case}: it saves {size} bytes, {fewest} are enough", hint)

    return check


_INPUT = (900, (), False)
_CHAIN: Graph = {"x": _INPUT, "a": (64, ("x",), True), "b": (64, ("a",), True)}
_PRODUCT: Graph = {"x": _INPUT, "p": (64, ("x",), False), "e": (64, ("p",), True), "q": (64, ("e",), True)}
_HIDDEN: Graph = {
    "x": _INPUT,
    "s": (4, ("x",), False),
    "b": (64, ("s", "x"), True),
    "c": (64, ("s", "x"), True),
}
_NARROW: Graph = {
    "x": _INPUT,
    "p": (64, ("x",), False),
    "q": (64, ("x",), False),
    "r": (16, ("p", "q"), True),
    "t": (32, ("r",), True),
}
_SHARED: Graph = {
    "x": _INPUT,
    "p": (40, ("x",), False),
    "a": (30, ("p",), True),
    "b": (30, ("p",), True),
    "c": (8, ("a",), True),
}
_DEEP: Graph = {
    "x": _INPUT,
    "p": (50, ("x",), False),
    "a": (60, ("p",), True),
    "b": (60, ("a", "p"), True),
    "w": (70, ("b",), False),
    "d": (10, ("w", "b"), True),
}

SAVED = Exercise(
    name="choose-saved",
    task="Choose what to save for the backward pass, with the fewest bytes.",
    entry="choose",
    starter='''def choose(graph, needed):
    """graph: name -> (bytes, operands, again), each node after its operands.

    A node without operands is an argument, which is there anyway and costs nothing. A
    node with again=True may be computed again from its operands. Return the set of names
    to save with the least sum of bytes, so that each name in needed is saved, is an
    argument, or can be computed again, through any number of steps.
    """
    return set(needed)
''',
    reference=CHOOSE,
    properties={
        "a chain from an argument": _chooses(
            "a -> b", "what follows from the arguments need not be saved", _CHAIN, ["a", "b"]
        ),
        "behind a product": _chooses(
            "p -> e -> q", "a product may not be computed again", _PRODUCT, ["e", "q"]
        ),
        "a small array that nobody asked for": _chooses(
            "s is not needed itself", "what is saved need not be what is needed", _HIDDEN, ["b", "c"]
        ),
        "a narrow place": _chooses(
            "p and q meet in r", "it can be cheaper to save less far back", _NARROW, ["t"]
        ),
        "two that share": _chooses(
            "a and b come from p", "look at the sum, not at one node at a time", _SHARED, ["a", "b"]
        ),
        "a need behind a need": _chooses(
            "a, b and d", "look at the sum, not at one node at a time", _DEEP, ["a", "b", "d"]
        ),
    },
    wrong=mutants(
        CHOOSE,
        ("computes products again", "return again and all(", "return all(", "product may not"),
        (
            "goes back one step",
            "all(there(each) for each in operands)",
            "all(not graph[each][1] or each in saved for each in operands)",
            "need not be saved",
        ),
        (
            "saves only what is needed",
            "if operands]",
            "if operands and name in needed]",
            "need not be what is needed",
        ),
        ("counts arrays, not bytes", "sum(graph[n][0] for n in saved)", "len(saved)", "look at the sum"),
        (
            "saves the products",
            "[set(c) for n in range(len(names) + 1) for c in combinations(names, n)]",
            "[{n for n in names if not graph[n][2]}]",
            "less far back",
        ),
    ),
)

EXERCISES = (BREAKS, FUSE, SAVED)
