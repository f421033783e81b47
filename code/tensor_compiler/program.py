"""Running what was compiled: loop functions one after the other, on the caller's arrays and one arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from .affine import evaluate
from .arguments import Array, BadArgument, aligned_empty, checked
from .dtype import u8
from .expression import Buffer, as_index
from .graph import Graph, Node
from .interpreter import interpret
from .kernel import Kernel
from .memory import Lifetime, Plan, plan, spans
from .schedule import Schedule
from .size import Size, TensorType
from .stage import Staged
from .tracer import Traced

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Frame:
    """What calls with these sizes share: the memory plan, and the shapes of what is made."""

    sizes: Sizes
    plan: Plan
    shapes: dict[str, tuple[int, ...]]


@dataclass
class Program:
    """A function compiled for one set of guards.

    `groups` and `schedules` stand in the order they run, and so do `kernels`; without kernels the loops are
    interpreted. `arena` is kept from call to call, so one call runs at a time.
    """

    traced: Traced
    graph: Graph
    groups: tuple[Staged, ...]
    schedules: tuple[Schedule, ...]
    kernels: tuple[Kernel, ...] = field(repr=False)
    frames: dict[tuple[int, ...], Frame] = field(default_factory=dict, repr=False)
    arena: Array = field(default_factory=lambda: aligned_empty((0,), u8), repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.nodes = self.graph.by_name
        self.buffers = {
            name: Buffer(name, self.nodes[name].dtype, tuple(map(as_index, self.nodes[name].shape)))
            for name in (*(each.name for each in self.graph.parameters), *self.graph.outputs)
        }
        self.literals = {n.name: n["data"].array for n in self.graph.nodes if n.operator == "literal"}
        self.literal_pointers = {name: pointer(array) for name, array in self.literals.items()}
        self.wanted = [[each.name for each in s.function.parameters] for s in self.schedules]

    def accepts(self, types: Sequence[TensorType]) -> Sizes | None:
        """The sizes, if arguments of `types` fulfil the guards, the static extents and dtypes among them."""
        sizes: dict[str, int] = {}
        for parameter, given in zip(self.traced.graph.parameters, types, strict=True):
            if parameter.dtype != given.dtype or len(parameter.shape) != len(given.shape):
                return None
            for extent, found in zip(parameter.shape, given.shape, strict=True):
                if isinstance(found, Size):
                    sizes[found.name] = found.example
                elif extent != found:
                    return None
        return sizes if all(evaluate(guard, sizes) for guard in self.traced.guards) else None

    def frame(self, sizes: Sizes) -> Frame:
        """The memory plan and the shapes for these sizes."""
        key = tuple(sizes[name] for name in sorted(sizes))
        if key not in self.frames:
            made = plan_of(self.graph, self.groups, sizes)
            names = (*made.offsets, *self.graph.outputs)
            shapes = {name: shape_of(self.nodes[name], sizes) for name in names}
            self.frames[key] = Frame(sizes, made, shapes)
        return self.frames[key]

    def run(self, arrays: Sequence[Array], out: Sequence[Array | None], frame: Frame) -> list[Array]:
        """The outputs, in `out` where given. Raises BadArgument before anything is written."""
        names = [parameter.name for parameter in self.graph.parameters]
        memory = {name: checked(self.buffers[name], a) for name, a in zip(names, arrays, strict=True)}
        results = []
        for name, given in zip(self.graph.outputs, out, strict=True):
            memory[name] = self.output(name, given, frame, memory)
            results.append(memory[name])
        with self.lock:
            if self.arena.size < frame.plan.peak:
                self.arena = aligned_empty((frame.plan.peak,), u8)
            if self.kernels:
                self.call(memory, frame)
            else:
                self.interpret(memory, frame)
        return results

    def output(self, name: str, given: Array | None, frame: Frame, memory: Mapping[str, Array]) -> Array:
        """Memory for an output: new, or what is given, which must fit and be nobody else's."""
        if given is None:
            return aligned_empty(frame.shapes[name], self.nodes[name].dtype)
        array = checked(self.buffers[name], given)
        if array.shape != frame.shapes[name]:
            found, wanted = list(array.shape), list(frame.shapes[name])
            raise BadArgument(f"out for '{name}' is {found}, the result {wanted}: pass one of its shape")
        if not array.flags.writeable:
            raise BadArgument(f"out for '{name}' is read-only: pass a writable array")
        for other, taken in {**memory, **self.literals}.items():
            if np.may_share_memory(array, taken):
                raise BadArgument(f"out for '{name}' and '{other}' share memory: pass an array of its own")
        return array

    def call(self, memory: Mapping[str, Array], frame: Frame) -> None:
        """Run the kernels on pointers: everything they get was checked or made here."""
        start = pointer(self.arena)
        values = self.literal_pointers | {name: pointer(array) for name, array in memory.items()}
        values |= {name: start + offset for name, offset in frame.plan.offsets.items()}
        values |= dict(frame.sizes)
        for kernel, names in zip(self.kernels, self.wanted, strict=True):
            kernel.entry(*[values[name] for name in names], kernel.threads)

    def interpret(self, memory: Mapping[str, Array], frame: Frame) -> None:
        """Run the loops element by element."""
        values: dict[str, Array] = self.literals | dict(memory)
        for each in frame.plan.lifetimes:
            offset, dtype = frame.plan.offsets[each.name], self.nodes[each.name].dtype
            part = self.arena[offset : offset + each.bytes].view(dtype.storage)
            values[each.name] = part.reshape(frame.shapes[each.name])
        for schedule, names in zip(self.schedules, self.wanted, strict=True):
            read_off = {size.name for size in schedule.function.sizes}
            given = [name for name in names if name not in read_off]
            interpret(schedule.function, *(values[n] if n in values else frame.sizes[n] for n in given))


def pointer(array: Array) -> int:
    """The address of the first element."""
    address: int = array.__array_interface__["data"][0]
    return address


def plan_of(graph: Graph, groups: Sequence[Staged], sizes: Sizes) -> Plan:
    """Offsets for what lives between the groups."""
    nodes = graph.by_name
    return plan(
        Lifetime(name, count(nodes[name], sizes) * nodes[name].dtype.bytes, *span)
        for name, span in spans(groups, graph.outputs).items()
    )


def shape_of(node: Node, sizes: Sizes) -> tuple[int, ...]:
    return tuple(evaluate(as_index(extent), sizes) for extent in node.shape)


def count(node: Node, sizes: Sizes) -> int:
    """Elements of a node."""
    return int(np.prod(shape_of(node, sizes), dtype=np.int64))
