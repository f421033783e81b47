"""Exercises: operators that cover a share, the fewest calls of a library, what an intermediate language joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, WrongAnswer, require

# --- 1: how many operators cover a share ----------------------------------------------------------------


def _covers(calls: list[Any], share: float, expected: int, hint: str) -> Callable[[Any], None]:
    def check(operators_for: Callable[..., int]) -> None:
        found = operators_for(calls, share)
        require(
            found == expected,
            f"for {calls} and a share of {share} it returns {found} instead of {expected}",
            hint,
        )

    return check


COVERAGE = Exercise(
    name="coverage",
    task="Return the smallest number of different operators that have a share of all the work.",
    entry="operators_for",
    starter='''def operators_for(calls, share):
    """calls: a list of (operator, work), one per call; share: of the total work, such as 0.95."""
    return len({operator for operator, _ in calls})
''',
    reference="""def operators_for(calls, share):
    work = {}
    for operator, amount in calls:
        work[operator] = work.get(operator, 0) + amount
    total, covered = sum(work.values()), 0
    for number, amount in enumerate(sorted(work.values(), reverse=True)):
        if covered >= share * total:
            return number
        covered += amount
    return len(work)
""",
    properties={
        "one operator": _covers([("mm", 1)], 0.95, 1, "one operator does all the work"),
        "the largest first": _covers(
            [("add", 1), ("mm", 98), ("exp", 1)],
            0.95,
            1,
            "the smallest set begins with the operator that does most, wherever it is called",
        ),
        "calls add up": _covers(
            [("mm", 2), ("add", 1), ("add", 1), ("add", 1), ("exp", 1)],
            0.4,
            1,
            "many small calls of one operator are one operator with much work",
        ),
        "a share that is reached exactly": _covers(
            [("mm", 1), ("add", 1)], 0.5, 1, "half of the work is enough where half is asked for"
        ),
        "operators without work": _covers(
            [("view", 0), ("mm", 5), ("t", 0)], 1.0, 1, "what does no work adds nothing to the share"
        ),
    },
    wrong=(
        WrongAnswer(
            "a share of the operators",
            "import math\n\n\ndef operators_for(calls, share):\n"
            "    return math.ceil(share * len({operator for operator, _ in calls}))\n",
            "does most",
        ),
        WrongAnswer(
            "takes them as they come",
            "def operators_for(calls, share):\n    covered, seen = 0, set()\n"
            "    for operator, amount in calls:\n"
            "        if covered >= share * sum(a for _, a in calls):\n            break\n"
            "        covered += amount\n        seen.add(operator)\n    return len(seen)\n",
            "does most",
        ),
        WrongAnswer(
            "sorts calls, not operators",
            "def operators_for(calls, share):\n    covered, seen = 0, set()\n"
            "    for operator, amount in sorted(calls, key=lambda call: -call[1]):\n"
            "        if covered >= share * sum(a for _, a in calls):\n            break\n"
            "        covered += amount\n        seen.add(operator)\n    return len(seen)\n",
            "many small calls",
        ),
        WrongAnswer(
            "wants more than the share",
            "from collections import Counter\n\n\ndef operators_for(calls, share):\n    work = Counter()\n"
            "    for operator, amount in calls:\n        work[operator] += amount\n"
            "    covered = 0\n    for number, (_, amount) in enumerate(work.most_common()):\n"
            "        if covered > share * sum(work.values()):\n            return number\n"
            "        covered += amount\n    return len(work)\n",
            "is enough",
        ),
        WrongAnswer(
            "keeps the idle ones where all is asked for",
            "from collections import Counter\n\n\ndef operators_for(calls, share):\n    work = Counter()\n"
            "    for operator, amount in calls:\n        work[operator] += amount\n"
            "    if share == 1:\n        return len(work)\n"
            "    covered = 0\n    for number, (_, amount) in enumerate(work.most_common()):\n"
            "        if covered >= share * sum(work.values()):\n            return number\n"
            "        covered += amount\n    return len(work)\n",
            "adds nothing",
        ),
    ),
)

# --- 2: the fewest calls of a library -------------------------------------------------------------------

SINGLES = [("mm",), ("add",), ("relu",), ("exp",), ("sum",)]


def _calls(chain: list[str], library: list[Any], expected: int | None, hint: str) -> Callable[[Any], None]:
    def check(fewest_calls: Callable[..., int | None]) -> None:
        found = fewest_calls(list(chain), list(library))
        require(
            found == expected,
            f"for {' -> '.join(chain)} with the kernels {[' '.join(kernel) for kernel in library]} "
            f"it returns {found} instead of {expected}",
            hint,
        )

    return check


CALLS = Exercise(
    name="fewest-calls",
    task="Return the fewest calls with which a library of finished kernels runs a chain of operations.",
    entry="fewest_calls",
    starter='''def fewest_calls(chain, library):
    """chain: names of operations, in order; library: kernels, each a tuple of operations that it runs at once.

    Return the number of calls, or None where the library cannot run the chain.
    """
    return len(chain)
''',
    reference="""def fewest_calls(chain, library):
    fewest = [0] + [None] * len(chain)
    for end in range(1, len(chain) + 1):
        ways = [
            fewest[end - len(kernel)] + 1
            for kernel in library
            if len(kernel) <= end
            and tuple(chain[end - len(kernel) : end]) == kernel
            and fewest[end - len(kernel)] is not None
        ]
        fewest[end] = min(ways, default=None)
    return fewest[-1]
