"""Random schedules of random programs, against two oracles.

    python -m tests.tensor_compiler.fuzz --seconds 60

1. The dependence test against every iteration: a loop that is proved independent runs in the interpreter
   without a race, and one with a witness has one.
2. The program after each schedule against the program before it, in the interpreter with parallel loops
   shuffled and races as errors; one in `--compile` of them in C too.

All numbers are s32, which wrap, so that sums in another order are equal to the bit.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tensor_compiler import ExecutionError, Function, Refused, Schedule, interpret, show, simplify
from tensor_compiler.dependence import independent_iterations
from tensor_compiler.dtype import s32
from tensor_compiler.expression import Binary, Buffer, Cast, Constant, Expression, Load, Select, Variable
from tensor_compiler.kernel import compile_function
from tensor_compiler.primitives import PRIMITIVES
from tensor_compiler.statement import Allocate, Body, For, If, Kind, Reduce, Reduction, Statement, Store
from tensor_compiler.target import host_target
from tensor_compiler.traversal import find_loop, replace_at, walk, written_buffers
from tensor_compiler.verify import InvalidProgram

Ranges = dict[str, int]  # a loop, and an upper end of what it runs to
WIDTH = 34  # elements of a buffer in each dimension: more than any index reaches
MIDDLE = 16  # and of a buffer between two nests


@dataclass
class Programs:
    """Random loop functions, from a seed: nests with carried dependences, and chains of producers."""

    order: random.Random
    names: Iterator[int] = field(default_factory=itertools.count)

    def program(self) -> Function:
        buffers = [Buffer("A", s32, (WIDTH, WIDTH)), Buffer("B", s32, (WIDTH,)), Buffer("C", s32, (WIDTH,))]
        body: list[Statement] = []
        for _ in range(self.order.randint(1, 2)):
            shapes = [
                self.nest,
                self.nest,
                self.reduction,
                self.chain,
                self.chain,
                self.rolling,
                self.pair,
                self.wave,
            ]
            shape = self.order.choice(shapes)
            body += shape(buffers)
        return Function("program", tuple(buffers), tuple(body))

    def name(self, stem: str) -> str:
        return f"{stem}{next(self.names)}"

    def bounds(self, around: Ranges) -> tuple[Expression, Expression, int]:
        """Lower and upper end of a loop, now and then a triangle, and an upper end whatever is around."""
        count = self.order.choice([1, 2, 3, 4, 4, 6])
        if around and self.order.random() < 0.3:
            outer = self.order.choice(sorted(around))
            if self.order.random() < 0.5:
                return Constant(0), Variable(outer) + 1, around[outer]
            return Variable(outer), Constant(around[outer]), around[outer]
        lower = self.order.choice([0, 0, 0, 1])
        return Constant(lower), Constant(lower + count), lower + count

    def index(self, ranges: Ranges) -> Expression:
        """An affine index below WIDTH, with a remainder or a quotient now and then."""
        total: Expression = Constant(self.order.choice([0, 0, 0, 1, 2]))
        for name in self.order.sample(sorted(ranges), min(len(ranges), self.order.choice([1, 1, 1, 2]))):
            total = total + Variable(name) * self.order.choice([1, 1, 1, 2])
        total = simplify(total)
        shape = self.order.random()
        if shape < 0.08:
            return total % 4
        return total // 2 if shape < 0.14 else total

    def element(self, buffer: Buffer, ranges: Ranges) -> tuple[Expression, ...]:
        return tuple(self.index(ranges) for _ in buffer.shape)

    def value(self, buffers: list[Buffer], ranges: Ranges, depth: int = 1) -> Expression:
        shape = self.order.random()
        if shape < 0.6 or not depth:
            buffer = self.order.choice(buffers)
            return Load(buffer, self.element(buffer, ranges))
        if shape < 0.7:
            return Cast(s32, Variable(self.order.choice(sorted(ranges))))
        one, other = self.value(buffers, ranges, depth - 1), self.value(buffers, ranges, depth - 1)
        if shape < 0.8:
            chosen = Variable(self.order.choice(sorted(ranges)))
            return Select(Binary("<", chosen, Constant(self.order.randint(0, 3))), one, other)
        return Binary(self.order.choice(["+", "-", "*", "max"]), one, other)

    def statement(self, buffers: list[Buffer], ranges: Ranges) -> Statement:
        target = self.order.choice(buffers)
        place, value = self.element(target, ranges), self.value(buffers, ranges)
        own = Load(target, place)
        if self.order.random() < 0.4:
            operators: list[Reduction] = ["+", "+", "max", "*"]
            return Reduce(target, place, self.order.choice(operators), value)
        if isinstance(value, Binary) and value.left == own:
            value = Binary("-", value, Constant(1, s32))
        store = Store(target, place, value)
        if self.order.random() < 0.15:
            chosen = Variable(self.order.choice(sorted(ranges)))
            return If(Binary("<=", chosen, Constant(self.order.randint(0, 3))), (store,))
        return store

    def loop(self, around: Ranges, body: Any) -> For:
        name = self.name("i")
        lower, upper, most = self.bounds(around)
        return For(name, lower, upper, "serial", tuple(body(around | {name: most})))

    def nest(self, buffers: list[Buffer]) -> Body:
        def inside(depth: int) -> Any:
            def body(ranges: Ranges) -> list[Statement]:
                if depth == 0:
                    return [self.statement(buffers, ranges) for _ in range(self.order.choice([1, 1, 2]))]
                before = [self.statement(buffers, ranges)] if self.order.random() < 0.2 else []
                return [*before, self.loop(ranges, inside(depth - 1))]

            return body

        return (self.loop({}, inside(self.order.choice([0, 1, 1, 2]))),)

    def reduction(self, buffers: list[Buffer]) -> Body:
        """A reduction into each element of a row, set to a number first; now and then into one twice."""
        target = self.order.choice(buffers)
        others = [buffer for buffer in buffers if buffer != target]
        names = [self.name("i") for _ in range(2)]
        place = tuple(map(Variable, self.order.sample(names, len(target.shape))))
        ranges = {name: self.order.choice([2, 4, 6]) for name in names}
        operators: list[Reduction] = ["+", "*", "max"]
        operator = self.order.choice(operators)

        def reduced(inner: Ranges) -> list[Statement]:
            running = Store(others[0], self.element(others[0], inner), Load(target, place))
            more = [running] if self.order.random() < 0.2 else []
            return [Reduce(target, place, operator, self.value(others, inner)), *more]

        body: Body = (Store(target, place, Constant(-20, s32)), self.loop(ranges, reduced))
        for name in reversed(names):
            body = (For(name, 0, ranges[name], "serial", body),)
        return body

    def chain(self, buffers: list[Buffer]) -> Body:
        """An allocated buffer, filled, and read at an offset in blocks."""
        middle = Buffer(self.name("T"), s32, (MIDDLE,), "stack")
        fill, block, lane = self.name("i"), self.name("o"), self.name("l")
        made: Statement = Store(middle, (Variable(fill),), self.value(buffers, {fill: MIDDLE}))
        filling: Body = (made,)
        if self.order.random() < 0.4:
            more = Reduce(middle, (Variable(fill),), "+", self.value(buffers, {fill: MIDDLE}))
            filling = (made, For(self.name("r"), 0, 2, "serial", (more,)))
        ranges = {block: 3, lane: 4}
        at = Variable(block) * 4 + Variable(lane)
        target = self.order.choice(buffers)
        read = Binary("+", Load(middle, (at + self.order.choice([0, 1, 4]),)), Load(middle, (at,)))
        writing = Store(target, self.element(target, ranges), read)
        return (
            Allocate(middle),
            For(fill, 0, MIDDLE, "serial", filling),
            For(block, 0, 3, "serial", (For(lane, 0, 4, "serial", (writing,)),)),
        )

    def rolling(self, buffers: list[Buffer]) -> Body:
        """A buffer that one iteration fills in part, and later ones read, or that each has for itself."""
        middle = Buffer(self.name("T"), s32, (MIDDLE,), "stack")
        outer, fill, lane = self.name("o"), self.name("i"), self.name("l")
        whole = self.order.random() < 0.5
        start, end = (Constant(0), Constant(4)) if whole else (Variable(outer), Variable(outer) + 1)
        ranges = {outer: 4, fill: 4}
        made = Store(middle, (Variable(fill),), self.value(buffers, ranges))
        target = self.order.choice(buffers)
        place = self.element(target, {outer: 4, lane: 4})
        inner: Body = (
            For(fill, start, end, "serial", (made,)),
            For(lane, 0, end, "serial", (Store(target, place, Load(middle, (Variable(lane),))),)),
        )
        allocation: Body = (Allocate(middle),)
        if whole and self.order.random() < 0.5:
            return (For(outer, 0, 4, "serial", allocation + inner),)
        return (*allocation, For(outer, 0, 4, "serial", inner))

    def wave(self, buffers: list[Buffer]) -> Body:
        """Each row from the one before it, with a shift; the columns of a row are independent."""
        row, column = self.name("i"), self.name("j")
        i, j, matrix = Variable(row), Variable(column), buffers[0]
        shifts = [self.order.choice([0, 0, 1, 2]) for _ in range(2)]
        value = Binary("+", Load(matrix, (i, j + shifts[0])), self.value(buffers[1:], {row: 4, column: 6}))
        store = Store(matrix, (i + 1, j + shifts[1]), value)
        kind: Kind = self.order.choice(["serial", "parallel", "vectorized"])
        return (For(row, 0, 4, "serial", (For(column, 0, 6, kind, (store,)),)),)

    def pair(self, buffers: list[Buffer]) -> Body:
        """Two loops of equal bounds."""
        count = self.order.choice([2, 4, 5])
        return tuple(
            For(name, 0, count, "serial", (self.statement(buffers, {name: count}),))
            for name in (self.name("i"), self.name("j"))
        )


def random_step(schedule: Schedule, order: random.Random) -> tuple[str, dict[str, Any]]:
    """A primitive with arguments that exist; most of them will be refused."""
    function = schedule.function
    loops = list(schedule.loops)
    allocated = [each.buffer.name for _, each in walk(function) if isinstance(each, Allocate)]
    buffers = [buffer.name for buffer in function.buffers] + allocated

    def loop() -> str:
        return order.choice(loops)

    def nested() -> list[str]:
        _, outer = find_loop(function, loop())
        names = [outer.name]
        while len(outer.body) == 1 and isinstance(outer.body[0], For):
            outer = outer.body[0]
            names.append(outer.name)
        return names[: order.choice([2, 2, 3])]

    def two() -> tuple[str, str]:
        position = order.randrange(len(loops))
        return loops[position], loops[min(position + order.choice([1, 1, 2]), len(loops) - 1)]

    def writing(buffer: str) -> str:
        """The outermost loop that writes to `buffer`."""
        nests = [each for _, each in walk(function) if isinstance(each, For)]
        found = [each.name for each in nests if buffer in written_buffers(each)]
        return found[0] if found else loop()

    holding = [
        name for name in loops if any(isinstance(each, Reduce) for each in find_loop(function, name)[1].body)
    ]
    reducing = order.choice(holding or loops)
    producer = writing(order.choice(allocated)) if allocated else loop()
    later = loops[loops.index(producer) :]
    first, second = two()
    chain = nested()
    scope = order.choice(["stack", "scratch"])
    tail, buffer, place = (
        order.choice(["exact", "guard", "cut"]),
        order.choice(buffers),
        order.choice([*loops, None]),
    )
    factor, blocks = order.choice([1, 2, 2, 3, 4]), [[order.randint(0, 1), 2]]
    after = order.choice(later)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("split", {"loop": loop(), "factor": factor, "tail": tail}),
        ("split", {"loop": loop(), "factor": 2, "tail": "exact"}),
        ("fuse", {"outer": chain[0], "inner": chain[1] if len(chain) > 1 else loop()}),
        ("reorder", {"loops": order.sample(chain, len(chain))}),
        ("reorder", {"loops": chain[::-1]}),
        ("tile", {"loops": chain[:2], "factors": [2] * len(chain[:2])}),
        ("unroll", {"loop": loop()}),
        ("vectorize", {"loop": loop()}),
        ("parallel", {"loop": loop()}),
        ("cache_read", {"buffer": buffer, "loop": place, "scope": scope}),
        ("cache_read", {"buffer": "A", "loop": place, "order": [1, 0], "blocks": blocks}),
        ("cache_write", {"buffer": buffer, "loop": place, "scope": scope}),
        ("compute_at", {"producer": producer, "loop": after, "scope": scope}),
        ("compute_at", {"producer": producer, "loop": after, "scope": scope}),
        ("inline", {"buffer": order.choice(allocated or buffers)}),
        ("inline", {"buffer": order.choice(allocated or buffers)}),
        ("merge", {"first": first, "second": second}),
        ("merge", {"first": loop(), "second": loop()}),
        ("decompose_reduction", {"loop": second, "at": first}),
        ("decompose_reduction", {"loop": reducing, "at": loop()}),
        ("rfactor", {"loop": reducing, "factor": order.choice([1, 2, 2])}),
        ("online", {"maximum": first, "total": second}),
        ("trim", {"loop": reducing, "at": loop()}),
        ("replace_with", {"loop": loop(), "instruction": "dot4_u8s8"}),
        ("non_temporal", {"buffer": buffer, "loop": loop()}),
        ("prefetch", {"buffer": buffer, "loop": loop()}),
    ]
    return order.choice(steps)


class Miscompiled(AssertionError):
    """A program that a schedule changed, or a verdict that is wrong: seed, programs and steps."""


def arrays(function: Function, seed: int) -> list[Any]:
    numbers = np.random.default_rng(seed)
    return [numbers.integers(-9, 9, buffer.extents).astype(np.int32) for buffer in function.buffers]


def run(function: Function, given: list[Any], seed: int) -> list[Any]:
    result = [array.copy() for array in given]
    interpret(function, *result, seed=seed, races=True)
    return result


def check_dependences(function: Function, seed: int, counts: Counter[str]) -> None:
    """The verdict about each loop against a run that watches it."""
    given = arrays(function, seed)
    for path, loop in walk(function):
        if not isinstance(loop, For) or loop.kind != "serial":
            continue
        for kind, reductions in (("parallel", False), ("vectorized", True)):
            verdict = independent_iterations(function, path, reductions)
            counts[f"loop {verdict.answer}"] += 1
            watched = replace_at(function, path, (replace(loop, kind=kind),))  # type: ignore[arg-type]
            try:
                run(watched, given, seed)
                race = ""
            except ExecutionError as error:
                race = str(error)
            if verdict.answer == ("refuted" if not race else "proved"):
                raise Miscompiled(
                    f"seed {seed}: '{loop.name}' is {verdict.answer} to be {kind}: "
                    f"{verdict.reason or race}\n{show(function)}"
                )


def check_schedule(
    function: Function, order: random.Random, seed: int, compiled: bool, counts: Counter[str]
) -> None:
    """A random schedule, and the result before and after."""
    schedule = Schedule(function)
    for _ in range(order.randint(4, 20)):
        if not schedule.loops:  # all were single iterations, which compute_at drops
            break
        primitive, arguments = random_step(schedule, order)
        try:
            schedule.do(primitive, **arguments)
            counts[f"accepted {primitive}"] += 1
        except (Refused, LookupError, ValueError) as refusal:
            if isinstance(refusal, InvalidProgram):
                raise Miscompiled(
                    f"seed {seed}: {primitive}({arguments}): {refusal}\n{schedule.show()}"
                ) from None
            counts[f"refused {primitive}"] += 1
    counts["schedules"] += 1
    counts["accepted"] += bool(schedule.trace)
    counts["steps accepted"] += len(schedule.trace)
    given = arrays(function, seed)
    before = run(function, given, seed)
    for position in (len(schedule.trace), *range(1, len(schedule.trace))):
        try:
            after = run(schedule.history[position], given, seed)
            same = all(map(np.array_equal, before, after))
            reason = "another result"
        except ExecutionError as error:
            same, reason = False, str(error)
        if position == len(schedule.trace) and same:
            break
        if not same and (position < len(schedule.trace) or position == 1):
            raise Miscompiled(
                f"seed {seed}: {schedule.trace[position - 1]} gives {reason}\n"
                f"{show(schedule.history[position - 1])}\n->\n{show(schedule.history[position])}"
            )
    else:
        raise Miscompiled(f"seed {seed}: {schedule.trace[-1]} gives {reason}\n{schedule.show()}")
    if compiled:
        counts["compiled"] += 1
        result = [array.copy() for array in given]
        compile_function(schedule.function, host_target().strict(), threads=2)(*result)
        if not all(map(np.array_equal, before, result)):
            raise Miscompiled(f"seed {seed}: in C\n{show(function)}\n->\n{schedule.show()}")


def fuzz(seeds: Iterator[int], every: int = 0) -> Counter[str]:
    """Check the program and a schedule of each seed, one in `every` in C too; counts of what happened."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        order = random.Random(seed)
        function = Programs(order).program()
        if seed % 3 == 0:  # the slower of the two
            check_dependences(function, seed, counts)
        check_schedule(function, order, seed, bool(every) and seed % every == 0, counts)
    return counts


