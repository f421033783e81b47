"""From a Python function to one that runs compiled: the steps, each an object that can be printed."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

import numpy as np

from tensor_compiler.arguments import Array, BadArgument, aligned_empty, evaluate
from tensor_compiler.dtype import u8
from tensor_compiler.expression import Binary, as_index
from tensor_compiler.fusion import fuse
from tensor_compiler.graph import Graph, Node, sizes_of
from tensor_compiler.interpreter import interpret
from tensor_compiler.kernel import compile_function
from tensor_compiler.memory import Lifetime, Plan, in_place, plan, spans
from tensor_compiler.passes import PASSES, Pass
from tensor_compiler.rules import RULES, Rule
from tensor_compiler.schedule import Schedule
from tensor_compiler.size import COMPARE, Size, TensorType
from tensor_compiler.stage import Staged, inline, staged
from tensor_compiler.statement import Function
from tensor_compiler.target import Target, host_target
from tensor_compiler.tracer import Traced, trace, type_of

Callback = Callable[[str, Any], None]
Backend = Literal["c", "interpreter"]

NO_MACHINE = Target("none", "none", 64, (), frozenset())  # what rules schedule for if nothing is compiled


@dataclass
class Program:
    """A function compiled for one set of guards: `groups`, `schedules` and `calls` in the order they run."""

    traced: Traced
    graph: Graph
    groups: tuple[Staged, ...]
    schedules: tuple[Schedule, ...]
    calls: tuple[Callable[..., None], ...] = field(repr=False)
    plans: dict[tuple[int, ...], Plan] = field(default_factory=dict, repr=False)
    arena: Array = field(default_factory=lambda: aligned_empty((0,), u8), repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)  # one call at a time: calls share the arena

    def accepts(self, types: Sequence[TensorType]) -> bool:
        """Whether arguments of `types` fulfil the guards, the static extents and dtypes among them."""
        sizes: dict[str, int] = {}
        for parameter, given in zip(self.traced.graph.parameters, types, strict=True):
            if parameter.dtype != given.dtype or len(parameter.shape) != len(given.shape):
                return False
            for extent, found in zip(parameter.shape, given.shape, strict=True):
                if isinstance(found, Size):
                    sizes[found.name] = found.example
                elif extent != found:
                    return False
        return all(holds(guard, sizes) for guard in self.traced.guards)

    def plan(self, sizes: Mapping[str, int]) -> Plan:
        """The memory plan for these sizes."""
        key = tuple(sizes[name] for name in sorted(sizes))
        if key not in self.plans:
            self.plans[key] = plan_of(self.graph, self.groups, sizes)
        return self.plans[key]

    def run(self, arrays: Sequence[Array], out: Sequence[Array | None]) -> list[Array]:
        """The outputs, in `out` where given."""
        sizes = sizes_of(self.graph, arrays)
        made, nodes = self.plan(sizes), self.graph.by_name
        memory = {node.name: array for node, array in zip(self.graph.parameters, arrays, strict=True)}
        memory |= {node.name: node["data"].array for node in self.graph.nodes if node.operator == "literal"}
        for name, given in zip(self.graph.outputs, out, strict=True):
            fresh = aligned_empty(shape_of(nodes[name], sizes), nodes[name].dtype) if given is None else given
            refuse_shared(name, fresh, memory)
            memory[name] = fresh
        with self.lock:
            if self.arena.size < made.peak:
                self.arena = aligned_empty((made.peak,), u8)
            for name, offset in made.offsets.items():
                size = count(nodes[name], sizes) * nodes[name].dtype.bytes
                place = self.arena[offset : offset + size].view(nodes[name].dtype.storage)
                memory[name] = place.reshape(shape_of(nodes[name], sizes))
            for schedule, call in zip(self.schedules, self.calls, strict=True):
                function = schedule.function
                given_sizes = {size.name for size in function.sizes}
                wanted = [each.name for each in function.parameters if each.name not in given_sizes]
                call(*(memory[name] if name in memory else sizes[name] for name in wanted))
        return [memory[name] for name in self.graph.outputs]


def refuse_shared(name: str, out: Array, memory: Mapping[str, Array]) -> None:
    """Raises BadArgument if an output is given memory that is still needed."""
    for other, array in memory.items():
        if np.may_share_memory(out, array):
            raise BadArgument(f"out for '{name}' and '{other}' share memory: pass an array of its own")


class Compiled:
    """A function that compiles itself for the types that it is called with, once for each set of guards.

    `counts` holds calls, compilations, and guard failures (calls that no program so far accepted).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        examples: Sequence[Any],
        target: Target | None,
        backend: Backend,
        schedules: Mapping[str, Rule],
        passes: Sequence[tuple[str, Pass]],
        callback: Callback | None,
    ) -> None:
        self.function, self.backend, self.schedules, self.passes = function, backend, schedules, passes
        self.target = target or (host_target() if backend == "c" else NO_MACHINE)
        self.callback: Callback = callback or (lambda name, artefact: None)
        self.programs: list[Program] = []
        self.counts: Counter[str] = Counter(calls=0, compilations=0, guard_failures=0)
        self.examples = [type_of(example, n) for n, example in enumerate(examples)]
        if examples:
            self.compile(self.examples)

    def __call__(self, *arrays: Array, out: Any = None) -> Any:
        """What the function gives at `arrays`: new arrays, or `out` (one array, or a tuple of them) filled.

        Raises BadArgument, and NotTraceable if it has to be traced again and cannot be.
        """
        self.counts["calls"] += 1
        types = self.types(arrays)
        program = next((each for each in self.programs if each.accepts(types)), None)
        if program is None:
            self.counts["guard_failures"] += bool(self.programs)
            program = self.compile(types)
        outputs = len(program.graph.outputs)
        given = list(out) if isinstance(out, tuple | list) else [out] * outputs
        if len(given) != outputs:
            raise BadArgument(f"there are {outputs} results: pass as many arrays as out, not {len(given)}")
        results = program.run(arrays, given)
        return results[0] if program.traced.single else tuple(results)

    def types(self, arrays: Sequence[Array]) -> list[TensorType]:
        """The types of a call, symbolic where the examples are. Raises BadArgument."""
        found = [type_of(array, n) for n, array in enumerate(arrays)]
        if not self.examples:
            return found
        if len(found) != len(self.examples):
            raise BadArgument(
                f"the function takes {len(self.examples)} arrays, not {len(found)}: pass as many"
            )
        sizes: dict[str, int] = {}
        types = []
        for n, (example, given) in enumerate(zip(self.examples, found, strict=True)):
            if len(example.shape) != len(given.shape):
                raise BadArgument(
                    f"argument {n} has {len(given.shape)} dimension(s), its example "
                    f"{len(example.shape)}: reshape it"
                )
            shape: list[int | Size] = []
            for wanted, extent in zip(example.shape, given.shape, strict=True):
                number = extent.example if isinstance(extent, Size) else extent
                if isinstance(wanted, Size) and sizes.setdefault(wanted.name, number) != number:
                    raise BadArgument(
                        f"the size {wanted.name} is {sizes[wanted.name]} in one argument and {number} in "
                        f"argument {n}: pass arrays that agree"
                    )
                shape.append(Size(wanted.name, number) if isinstance(wanted, Size) else number)
            types.append(TensorType(given.dtype, *shape))
        return types

    def compile(self, types: Sequence[TensorType]) -> Program:
        """Lower the function for `types` through all steps."""
        self.counts["compilations"] += 1
        traced = trace(self.function, *types)
        self.callback("trace", traced.graph)
        graph = traced.graph
        for name, transform in self.passes:
            graph = transform(graph)
            self.callback(name, graph)
        fusion = fuse(graph)
        self.callback("fuse", fusion)
        groups = staged(fusion)
        self.callback("tensor expressions", groups)
        groups = tuple(map(inline, groups))
        self.callback("inline", groups)
        groups = in_place(groups, graph.outputs)
        self.callback("in place", groups)
        examples = {
            extent.name: extent.example for each in types for extent in each.shape if isinstance(extent, Size)
        }
        self.callback("memory plan", plan_of(graph, groups, examples))
        self.callback("loops", tuple(group.function for group in groups))
        schedules = tuple(map(self.scheduled, groups))
        self.callback("schedules", schedules)
        calls = self.calls([schedule.function for schedule in schedules])
        program = Program(traced, graph, groups, schedules, calls)
        self.programs.append(program)
        return program

    def scheduled(self, group: Staged) -> Schedule:
        """The loops of `group` after the rule for its name, or else for its pattern."""
        schedule = Schedule(group.function)
        rule = self.schedules.get(group.name) or self.schedules[group.pattern]
        rule(schedule, group, self.target)
        return schedule

    def calls(self, functions: Sequence[Function]) -> tuple[Callable[..., None], ...]:
        """What runs each loop function; C compilers run side by side."""
        if self.backend == "interpreter":
            return tuple(functools.partial(interpret, function) for function in functions)
        with ThreadPoolExecutor() as pool:
            kernels = tuple(pool.map(lambda each: compile_function(each, self.target), functions))
        self.callback("c", kernels)
        return kernels


