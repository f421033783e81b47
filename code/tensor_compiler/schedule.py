"""A schedule: a loop function, and the primitives that were applied to it, step by step."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .expression import Scope
from .primitives import PRIMITIVES
from .primitives.split import Tail
from .printer import show
from .rewrite import with_reductions
from .statement import Function
from .traversal import loop_names
from .verify import verify

Value = str | int | bool | None | Sequence["Value"]


@dataclass(frozen=True)
class Step:
    """A primitive and its arguments by name, without those left at their defaults."""

    primitive: str
    arguments: dict[str, Any]

    @property
    def trusted(self) -> bool:
        """Whether the check was told to take an answer that it did not know."""
        return bool(self.arguments.get("trust", False))

    def __str__(self) -> str:
        return f"{self.primitive}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


def as_data(value: Value) -> Value:
    """`value` as JSON gives it back: sequences as lists."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [as_data(each) for each in value]


def apply(function: Function, step: Step) -> Function:
    """`function` after `step`, verified. Raises Refused, or LookupError or ValueError for no step."""
    if step.primitive not in PRIMITIVES:
        raise ValueError(f"'{step.primitive}' is no primitive: choose one of {', '.join(PRIMITIVES)}")
    primitive = PRIMITIVES[step.primitive]
    wanted = list(inspect.signature(primitive).parameters)[1:]
    if unknown := [name for name in step.arguments if name not in wanted]:
        raise ValueError(f"'{step.primitive}' takes {', '.join(wanted)}, not '{unknown[0]}'")
    return verify(with_reductions(primitive(function, **step.arguments)))


def replay(function: Function, trace: str | Iterable[Step]) -> Schedule:
    """The schedule of `function` that `trace`, steps or the JSON of them, leads to."""
    schedule = Schedule(function)
    steps = [Step(**step) for step in json.loads(trace)] if isinstance(trace, str) else trace
    for step in steps:
        schedule.step(step)
    return schedule