""",
    properties={
        "kernels of one operation": _calls(
            ["mm", "add", "relu"], SINGLES, 3, "three operations, three calls"
        ),
        "a kernel of several operations": _calls(
            ["mm", "add", "relu", "exp"],
            [*SINGLES, ("mm", "add", "relu")],
            2,
            "a fused kernel is one call",
        ),
        "the order within a kernel": _calls(
            ["add", "mm"], [*SINGLES, ("mm", "add")], 2, "add after mm is another function than mm after add"
        ),
        "the longest kernel is a trap": _calls(
            ["mm", "add", "relu", "exp", "sum"],
            [*SINGLES, ("mm", "add", "relu"), ("mm", "add"), ("relu", "exp", "sum")],
            2,
            "a kernel that takes most at the beginning may spoil the rest",
        ),
        "a chain that it cannot run": _calls(
            ["mm", "gelu"], SINGLES, None, "an operation that no kernel holds cannot be called"
        ),
        "a kernel that must not be taken": _calls(
            ["mm", "add", "tanh"],
            [("mm", "add"), ("mm",), ("add", "tanh")],
            2,
            "after the wrong first call nothing fits the rest, after the right one something does",
        ),
    },
    wrong=(
        WrongAnswer(
            "knows no fused kernels",
            "def fewest_calls(chain, library):\n"
            "    return len(chain) if all((name,) in library for name in chain) else None\n",
            "is one call",
        ),
        WrongAnswer(
            "takes the longest kernel that fits",
            "def fewest_calls(chain, library):\n    calls = 0\n    while chain:\n"
            "        fits = [len(k) for k in library if tuple(chain[:len(k)]) == k]\n"
            "        if not fits:\n            return None\n"
            "        chain = chain[max(fits):]\n        calls += 1\n    return calls\n",
            "spoil the rest",
        ),
        WrongAnswer(
            "does not look at the order within a kernel",
            "def fewest_calls(chain, library):\n    if not chain:\n        return 0\n"
            "    ways = [fewest_calls(chain[len(k):], library) for k in library"
            " if sorted(chain[:len(k)]) == sorted(k)]\n"
            "    ways = [way for way in ways if way is not None]\n"
            "    return 1 + min(ways) if ways else None\n",
            "another function",
        ),
        WrongAnswer(
            "returns a number where nothing fits",
            "def fewest_calls(chain, library):\n    if not chain:\n        return 0\n"
            "    ways = [fewest_calls(chain[len(k):], library) for k in library if tuple(chain[:len(k)]) == k]\n"
            "    return 1 + min(ways, default=0)\n",
            "no kernel holds",
        ),
        WrongAnswer(
            "gives up at the first dead end",
            "def fewest_calls(chain, library):\n    if not chain:\n        return 0\n"
            "    ways = [fewest_calls(chain[len(k):], library) for k in library if tuple(chain[:len(k)]) == k]\n"
            "    return None if not ways or None in ways else 1 + min(ways)\n",
            "after the right one",
        ),
    ),
)

# --- 3: what an intermediate language joins -------------------------------------------------------------

DIRECT = [("jax", "cpu"), ("torch", "gpu")]
BRIDGE = [("jax", "stablehlo"), ("torch", "stablehlo"), ("stablehlo", "cpu"), ("stablehlo", "tpu")]
STEPS = [*BRIDGE, ("stablehlo", "llvm"), ("llvm", "riscv")]
FRAMEWORKS, MACHINES = ["jax", "torch"], ["cpu", "gpu", "tpu", "riscv"]


def _joins(translators: list[Any], expected: set[Any], hint: str) -> Callable[[Any], None]:
    def check(runs: Callable[..., set[Any]]) -> None:
        found = set(runs(list(translators), FRAMEWORKS, MACHINES))
        said = f"it misses {sorted(expected - found)}" if expected - found else ""
        said = said or f"it has {sorted(found - expected)} as well"
        require(found == expected, f"with the translators {translators} {said}", hint)

    return check


def _pairs(machines: str) -> set[tuple[str, str]]:
    return {(framework, machine) for framework in FRAMEWORKS for machine in machines.split()}


BRIDGES = Exercise(
    name="what-runs",
    task="Return which framework runs on which machine, given who can translate what into what.",
    entry="runs",
    starter='''def runs(translators, frameworks, machines):
    """translators: a list of (from, to); a translation may take any number of steps.

    Return the set of pairs (framework, machine).
    """
    return {(source, target) for source, target in translators if target in machines}
''',
    reference="""def runs(translators, frameworks, machines):
    found = set()
    for framework in frameworks:
        reached, waiting = set(), [framework]
        while waiting:
            language = waiting.pop()
            if language not in reached:
                reached.add(language)
                waiting += [target for source, target in translators if source == language]
        found |= {(framework, machine) for machine in machines if machine in reached}
    return found