def compile(  # noqa: A001, the word for it
    function: Callable[..., Any],
    *examples: Any,
    target: Target | None = None,
    backend: Backend = "c",
    schedules: Mapping[str, Rule] | None = None,
    passes: Sequence[tuple[str, Pass]] = PASSES,
    callback: Callback | None = None,
) -> Compiled:
    """`function` of the array API as a callable on numpy arrays.

    `examples` are numpy arrays or `TensorType`s; without them the first call decides. Extents given as `Size`
    stay symbolic. `schedules` holds rules, by the name of a group or by its pattern, that go before `RULES`.
    `callback(step, artefact)` sees what each step leaves. The back end "interpreter" runs the loops element
    by element and needs no C compiler: it is the oracle of "c". Raises NotTraceable, NoCompiler.
    """
    return Compiled(function, examples, target, backend, RULES | dict(schedules or {}), passes, callback)


def plan_of(graph: Graph, groups: Sequence[Staged], sizes: Mapping[str, int]) -> Plan:
    """Offsets for what lives between the groups."""
    nodes = graph.by_name
    return plan(
        Lifetime(name, count(nodes[name], sizes) * nodes[name].dtype.bytes, *span)
        for name, span in spans(groups, graph.outputs).items()
    )


def holds(guard: Binary, sizes: dict[str, int]) -> bool:
    """Whether a guard holds at these sizes."""
    return COMPARE[guard.operator](evaluate(guard.left, sizes), evaluate(guard.right, sizes))


def shape_of(node: Node, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(evaluate(as_index(extent), dict(sizes)) for extent in node.shape)


def count(node: Node, sizes: Mapping[str, int]) -> int:
    """Elements of a node."""
    return int(np.prod(shape_of(node, sizes), dtype=np.int64))
