"""Exercises of when compilation happens: break-even, programs per sequence of sizes, the key of a cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, WrongAnswer, require

# --- 1: break-even --------------------------------------------------------------------------------------


def _pays(
    compilation: int, compiled: int, plain: int, expected: int | None, hint: str
) -> Callable[[Any], None]:
    def check(break_even: Callable[..., int | None]) -> None:
        try:
            found = break_even(compilation, compiled, plain)
        except ZeroDivisionError:
            found = "a division by zero"  # type: ignore[assignment]
        require(
            found == expected and type(found) is type(expected),
            f"for a compilation of {compilation} ms and calls of {compiled} ms instead of {plain} ms "
            f"it returns {found!r} where {expected!r} is right",
            hint,
        )

    return check


BREAK_EVEN = Exercise(
    name="break-even",
    task="Return the smallest number of calls after which compiling has cost no more than not compiling.",
    entry="break_even",
    starter='''def break_even(compilation, compiled, plain):
    """compilation, compiled, plain: whole milliseconds of compiling once, of a compiled and of a plain call.

    Return a whole number of calls, at least 1, or None if it is never reached.
    """
    return compilation / plain
''',
    reference="""def break_even(compilation, compiled, plain):
    if compiled >= plain:
        return 1 if compilation + compiled <= plain else None
    return max(1, -(-compilation // (plain - compiled)))
""",
    properties={
        "a whole number of calls": _pays(100, 0, 10, 10, "compiling pays with the call that makes up for it"),
        "a compiled call costs too": _pays(90, 1, 10, 10, "what a call saves is a difference"),
        "calls are whole": _pays(100, 1, 10, 12, "after 11 calls it has not paid yet"),
        "compiled and plain alike": _pays(100, 10, 10, None, "a saving of nothing never pays"),
        "a compiled call that costs more": _pays(100, 12, 10, None, "there is a program that never pays"),
        "nothing to compile": _pays(0, 1, 10, 1, "there is no break-even before the first call"),
    },
    wrong=(
        WrongAnswer(
            "forgets the compiled calls",
            "def break_even(compilation, compiled, plain):\n    return max(1, -(-compilation // plain))\n",
            "a difference",
        ),
        WrongAnswer(
            "rounds down",
            "def break_even(compilation, compiled, plain):\n    return compilation // (plain - compiled)\n",
            "not paid yet",
        ),
        WrongAnswer(
            "expects every program to pay",
            "def break_even(compilation, compiled, plain):\n"
            "    return max(1, -(-compilation // (plain - compiled)))\n",
            "never pays",
        ),
        WrongAnswer(
            "takes a loss for a saving",
            "def break_even(compilation, compiled, plain):\n    if plain == compiled:\n        return None\n"
            "    return max(1, -(-compilation // abs(plain - compiled)))\n",
            "never pays",
        ),
        WrongAnswer(
            "pays before the first call",
            "def break_even(compilation, compiled, plain):\n    if compiled >= plain:\n        return None\n"
            "    return -(-compilation // (plain - compiled))\n",
            "before the first",
        ),
    ),
)

# --- 2: programs for a sequence of sizes ----------------------------------------------------------------


def _makes(policy: str, sizes: list[int], expected: int, hint: str) -> Callable[[Any], None]:
    def check(programs: Callable[..., int]) -> None:
        found = programs(list(sizes), policy)
        require(found == expected, f"for {sizes}, {policy}, it returns {found} instead of {expected}", hint)

    return check


PROGRAMS_REFERENCE = """def programs(sizes, policy):
    fixed, opened, first = set(), False, None
    for size in sizes:
        if size in fixed or (opened and size >= 2):
            continue
        changed = first is not None and size != first
        if size >= 2 and (policy == "open" or (policy == "default" and changed)):
            opened = True
        else:
            fixed.add(size)
        first = size if first is None else first
    return len(fixed) + opened
"""

COUNT = Exercise(
    name="count-programs",
    task="Count the programs that torch.compile makes for calls with arrays of these sizes.",
    entry="programs",
    starter='''def programs(sizes, policy):
    """sizes: the number of rows at each call; policy: "fixed", "default" or "open".

    A program holds either for one size or, if it is open, for every size of 2 or more. fixed: each program
    holds for the size it was made for. open: each size of 2 or more gets an open program. default: the first
    program is fixed; a call with a size that differs from the first call's and that no program accepts makes
    an open one. A size of 1 always gets a program of its own. A program that accepts a call is used.
    """
    return len(set(sizes))
''',
    reference=PROGRAMS_REFERENCE,
    properties={
        "fixed": _makes("fixed", [2, 3, 2, 4], 3, "a program is kept, and used again for its size"),
        "open": _makes("open", [2, 3, 4, 9], 1, "one open program serves all sizes of 2 or more"),
        "default": _makes("default", [2, 3, 4, 9], 2, "the first is fixed, the second is open"),
        "default, one size": _makes("default", [5, 5, 5], 1, "nothing has changed, so nothing opens"),
        "open, a single row": _makes("open", [2, 3, 1], 2, "one row is not many rows"),
        "default, a single row first": _makes(
            "default", [1, 2, 3], 2, "the second size opens, the first was fixed"
        ),
        "default, a single row last": _makes("default", [2, 3, 4, 1], 3, "one row is not many rows"),
        "default, a single row in between": _makes(
            "default", [2, 1, 2, 3], 3, "a program of one row serves nobody else, and does not open anything"
        ),
        "open, a single row twice": _makes("open", [1, 5, 1, 2], 2, "one row has one program"),
    },
    wrong=(
        WrongAnswer(
            "compiles whenever the size changes",
            "def programs(sizes, policy):\n    return 1 + sum(a != b for a, b in zip(sizes, sizes[1:]))\n",
            "used again",
        ),
        WrongAnswer(
            "thinks that open is the default",
            PROGRAMS_REFERENCE.replace('(policy == "default" and changed)', 'policy == "default"'),
            "the first is fixed",
        ),
        WrongAnswer(
            "lets the open program take one row",
            PROGRAMS_REFERENCE.replace("size >= 2", "size >= 0"),
            "one row is not many",
        ),
        WrongAnswer(
            "counts two programs by default",
            "def programs(sizes, policy):\n    several = len(set(sizes)) > 1\n"
            "    special = len({s for s in sizes if s < 2})\n"
            "    if policy == 'fixed':\n        return len(set(sizes))\n"
            "    if policy == 'open':\n        return special + any(s > 1 for s in sizes)\n"
            "    return 1 + several + (special if sizes[0] > 1 else special)\n",
            "the second size opens",
        ),
    ),
)

# --- 3: the key of a cache ------------------------------------------------------------------------------

REQUEST: dict[str, Any] = {
    "program": "y = matmul(x, w)",
    "types": [("float32", (8, 64)), ("float32", (64, 64))],
    "options": {"fast_math": False, "level": 3},
    "compiler": "14.2",
    "machine": ["avx2", "fma"],
    "names": ["x", "w"],
    "values": 0.5,
    "folder": "/home/ada/project",
    "time": 1700000000,
}


def _differs(case: str, hint: str, **change: Any) -> Callable[[Any], None]:
    def check(key: Callable[..., Any]) -> None:
        require(
            key(dict(REQUEST)) != key({**REQUEST, **change}),
            f"{case}: two requests with different machine code have one key",
            hint,
        )

    return check


def _equals(case: str, hint: str, **change: Any) -> Callable[[Any], None]:
    def check(key: Callable[..., Any]) -> None:
        require(
            key(dict(REQUEST)) == key({**REQUEST, **change}),
            f"{case}: the machine code is the same, the keys are not",
            hint,
        )

    return check


def _is_a_name(key: Callable[..., Any]) -> None:
    found = key(dict(REQUEST))
    require(
        isinstance(found, str) and len(found) <= 64 and found.isalnum(),
        f"it returns {str(found)[:40]!r}, a {type(found).__name__}, as the name of a file",
        "a digest of 64 hexadecimal digits names a file on every system",
    )


def _is_unambiguous(key: Callable[..., Any]) -> None:
    first = {**REQUEST, "program": "y = exp(x)1", "compiler": "4.2"}
    second = {**REQUEST, "program": "y = exp(x)", "compiler": "14.2"}
    require(
        key(first) != key(second),
        "the program 'y = exp(x)1' with compiler '4.2' and 'y = exp(x)' with '14.2' have one key",
        "glued together without a separator, two different lists of fields can read the same",
    )


KEY_REFERENCE = """def key(request):
    import hashlib
    import json

    parts = [
        request["program"],
        request["types"],
        sorted(request["options"].items()),
        request["compiler"],
        sorted(request["machine"]),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
"""

KEY = Exercise(
    name="cache-key",
    task="Write the key under which a compiled program is kept on disk.",
    entry="key",
    starter='''def key(request):
    """request: a dictionary with these fields.

    program: the traced program, a text in which arguments are x, w and so on; types: a list of (dtype, shape),
    one per argument; options: a dictionary of the compiler's options; compiler: its version; machine: a list of
    the processor's features, in any order; names: the caller's variables; values: a number from the first
    argument; folder: the current one; time: of the call, in seconds. Return a text of at most 64 letters and
    digits.
    """
    import hashlib

    return hashlib.sha256(request["program"].encode()).hexdigest()
''',
    reference=KEY_REFERENCE,
    properties={
        "names a file": _is_a_name,
        "is the same twice": _equals(
            "nothing has changed", "nothing that differs from call to call belongs in it"
        ),
        "the shape": _differs(
            "another shape",
            "shapes and dtypes are in the machine code",
            types=[("float32", (9, 64)), ("float32", (64, 64))],
        ),
        "the dtype": _differs(
            "another dtype",
            "shapes and dtypes are in the machine code",
            types=[("float16", (8, 64)), ("float32", (64, 64))],
        ),
        "an option": _differs(
            "fast_math", "options change the code", options={"fast_math": True, "level": 3}
        ),
        "the compiler": _differs(
            "a new version of the compiler", "after an upgrade the old programs would stay", compiler="14.3"
        ),
        "the machine": _differs(
            "a processor with avx512f",
            "a folder may be shared by two machines, and one of them would meet an illegal instruction",
            machine=["avx2", "fma", "avx512f"],
        ),
        "the numbers": _equals(
            "other numbers", "a program computes for all numbers of its types", values=0.7
        ),
        "time, folder and the caller's names": _equals(
            "another day, folder and variable",
            "the machine code knows nothing about who asked, where and when",
            time=1700000001,
            folder="/home/grace",
            names=["a", "b"],
        ),
        "the order of options": _equals(
            "options in another order", "order what has no order", options={"level": 3, "fast_math": False}
        ),
        "the order of features": _equals(
            "features in another order", "order what has no order", machine=["fma", "avx2"]
        ),
        "no two lists read the same": _is_unambiguous,
    },
    wrong=(
        WrongAnswer(
            "hashes whatever there is",
            "def key(request):\n    import hashlib\n"
            "    return hashlib.sha256(repr(sorted(request.items())).encode()).hexdigest()\n",
            "all numbers",
        ),
        WrongAnswer(
            "uses Python's hash",
            "def key(request):\n    return hash(request['program'])\n",
            "names a file",
        ),
        WrongAnswer(
            "forgets dtypes",
            KEY_REFERENCE.replace('request["types"]', '[shape for _, shape in request["types"]]'),
            "dtypes",
        ),
        WrongAnswer(
            "forgets the version", KEY_REFERENCE.replace('        request["compiler"],\n', ""), "upgrade"
        ),
        WrongAnswer(
            "forgets the machine",
            KEY_REFERENCE.replace('        sorted(request["machine"]),\n', ""),
            "illegal",
        ),
        WrongAnswer(
            "keeps the order of options",
            KEY_REFERENCE.replace('sorted(request["options"].items())', 'list(request["options"].items())'),
            "has no order",
        ),
        WrongAnswer(
            "glues the fields together",
            KEY_REFERENCE.replace(
                "json.dumps(parts)", "(parts[0] + parts[3] + json.dumps([parts[1], parts[2], parts[4]]))"
            ),
            "separator",
        ),
    ),
)

EXERCISES = (BREAK_EVEN, COUNT, KEY)