class Schedule:
    """Primitives as methods, which change `function`; `history` holds each function on the way.

    Loops and buffers are named. A method gives the schedule, or the names of the loops that it made. A step
    that is refused changes nothing.
    """

    def __init__(self, function: Function) -> None:
        self.history: tuple[Function, ...] = (verify(function),)
        self.trace: tuple[Step, ...] = ()

    @property
    def function(self) -> Function:
        """What the steps so far made."""
        return self.history[-1]

    @property
    def loops(self) -> tuple[str, ...]:
        """The names of the loops, in program order."""
        return tuple(loop_names(self.function))

    def step(self, step: Step) -> Schedule:
        """Apply one step."""
        function = apply(self.function, step)
        self.history, self.trace = (*self.history, function), (*self.trace, step)
        return self

    def undo(self) -> Schedule:
        """Take the last step back."""
        if not self.trace:
            raise ValueError("there is no step to take back")
        self.history, self.trace = self.history[:-1], self.trace[:-1]
        return self

    def json(self) -> str:
        """The trace as JSON, for `replay`."""
        return json.dumps([{"primitive": each.primitive, "arguments": each.arguments} for each in self.trace])

    def show(self) -> str:
        """The program, under a comment for each step that was trusted."""
        marks = [f"# not proved, trusted: {step}" for step in self.trace if step.trusted]
        return "\n".join([*marks, show(self.function)])

    def do(self, primitive: str, **arguments: Value) -> Schedule:
        """Apply a primitive by name. Arguments at their defaults stay out of the trace."""
        defaults = inspect.signature(PRIMITIVES[primitive]).parameters
        given = {
            name: as_data(value)
            for name, value in arguments.items()
            if name not in defaults or value != defaults[name].default
        }
        return self.step(Step(primitive, given))

    def making(self, primitive: str, **arguments: Value) -> tuple[str, ...]:
        """Apply a primitive by name; gives the names of the loops that it made, in program order."""
        before = set(self.loops)
        self.do(primitive, **arguments)
        return tuple(name for name in self.loops if name not in before)

    def each(self, primitive: str, loops: Sequence[str], **arguments: Value) -> Schedule:
        """Apply a primitive to one loop after the other."""
        for loop in loops:
            self.do(primitive, loop=loop, **arguments)
        return self

    def split(
        self, loop: str, factor: int, tail: Tail = "exact", outer: str | None = None, inner: str | None = None
    ) -> tuple[str, ...]:
        """The names of the outer and the inner loop; after a cut, of the rest too if there is one."""
        return self.making("split", loop=loop, factor=factor, tail=tail, outer=outer, inner=inner)

    def fuse(self, outer: str, inner: str, name: str | None = None) -> str:
        """The name of the fused loop."""
        return self.making("fuse", outer=outer, inner=inner, name=name)[0]

    def reorder(self, *loops: str, trust: bool = False) -> Schedule:
        return self.do("reorder", loops=loops, trust=trust)

    def tile(self, loops: Sequence[str], factors: Sequence[int], trust: bool = False) -> tuple[str, ...]:
        """The names of the outer loops, then of the inner ones."""
        return self.making("tile", loops=tuple(loops), factors=tuple(factors), trust=trust)

    def unroll(self, *loops: str) -> Schedule:
        return self.each("unroll", loops)

    def vectorize(self, *loops: str, trust: bool = False) -> Schedule:
        return self.each("vectorize", loops, trust=trust)

    def parallel(self, *loops: str, trust: bool = False) -> Schedule:
        return self.each("parallel", loops, trust=trust)

    def cache_read(
        self, buffer: str, loop: str | None, scope: Scope = "scratch", order: Sequence[int] | None = None,
        blocks: Sequence[Sequence[int]] = (), name: str | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """The names of the loops that copy."""
        place = {"buffer": buffer, "loop": loop, "scope": scope}
        return self.making("cache_read", **place, order=order, blocks=blocks, name=name)

    def cache_write(
        self, buffer: str, loop: str | None, scope: Scope = "registers", order: Sequence[int] | None = None,
        blocks: Sequence[Sequence[int]] = (), name: str | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """The names of the loops that copy: those in, if any, before those out."""
        place = {"buffer": buffer, "loop": loop, "scope": scope}
        return self.making("cache_write", **place, order=order, blocks=blocks, name=name)

    def compute_at(
        self, producer: str, loop: str, scope: Scope = "stack", name: str | None = None
    ) -> Schedule:
        return self.do("compute_at", producer=producer, loop=loop, scope=scope, name=name)

    def inline(self, *buffers: str) -> Schedule:
        for buffer in buffers:
            self.do("inline", buffer=buffer)
        return self

    def merge(self, first: str, second: str, trust: bool = False) -> Schedule:
        return self.do("merge", first=first, second=second, trust=trust)

    def decompose_reduction(self, loop: str, at: str, trust: bool = False) -> tuple[str, ...]:
        """The names of the loops that initialise."""
        return self.making("decompose_reduction", loop=loop, at=at, trust=trust)

    def rfactor(
        self, loop: str, factor: int, scope: Scope = "stack", buffer: str | None = None
    ) -> tuple[str, ...]:
        """The names of the loops that initialise, over blocks, within a block, and that collect."""
        return self.making("rfactor", loop=loop, factor=factor, scope=scope, buffer=buffer)

    def online(self, maximum: str, total: str) -> Schedule:
        return self.do("online", maximum=maximum, total=total)

    def trim(self, loop: str, at: str) -> Schedule:
        return self.do("trim", loop=loop, at=at)

    def replace_with(self, loop: str, instruction: str) -> Schedule:
        return self.do("replace_with", loop=loop, instruction=instruction)

    def non_temporal(self, buffer: str, loop: str) -> Schedule:
        return self.do("non_temporal", buffer=buffer, loop=loop)

    def prefetch(self, buffer: str, loop: str, distance: int = 1) -> Schedule:
        return self.do("prefetch", buffer=buffer, loop=loop, distance=distance)