""",
    properties={
        "a translator for each pair": _joins(DIRECT, set(DIRECT), "each translator joins one pair"),
        "a language in the middle": _joins(
            BRIDGE, _pairs("cpu tpu"), "four translators join four pairs, and a fifth would join two more"
        ),
        "several steps": _joins(STEPS, _pairs("cpu tpu riscv"), "what was lowered once may be lowered again"),
        "one way only": _joins(
            [("jax", "stablehlo"), ("stablehlo", "cpu"), ("stablehlo", "torch"), ("torch", "gpu")],
            {("jax", "cpu"), ("jax", "gpu"), ("torch", "gpu")},
            "lowering has a direction: a program in the middle language may become torch and not the reverse",
        ),
        "a circle": _joins(
            [("jax", "hlo"), ("hlo", "stablehlo"), ("stablehlo", "hlo"), ("hlo", "gpu")],
            {("jax", "gpu")},
            "two languages that translate into each other are no reason to go round forever",
        ),
    },
    wrong=(
        WrongAnswer(
            "direct translators only",
            "def runs(translators, frameworks, machines):\n"
            "    return {(s, t) for s, t in translators if s in frameworks and t in machines}\n",
            "join four pairs",
        ),
        WrongAnswer(
            "at most one language in the middle",
            "def runs(translators, frameworks, machines):\n    found = set()\n"
            "    for f in frameworks:\n        for m in machines:\n"
            "            middles = {t for s, t in translators if s == f}\n"
            "            if m in middles or any((middle, m) in translators for middle in middles):\n"
            "                found.add((f, m))\n    return found\n",
            "lowered again",
        ),
        WrongAnswer(
            "translates in both directions",
            "def runs(translators, frameworks, machines):\n    found = set()\n"
            "    for f in frameworks:\n        reached = {f}\n"
            "        for _ in translators:\n"
            "            reached |= {t for s, t in translators if s in reached and t not in machines}\n"
            "            reached |= {s for s, t in translators if t in reached and s not in machines}\n"
            "        ends = {t for s, t in translators if s in reached}\n"
            "        found |= {(f, m) for m in machines if m in ends}\n    return found\n",
            "has a direction",
        ),
        WrongAnswer(
            "joins every framework to every machine that something reaches",
            "def runs(translators, frameworks, machines):\n"
            "    reached = {t for _, t in translators}\n"
            "    return {(f, m) for f in frameworks for m in machines if m in reached}\n",
            "joins one pair",
        ),
    ),
)

EXERCISES = (COVERAGE, CALLS, BRIDGES)
