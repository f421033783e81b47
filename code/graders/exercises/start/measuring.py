"""Five broken benchmarks, to be repaired on a simulated machine whose true costs the grader knows."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, WrongAnswer, require
from graders.simulation import MS, Compiled, Device, Framework, Machine, OrderEffect

# --- 1: asynchronous dispatch ---------------------------------------------------------------------------


def _measures_the_work(nanoseconds_of: Callable[..., int]) -> None:
    for cost in (1 * MS, 7 * MS, 300 * MS):
        machine = Machine()
        device = Device(machine, cost)
        found = nanoseconds_of(device, machine.clock)
        require(
            isinstance(found, int | float) and abs(found - cost) <= 0.01 * cost + device.dispatch,
            f"for work of {cost / MS:g} ms it returns {found / MS if isinstance(found, int | float) else found!r} ms",
            "the call returns as soon as the work is ordered; when is the work done?",
        )


def _leaves_earlier_work_out(nanoseconds_of: Callable[..., int]) -> None:
    machine = Machine()
    device = Device(machine, 2 * MS)
    device.free_at = 50 * MS  # the device is still busy with someone's earlier order
    found = nanoseconds_of(device, machine.clock)
    require(
        abs(found - 2 * MS) <= 0.1 * MS,
        f"on a device that is busy for another 50 ms it returns {found / MS:g} ms for work of 2 ms",
        "one untimed call that is waited for leaves the device idle before the clock is read",
    )


ASYNC = Exercise(
    name="async-dispatch",
    task="Return the nanoseconds that the work of call() takes on a device with asynchronous dispatch.",
    entry="nanoseconds_of",
    starter='''def nanoseconds_of(call, clock):
    """call() orders work and returns a result with block_until_ready(); clock() is in nanoseconds."""
    began = clock()
    call()
    return clock() - began
''',
    reference="""def nanoseconds_of(call, clock):
    call().block_until_ready()
    began = clock()
    call().block_until_ready()
    return clock() - began
""",
    properties={
        "measures the work, not the order": _measures_the_work,
        "leaves out what was ordered before": _leaves_earlier_work_out,
    },
    wrong=(
        WrongAnswer(
            "waits after the clock was read",
            "def nanoseconds_of(call, clock):\n    began = clock()\n    result = call()\n"
            "    elapsed = clock() - began\n    result.block_until_ready()\n    return elapsed\n",
            "when is the work done?",
        ),
        WrongAnswer(
            "waits for another order than the timed one",
            "def nanoseconds_of(call, clock):\n    call().block_until_ready()\n    began = clock()\n    call()\n"
            "    return clock() - began\n",
            "when is the work done?",
        ),
        WrongAnswer(
            "lets the device finish earlier work inside of the timing",
            "def nanoseconds_of(call, clock):\n    began = clock()\n    call().block_until_ready()\n"
            "    return clock() - began\n",
            "leaves the device idle",
        ),
    ),
)


# --- 2: warm-up -----------------------------------------------------------------------------------------


def _steady(steady_nanoseconds: Callable[..., float], compilations: int) -> None:
    for cost in (1 * MS, 20 * MS):
        machine = Machine()
        found = steady_nanoseconds(Compiled(machine, cost, compilations), machine.clock)
        require(
            abs(found - cost) <= 0.01 * cost,
            f"with {compilations} compiling call{'s' * (compilations > 1)} it returns {found / MS:g} ms for {cost / MS:g} ms",
            "the early calls also compile: call until the times settle, and only then keep them",
        )


def _does_not_wait_forever(steady_nanoseconds: Callable[..., float]) -> None:
    machine, generator = Machine(), random.Random(0)

    def restless() -> None:
        machine.work(generator.uniform(1, 3) * MS)

    found = steady_nanoseconds(restless, machine.clock)
    require(
        1 * MS <= found <= 3 * MS,
        f"for calls of 1 to 3 ms it returns {found / MS:g} ms",
        "give up waiting for calm after a bounded number of calls",
    )


WARM_UP = Exercise(
    name="warm-up",
    task="Return the nanoseconds of a call after the function has warmed up, however many calls that takes.",
    entry="steady_nanoseconds",
    starter='''def steady_nanoseconds(call, clock):
    """call() does its work before it returns; its first calls may compile."""
    began = clock()
    call()
    return clock() - began
''',
    reference="""def steady_nanoseconds(call, clock):
    times = []
    for _ in range(100):
        began = clock()
        call()
        times.append(clock() - began)
        last = times[-5:]
        if len(last) == 5 and max(last) <= 1.2 * min(last):
            break
    return sorted(times[-5:])[2]