def seconds_from(start: int, seconds: float) -> Iterator[int]:
    """Seeds until the time is over."""
    end = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < end, itertools.count(start))


def main() -> None:
    parser = argparse.ArgumentParser(description="Random schedules of random programs, against two oracles.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, help="the first seed; drawn if left out")
    parser.add_argument("--programs", type=int, help="how many programs, instead of --seconds")
    parser.add_argument("--compile", type=int, default=200, help="compile one in so many; 0 for none")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"first seed {seed}", flush=True)
    many = options.programs
    seeds = iter(range(seed, seed + many)) if many else seconds_from(seed, options.seconds)
    try:
        counts = fuzz(seeds, options.compile)
    except Miscompiled as wrong:
        sys.exit(str(wrong))
    accepted = {name: counts[f"accepted {name}"] for name in PRIMITIVES}
    for name, count in accepted.items():
        print(f"{name:20} {count:7} accepted {counts[f'refused {name}']:7} refused")
    loops = ", ".join(f"{counts[f'loop {answer}']} {answer}" for answer in ("proved", "refuted", "unknown"))
    print(f"loops: {loops}, all as they ran")
    done = f"{counts['accepted']} schedules of {counts['steps accepted']} accepted steps"
    print(f"{done}, 0 miscompiled, {counts['compiled']} of them in C too")


if __name__ == "__main__":
    main()
