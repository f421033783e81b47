"""From a Python function to one that runs compiled: the steps, each an object that can be printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from .arguments import Array, BadArgument
from .fusion import fuse
from .kernel import Kernel, compile_function
from .memory import in_place
from .passes import PASSES, Pass
from .program import Frame, Program, plan_of
from .rules import RULES, Rule
from .schedule import Schedule
from .size import Size, TensorType
from .stage import Staged, inline, staged
from .statement import Function
from .target import Target, host_target
from .tracer import trace, type_of

Artefact = TypeVar("Artefact")
Callback = Callable[[str, Any], None]
Backend = Literal["c", "interpreter"]

NO_MACHINE = Target("none", "none", 64, (), frozenset())  # what rules schedule for if nothing is compiled


class Compiled:
    """A function that compiles itself for the types that it is called with, once for each set of guards.

    `counts` holds calls, compilations, and guard failures (calls that no program so far accepted).
    """

    def __init__(
        self, function: Callable[..., Any], examples: Sequence[Any], target: Target | None,
        threads: int | None, backend: Backend, schedules: Mapping[str, Rule],
        passes: Sequence[tuple[str, Pass]], callback: Callback | None,
    ) -> None:  # fmt: skip
        self.function, self.backend, self.schedules, self.passes = function, backend, schedules, passes
        self.threads = threads
        self.target = target or (host_target() if backend == "c" else NO_MACHINE)
        self.callback: Callback = callback or (lambda name, artefact: None)
        self.programs: list[Program] = []
        self.known: dict[tuple[Any, ...], tuple[Program, Frame]] = {}  # by the dtypes and shapes of a call
        self.counts: Counter[str] = Counter(calls=0, compilations=0, guard_failures=0)
        self.examples = [type_of(example, n) for n, example in enumerate(examples)]
        if examples:
            self.compile(self.examples)

    def __call__(self, *arrays: Array, out: Any = None) -> Any:
        """What the function gives at `arrays`: new arrays, or `out` (one array, or a tuple of them) filled.

        Raises BadArgument, and NotTraceable if it has to be traced again and cannot be.
        """
        self.counts["calls"] += 1
        try:
            key = tuple([(array.dtype, array.shape) for array in arrays])
        except AttributeError:
            key = ()
        if key not in self.known:
            self.known[key] = self.found(self.types(arrays))
        program, frame = self.known[key]
        outputs = len(program.graph.outputs)
        given = list(out) if isinstance(out, tuple | list) else [out] * outputs
        if len(given) != outputs:
            raise BadArgument(f"there are {outputs} results: pass as many arrays as out, not {len(given)}")
        results = program.run(arrays, given, frame)
        return results[0] if program.traced.single else tuple(results)

    def found(self, types: Sequence[TensorType]) -> tuple[Program, Frame]:
        """The program for arguments of these types, compiled if none accepts them."""
        for program in self.programs:
            sizes = program.accepts(types)
            if sizes is not None:
                return program, program.frame(sizes)
        self.counts["guard_failures"] += bool(self.programs)
        program = self.compile(types)
        return program, program.frame(program.accepts(types) or {})

    def types(self, arrays: Sequence[Array]) -> list[TensorType]:
        """The types of a call, symbolic where the examples are. Raises BadArgument."""
        found = [type_of(array, n) for n, array in enumerate(arrays)]
        if not self.examples:
            return found
        if len(found) != len(self.examples):
            what = f"the function takes {len(self.examples)} arrays"
            raise BadArgument(f"{what}, not {len(found)}: pass as many")
        sizes: dict[str, int] = {}
        types = []
        for n, (example, given) in enumerate(zip(self.examples, found, strict=True)):
            if len(example.shape) != len(given.shape):
                ranks = f"{len(given.shape)} dimension(s), its example {len(example.shape)}"
                raise BadArgument(f"argument {n} has {ranks}: reshape it")
            shape: list[int | Size] = []
            for wanted, extent in zip(example.shape, given.shape, strict=True):
                number = extent.example if isinstance(extent, Size) else extent
                if isinstance(wanted, Size) and sizes.setdefault(wanted.name, number) != number:
                    what = f"the size {wanted.name} is {sizes[wanted.name]} in one argument"
                    raise BadArgument(f"{what} and {number} in argument {n}: pass arrays that agree")
                shape.append(Size(wanted.name, number) if isinstance(wanted, Size) else number)
            types.append(TensorType(given.dtype, *shape))
        return types

    def compile(self, types: Sequence[TensorType]) -> Program:
        """Lower the function for `types` through all steps."""
        self.counts["compilations"] += 1
        traced = trace(self.function, *types)
        graph = self.step("trace", traced.graph)
        for name, transform in self.passes:
            graph = self.step(name, transform(graph))
        fusion = self.step("fuse", fuse(graph))
        groups = self.step("tensor expressions", staged(fusion))
        groups = self.step("inline", tuple(map(inline, groups)))
        groups = self.step("in place", in_place(groups, graph.outputs))
        sizes = [extent for each in types for extent in each.shape if isinstance(extent, Size)]
        examples = {size.name: size.example for size in sizes}
        self.step("memory plan", plan_of(graph, groups, examples))
        self.step("loops", tuple(group.function for group in groups))
        schedules = self.step("schedules", tuple(map(self.scheduled, groups)))
        program = Program(traced, graph, groups, schedules, self.kernels(schedules))
        self.programs.append(program)
        return program

    def step(self, name: str, artefact: Artefact) -> Artefact:
        """What a step of the compiler leaves, shown to the callback."""
        self.callback(name, artefact)
        return artefact

    def scheduled(self, group: Staged) -> Schedule:
        """The loops of `group` after the rule for its name, or else for its pattern."""
        schedule = Schedule(group.function)
        rule = self.schedules.get(group.name) or self.schedules[group.pattern]
        rule(schedule, group, self.target)
        return schedule

    def kernels(self, schedules: Sequence[Schedule]) -> tuple[Kernel, ...]:
        """The machine code of each loop function, none for the interpreter; C compilers run side by side."""
        if self.backend == "interpreter":
            return ()
        with ThreadPoolExecutor() as pool:
            kernels = pool.map(self.kernel, [schedule.function for schedule in schedules])
            return self.step("c", tuple(kernels))

    def kernel(self, function: Function) -> Kernel:
        return compile_function(function, self.target, self.threads)


def compile(  # noqa: A001, the word for it
    function: Callable[..., Any], *examples: Any, target: Target | None = None, threads: int | None = None,
    backend: Backend = "c", schedules: Mapping[str, Rule] | None = None,
    passes: Sequence[tuple[str, Pass]] = PASSES, callback: Callback | None = None,
) -> Compiled:  # fmt: skip
    """`function` of the array API as a callable on numpy arrays.

    `examples` are numpy arrays or `TensorType`s; without them the first call decides. Extents given as `Size`
    stay symbolic. Parallel loops run on `threads` threads (all cores). `schedules` holds rules, by the name
    of a group or by its pattern, that go before `RULES`. `callback(step, artefact)` sees what each step
    leaves. The back end "interpreter" runs the loops element by element and needs no C compiler: it is the
    oracle of "c". Raises NotTraceable, NoCompiler.
    """
    rules = RULES | dict(schedules or {})
    return Compiled(function, examples, target, threads, backend, rules, passes, callback)