""",
    properties={
        "keeps one compilation out": lambda answer: _steady(answer, 1),
        "keeps two compilations out": lambda answer: _steady(answer, 2),
        "ends on a function that never settles": _does_not_wait_forever,
    },
    wrong=(
        WrongAnswer(
            "averages the compilation in",
            "def steady_nanoseconds(call, clock):\n    began = clock()\n    for _ in range(10):\n        call()\n"
            "    return (clock() - began) / 10\n",
            "the early calls also compile",
        ),
        WrongAnswer(
            "drops exactly one call",
            "def steady_nanoseconds(call, clock):\n    call()\n    began = clock()\n    call()\n"
            "    return clock() - began\n",
            "the early calls also compile",
        ),
        WrongAnswer(
            "waits without end for ten equal times",
            "def steady_nanoseconds(call, clock):\n    times = []\n    while len(set(times[-10:])) != 1 or len(times) < 10:\n"
            "        began = clock()\n        call()\n        times.append(clock() - began)\n    return times[-1]\n",
            "a loop that never ends",
        ),
    ),
    seconds=5.0,
)


# --- 3: work that the compiler does once ----------------------------------------------------------------


def _times_the_function(benchmark: Callable[..., float]) -> None:
    for cost in (1 * MS, 30 * MS):
        machine = Machine()
        framework = Framework(machine)

        def function(x: float, machine: Machine = machine, cost: int = cost) -> float:
            machine.work(cost)
            return 2 * x

        found = benchmark(framework.jit, function, 3.0, machine.clock)
        hint = "a program without arguments is a constant: the compiler computes it once"
        if found > 1.5 * cost:
            hint = (
                "the clock runs while something compiles: call jit once, and call its result before the clock"
            )
        require(
            abs(found - cost) <= 0.02 * cost,
            f"for a function of {cost / MS:g} ms it returns {found / MS:g} ms",
            hint,
        )


CONSTANT = Exercise(
    name="folded-away",
    task="Return the nanoseconds of one call of the compiled function at x.",
    entry="benchmark",
    starter='''def benchmark(jit, function, x, clock):
    """jit(function) returns a compiled function, which compiles at its first call."""
    program = jit(lambda: function(x))
    program()
    began = clock()
    program()
    return clock() - began
''',
    reference="""def benchmark(jit, function, x, clock):
    program = jit(function)
    program(x)
    began = clock()
    program(x)
    return clock() - began
""",
    properties={"times the function at its argument": _times_the_function},
    wrong=(
        WrongAnswer(
            "compiles inside of the timing",
            "def benchmark(jit, function, x, clock):\n    began = clock()\n    jit(function)(x)\n"
            "    return clock() - began\n",
            "while something compiles",
        ),
        WrongAnswer(
            "compiles a new program for each call",
            "def benchmark(jit, function, x, clock):\n    jit(function)(x)\n    began = clock()\n"
            "    jit(function)(x)\n    return clock() - began\n",
            "while something compiles",
        ),
        WrongAnswer(
            "binds the argument before compiling",
            "def benchmark(jit, function, x, clock):\n    import functools\n"
            "    program = jit(functools.partial(function, x))\n    program()\n    began = clock()\n    program()\n"
            "    return clock() - began\n",
            "is a constant",
        ),
    ),
)


# --- 4: drift and order ---------------------------------------------------------------------------------


def _survives(
    drift: Callable[[int], float], bonus: float, situation: str, hint: str
) -> Callable[[Any], None]:
    def check(ratio: Callable[..., float]) -> None:
        for cost_a, cost_b in ((2 * MS, 2 * MS), (6 * MS, 2 * MS), (2 * MS, 3 * MS)):
            machine = Machine(drift)
            order = OrderEffect(machine, bonus)
            found = ratio(order.program(cost_a), order.program(cost_b), machine.clock)
            true = cost_a / cost_b
            require(
                abs(found / true - 1) <= 0.05,
                f"{situation} it returns {found:.3f} where the true ratio is {true:.3f}",
                hint,
            )

    return check


def _slowing(now: int) -> float:
    return 1 + now / (200 * MS)


PAIRS = Exercise(
    name="drift",
    task="Return the time of a() over the time of b() on a machine that slows down while you measure.",
    entry="ratio",
    starter='''def ratio(a, b, clock):
    """a() and b() do their work before they return."""
    began = clock()
    for _ in range(40):
        a()
    middle = clock()
    for _ in range(40):
        b()
    return (middle - began) / (clock() - middle)
''',
    reference="""def ratio(a, b, clock):
    def timed(function):
        began = clock()
        function()
        return clock() - began

    ratios = []
    for pair in range(40):
        if pair % 2:
            time_b, time_a = timed(b), timed(a)
        else:
            time_a, time_b = timed(a), timed(b)
        ratios.append(time_a / time_b)
    ratios.sort()
    return (ratios[19] * ratios[20]) ** 0.5
