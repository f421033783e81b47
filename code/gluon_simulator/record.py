"""Runs the Python source of a Gluon kernel with stand-ins for Gluon's functions, and keeps what it asked for.

This is possible because these kernels decide nothing by data: their loops and slots depend on sizes alone.
A stand-in takes the place of the name under which these kernels import a function of Gluon, so that they are
executed as they are written; `gluon.jit` functions that they call are recorded in their turn.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np

from gluon_simulator.operations import (
    Arrive,
    Copy,
    Multiply,
    Operation,
    Read,
    Recording,
    Wait,
    WaitCopies,
    WaitProducts,
    Write,
)

ELEMENT_BYTES = 2  # every tile is float16


class NotSimulated(ValueError):
    """The kernel asks for something that the simulator has no stand-in for."""


@dataclass(frozen=True)
class Descriptor:
    """A matrix that the kernel reaches tile by tile."""

    name: str
    shape: tuple[int, int]
    tile: tuple[int, int]
    dtype: str = "float16"
    layout: None = None

    @property
    def block_type(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(shape=list(self.tile), nbytes=prod(self.tile) * ELEMENT_BYTES)

    def offsets(self, row: int, column: int) -> np.ndarray:
        """Of the elements of the tile at (row, column)."""
        places = np.ix_(np.arange(row, row + self.tile[0]), np.arange(column, column + self.tile[1]))
        return places[0] * self.shape[1] + places[1]


@dataclass(frozen=True)
class Pointer:
    """A matrix, and offsets from its first element."""

    name: str
    offsets: Any = 0

    def __add__(self, offsets: Any) -> Pointer:
        return Pointer(self.name, self.offsets + offsets)


@dataclass
class _Places:
    """Slots, sums or barriers with consecutive numbers, of which one is chosen by an index."""

    first: int
    shape: list[int]
    recorder: _Recorder

    def index(self, number: int) -> _Places:
        return _Places(self.first + int(number), self.shape[1:], self.recorder)

    def load(self, layout: Any = None) -> _Places:
        """Of a slot: into registers. Of a sum: the sum itself."""
        return self.recorder.read(self)

    def to(self, dtype: Any) -> _Places:
        return self


@dataclass
class _Sum(_Places):
    def load(self, layout: Any = None) -> _Places:
        return self


@dataclass
class _Recorder:
    position: Sequence[int]  # of the program in the grid
    barrier_names: Sequence[str]
    recording: Recording = field(default_factory=Recording)
    current: list[Operation] = field(init=False)
    commits: list[int] = field(default_factory=list)  # how many operations preceded each commit
    functions: dict[int, Callable[..., Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.current = self.recording.programs[0]

    # --- memory -------------------------------------------------------------------------------------

    def allocate(self, dtype: Any, shape: list[int], layout: Any, value: Any = None) -> _Places:
        """Slots of shared memory; a tile that is made from a value is that value."""
        if value is not None:
            return value  # type: ignore[no-any-return]
        first = len(self.recording.slots)
        self.recording.slots += [f"slot {number}" for number in range(shape[0])]
        return _Places(first, list(shape), self)

    def sum(self, *_: Any, **__: Any) -> _Sum:
        self.recording.sums.append(f"sum {len(self.recording.sums)}")
        return _Sum(len(self.recording.sums) - 1, [], self)

    def block(self, name: str, offsets: Any) -> int:
        self.recording.blocks.append((name, np.asarray(offsets)))
        return len(self.recording.blocks) - 1

    def copy(self, name: str, offsets: Any, slot: _Places, barrier: int = -1, size: int = 0) -> None:
        names = self.recording.slots
        if names[slot.first].startswith("slot "):
            names[slot.first] = f"{name}[{names[slot.first].removeprefix('slot ')}]"
        self.current.append(Copy(slot.first, self.block(name, offsets), barrier, size))

    def read(self, slot: _Places) -> _Places:
        self.recording.slots.append(f"the registers of {self.recording.slots[slot.first]}")
        registers = _Places(len(self.recording.slots) - 1, slot.shape, self)
        self.current.append(Read(slot.first, registers.first))
        return registers

    # --- barriers -----------------------------------------------------------------------------------

    def allocate_barriers(self, batch: int) -> _Places:
        barriers = self.recording.barriers
        known = len({name.partition("[")[0] for name, _ in barriers})
        name = self.barrier_names[known] if known < len(self.barrier_names) else f"barriers {known}"
        barriers += [(f"{name}[{number}]", 0) for number in range(batch)]
        return _Places(len(barriers) - batch, [batch], self)

    def init(self, barrier: _Places, count: int) -> None:
        self.recording.barriers[barrier.first] = (self.recording.barriers[barrier.first][0], count)

    def wait(self, barrier: _Places, phase: int, pred: bool = True) -> None:
        if pred:
            self.current.append(Wait(barrier.first, int(phase)))

    def expect(self, barrier: _Places, bytes_per_cta: int, pred: bool = True) -> None:
        if pred:
            self.current.append(Arrive(barrier.first, 1, bytes_per_cta))

    def arrive(self, barrier: _Places, count: int = 1) -> None:
        self.current.append(Arrive(barrier.first, count))

    # --- copies -------------------------------------------------------------------------------------

    def engine_copy(
        self, source: Descriptor, place: Sequence[int], barrier: _Places, slot: _Places, pred: bool = True
    ) -> None:
        if pred:
            row, column = place
            size = source.block_type.nbytes
            self.copy(source.name, source.offsets(row, column), slot, barrier.first, size)

    def engine_write(self, target: Descriptor, place: Sequence[int], value: _Places) -> None:
        row, column = place
        self.current.append(Write(self.block(target.name, target.offsets(row, column)), value.first))

    def thread_copy(self, slot: _Places, source: Pointer, mask: bool = True) -> None:
        if mask:
            self.copy(source.name, source.offsets, slot)

    def commit(self) -> None:
        self.commits.append(len(self.current))

    def wait_group(self, outstanding: int) -> None:
        groups = [0, *self.commits]
        self.current.append(WaitCopies(groups[max(len(groups) - 1 - outstanding, 0)]))

    def store(self, target: Pointer, value: _Places) -> None:
        self.current.append(Write(self.block(target.name, target.offsets), value.first))

    # --- products -----------------------------------------------------------------------------------

    def multiply(self, left: _Places, right: _Places, total: _Sum, is_async: bool = False) -> _Sum:
        self.current.append(Multiply(left.first, right.first, total.first))
        if not is_async:
            self.wait_products(0, (total,))
        return total

    def wait_products(self, num_outstanding: int, deps: tuple[_Sum, ...]) -> Any:
        begun = [n for n, operation in enumerate(self.current) if isinstance(operation, Multiply)]
        before = [0, *(number + 1 for number in begun)][max(len(begun) - num_outstanding, 0)]
        self.current.append(WaitProducts(before))
        return deps[0] if len(deps) == 1 else deps

    def multiply_in_memory(
        self, left: _Places, right: _Places, total: _Sum, use_acc: bool, mbarriers: list[_Places]
    ) -> None:
        barriers = tuple(barrier.first for barrier in mbarriers)
        self.current.append(Multiply(left.first, right.first, total.first, not use_acc, barriers))

    # --- programs -----------------------------------------------------------------------------------

    def warp_specialize(self, partitions: list[Any], warps: list[int], registers: list[int]) -> None:
        main = self.current
        self.recording.fork = len(main)
        for function, arguments in partitions[1:]:
            self.current = []
            self.recording.programs.append(self.current)
            self.recording.names.append(function.__name__)
            function(*arguments)
        self.current = main
        function, arguments = partitions[0]
        self.recording.names[0] = function.__name__
        function(*arguments)

    def of(self, function: Any) -> Callable[..., Any]:
        """The function of a kernel with stand-ins for its globals."""
        body = getattr(function, "fn", function)
        if id(body) not in self.functions:
            names = dict(self.stand_ins())
            self.functions[id(body)] = types.FunctionType(body.__code__, names, body.__name__)
            for name, value in body.__globals__.items():
                if name not in names and isinstance(getattr(value, "fn", value), types.FunctionType):
                    names[name] = self.of(value)
        return self.functions[id(body)]

    def stand_ins(self) -> Mapping[str, Any]:
        def ignored(*_: Any, **__: Any) -> None:
            """A layout or a fence: it moves nothing."""

        gl = {
            "program_id": lambda axis: self.position[axis],
            "num_warps": lambda: 4,
            "cdiv": lambda size, part: -(-size // part),
            "arange": lambda start, end, layout: np.arange(start, end),
            "static_range": range,
            "zeros": self.sum,
            "allocate_shared_memory": self.allocate,
            "convert_layout": lambda value, layout: value,
            "store": self.store,
            "warp_specialize": self.warp_specialize,
            "float16": "float16",
            "float32": "float32",
            **{f"{name}Layout": ignored for name in ("Blocked", "Slice", "SwizzledShared")},
            **{f"{name}Layout": ignored for name in ("NVMMADistributed", "DotOperand")},
        }
        mbarrier = {
            "allocate_mbarrier": self.allocate_barriers,
            **{name: getattr(self, name) for name in ("init", "wait", "expect", "arrive")},
        }
        tma = {
            "async_copy_global_to_shared": self.engine_copy,
            "async_copy_shared_to_global": self.engine_write,
            "store_wait": ignored,
        }
        async_copy = {
            "async_copy_global_to_shared": self.thread_copy,
            "commit_group": self.commit,
            "wait_group": self.wait_group,
        }
        modules = {"gl": gl, "mbarrier": mbarrier, "tma": tma, "async_copy": async_copy}
        return {name: types.SimpleNamespace(**members) for name, members in modules.items()} | {
            "warpgroup_mma": self.multiply,
            "warpgroup_mma_wait": self.wait_products,
            "mma_v2": self.multiply,
            "tcgen05_mma": self.multiply_in_memory,
            "allocate_tensor_memory": self.sum,
            "TensorMemoryLayout": ignored,
            "get_tmem_reg_layout": ignored,
            "fence_async_shared": ignored,
        }


def record(
    kernel: Any,
    *arguments: Any,
    position: Sequence[int] = (0, 0),
    barriers: Sequence[str] = ("ready", "empty"),
    **constants: int,
) -> Recording:
    """What the program at `position` of the grid asks for.

    `kernel` is a Gluon kernel or a Python function written like one; `arguments` are its arguments with a
    `Descriptor` or a `Pointer` for each matrix, `barriers` names its sets of barriers in the order of their
    allocation. Raises NotSimulated.
    """
    recorder = _Recorder(position, barriers)
    try:
        recorder.of(kernel)(*arguments, **constants)
    except (AttributeError, NameError, TypeError) as error:
        name = getattr(getattr(kernel, "fn", kernel), "__name__", "the kernel")
        raise NotSimulated(f"{name} asks for something that has no stand-in: {error}") from error
    return recorder.recording


def grid(m: int, n: int, tile: Sequence[int]) -> list[tuple[int, int]]:
    """The positions of the programs that make an (m, n) result in tiles."""
    return list(product(range(m // tile[0]), range(n // tile[1])))