""",
    properties={
        "is right on a steady machine": _survives(lambda now: 1.0, 0.0, "on a steady machine", ""),
        "survives drift": _survives(
            _slowing,
            0.0,
            "on a machine that slows down",
            "what runs later runs on a slower machine: interleave",
        ),
        "survives an effect of order": _survives(
            lambda now: 1.0,
            0.3,
            "where the second of each pair runs 30 % longer",
            "if one program always comes first in its pair, the order becomes part of the result",
        ),
    },
    wrong=(
        WrongAnswer(
            "medians of blocks",
            "def ratio(a, b, clock):\n    def median(f):\n        times = []\n        for _ in range(41):\n"
            "            began = clock()\n            f()\n            times.append(clock() - began)\n"
            "        return sorted(times)[20]\n    return median(a) / median(b)\n",
            "interleave",
        ),
        WrongAnswer(
            "interleaved, but a always first",
            "def ratio(a, b, clock):\n    ratios = []\n    for _ in range(41):\n        t0 = clock()\n        a()\n"
            "        t1 = clock()\n        b()\n        ratios.append((t1 - t0) / (clock() - t1))\n"
            "    return sorted(ratios)[20]\n",
            "the order becomes part of the result",
        ),
        WrongAnswer(
            "the best of each block",
            "def ratio(a, b, clock):\n    def best(f):\n        times = []\n        for _ in range(40):\n"
            "            began = clock()\n            f()\n            times.append(clock() - began)\n"
            "        return min(times)\n    return best(a) / best(b)\n",
            "interleave",
        ),
    ),
)


# --- 5: a verdict -----------------------------------------------------------------------------------------


def _ratios(true: float, noise: float, outliers: int, seed: int) -> list[float]:
    generator = random.Random(seed)
    values = [true * generator.lognormvariate(0, noise) for _ in range(40)]
    return [value * 50 if index < outliers else value for index, value in enumerate(values)]


def _says(
    expected: str, least: float, true: float, noise: float, outliers: int, hint: str
) -> Callable[[Any], None]:
    def check(verdict: Callable[[list[float]], str]) -> None:
        answers = [verdict(_ratios(true, noise, outliers, seed)) for seed in range(40)]
        share = answers.count(expected) / len(answers)
        disturbed = f", {outliers} of 40 pairs disturbed" if outliers else ""
        require(
            share >= least,
            f"on 40 experiments with true ratio {true:g}{disturbed} it says {expected!r} {share:.0%} of the time",
            hint,
        )

    return check


VERDICT = Exercise(
    name="verdict",
    task='Say "first" or "second" for the faster program, or "tie", from the ratios first/second of 40 pairs.',
    entry="verdict",
    starter='''def verdict(ratios):
    """ratios: the time of the first over that of the second, one number per pair."""
    mean = sum(ratios) / len(ratios)
    return "first" if mean < 1 else "second"
''',
    reference="""def verdict(ratios):
    import random

    def median(values):
        ordered = sorted(values)
        return (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2

    generator = random.Random(0)
    medians = sorted(median(generator.choices(ratios, k=len(ratios))) for _ in range(400))
    if medians[10] > 1:
        return "second"
    if medians[-11] < 1:
        return "first"
    return "tie"
""",
    properties={
        "finds a clear winner": _says(
            "second", 0.95, 1.5, 0.1, 0, "a ratio above 1 means that the second is faster"
        ),
        "finds the other winner": _says(
            "first", 0.95, 1 / 1.5, 0.1, 0, "a ratio below 1: the first is faster"
        ),
        "ignores disturbed pairs": _says(
            "first", 0.95, 1 / 1.5, 0.1, 3, "one pair that was disturbed can outweigh all others in a mean"
        ),
        "calls noise a tie": _says(
            "tie",
            0.85,
            1.0,
            0.2,
            0,
            "the same program twice has no winner: how far could the median have come out?",
        ),
    },
    wrong=(
        WrongAnswer(
            "median without an interval",
            "def verdict(ratios):\n    median = sorted(ratios)[len(ratios) // 2]\n"
            "    return 'first' if median < 1 else 'second'\n",
            "no winner",
        ),
        WrongAnswer(
            "interval around a mean",
            "def verdict(ratios):\n    n = len(ratios)\n    mean = sum(ratios) / n\n"
            "    error = 2 * (sum((r - mean) ** 2 for r in ratios) / n / n) ** 0.5\n"
            "    return 'tie' if abs(mean - 1) <= error else 'first' if mean < 1 else 'second'\n",
            "outweigh all others",
        ),
        WrongAnswer(
            "upside down",
            "def verdict(ratios):\n    median = sorted(ratios)[len(ratios) // 2]\n"
            "    return 'tie' if abs(median - 1) < 0.08 else 'second' if median < 1 else 'first'\n",
            "the second is faster",
        ),
    ),
)

EXERCISES = (ASYNC, WARM_UP, CONSTANT, PAIRS, VERDICT)
