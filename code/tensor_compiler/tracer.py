"""Tracing: a function of the array API runs once on arrays without numbers, and leaves a graph.

The names of nodes are those of the variables that hold them, as far as the trace sees them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from .dtype import DTYPES, DType, bf16, boolean
from .expression import Binary
from .graph import Data, Graph, Line, Node, Operand, extent_text, type_text
from .size import Extents, Size, Symbol, TensorType, plain, symbol
from .traversal import fresh_name
from .verify import reserved

HERE = str(Path(__file__).parent)


class NotTraceable(TypeError):
    """What a function does that has no place in a graph: one sentence that says what to do."""


@dataclass(frozen=True)
class Traced:
    """The graph of a function, and what the sizes must fulfil for it to hold.

    `single` says that the function returns one array, not a tuple.
    """

    graph: Graph
    guards: tuple[Binary, ...]
    single: bool


def trace(function: Callable[..., Any], *examples: Any) -> Traced:
    """Run `function` on tracers of the types of `examples`: numpy arrays or `TensorType`s.

    Raises NotTraceable.
    """
    return Trace().run(function, [type_of(example, n) for n, example in enumerate(examples)])


def type_of(example: Any, position: int) -> TensorType:
    """The type of an example. Raises NotTraceable if it has none."""
    if isinstance(example, TensorType):
        return example
    if not isinstance(example, np.ndarray):
        what = f"argument {position} is a {type(example).__name__}"
        raise NotTraceable(f"{what}: pass a numpy array or a TensorType")
    return TensorType(dtype_of(example.dtype), *example.shape)


def dtype_of(value: Any) -> DType:
    """The dtype that a numpy dtype or its name stands for; uint16 holds bf16. Raises NotTraceable."""
    if isinstance(value, DType):
        return value
    name = str(value) if str(value) == "bfloat16" else np.dtype(value).name
    for dtype in DTYPES.values():
        if name == dtype.storage or (dtype == bf16 and name == "bfloat16"):
            return dtype
    raise NotTraceable(f"there is no dtype {name}: convert to one of {', '.join(DTYPES)}")


def caller() -> FrameType | None:
    """The frame of the user's code that asked for an operator."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame


def untraceable(sentence: str) -> NotTraceable:
    """The error that says `sentence`, and where the user's code is."""
    frame = caller()
    place = f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})" if frame else ""
    return NotTraceable(f"{sentence}{place}")


class Trace:
    """The nodes so far, and what the user calls them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.guards: list[Binary] = []
        self.called: dict[str, str] = {}  # provisional name -> name in the user's code
        self.literals: dict[int, tuple[Any, Tracer]] = {}
        self.root: FrameType | None = None

    def run(self, function: Callable[..., Any], types: list[TensorType]) -> Traced:
        code = getattr(function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code else ()
        parameters = []
        for position, given in enumerate(types):
            shape = tuple(symbol(e, self.guards) if isinstance(e, Size) else e for e in given.shape)
            if given.dtype == boolean:
                raise NotTraceable(f"argument {position} is bool: pass uint8 and compare it with 0")
            tracer = self.add("parameter", (), given.dtype, shape)
            self.called[tracer.name] = names[position] if position < len(names) else f"x{position}"
            parameters.append(tracer)
        self.root = caller()
        result = function(*parameters)
        single = not isinstance(result, tuple | list)
        name = getattr(function, "__name__", "graph")
        graph = self.graph(name, parameters, [result] if single else list(result))
        return Traced(graph, tuple(self.guards), single)

    def graph(self, name: str, parameters: list[Tracer], outputs: list[Any]) -> Graph:
        final: list[str] = []
        for each in outputs:
            output = self.literal(np.asarray(each)) if isinstance(each, np.ndarray | np.generic) else each
            if not isinstance(output, Tracer):
                what = f"the function returns a {type(output).__name__}"
                raise NotTraceable(f"{what}: return arrays made from its arguments")
            if output.dtype == boolean:
                what = "the function returns bool"
                raise NotTraceable(f"{what}: return where(mask, 1, 0) of a dtype with numbers")
            made = next(node for node in self.nodes if node.name == output.name)
            copied = output.name in final or made.operator in ("parameter", "literal")
            final.append((output.copy() if copied else output).name)
        self.called |= {output: "result" for output in final if output not in self.called}
        names = self.names()
        nodes = []
        for node in self.nodes:
            operands = tuple(names[each] if isinstance(each, str) else each for each in node.operands)
            nodes.append(replace(node, name=names[node.name], operands=operands))
        count = len(parameters)
        stem = name if name.isidentifier() and not reserved(name) else "graph"
        return Graph(stem, tuple(nodes[:count]), tuple(nodes[count:]), tuple(names[o] for o in final))

    def names(self) -> dict[str, str]:
        """The final name of each node: the user's, or its operator's; unique, and fit for C."""
        sizes = {e.name for node in self.nodes for e in node.shape if hasattr(e, "name")}
        taken, names = set(sizes), {}
        for node in sorted(self.nodes, key=lambda each: each.name not in self.called):
            stem = self.called.get(node.name, node.operator).replace("__", "_")
            banned = {stem} if reserved(stem) else set()
            names[node.name] = fresh_name(stem, taken | banned)
            taken.add(names[node.name])
        return names

    def add(
        self, operator: str, operands: tuple[Operand, ...], dtype: DType, shape: Extents, **attributes: Any
    ) -> Tracer:
        """A new node, on the line of the user's code that is being run."""
        frame, line = caller(), None
        if frame:
            line = Line(frame.f_code.co_filename, frame.f_lineno)
            self.look(frame)
        extents = tuple(map(plain, shape))
        name, kept = f"%{len(self.nodes)}", tuple(attributes.items())
        node = Node(name, operator, operands, dtype, extents, kept, line)
        self.nodes.append(node)
        return Tracer(self, node.name, dtype, shape)

    def frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        """`frame` and those that called it, up to where the trace began."""
        while frame and frame is not self.root:
            yield frame
            frame = frame.f_back

    def look(self, frame: FrameType | None) -> None:
        """Learn the names of the arrays that the user's variables hold, the outermost function first."""
        for each in reversed(list(self.frames(frame))):
            for name, value in each.f_locals.items():
                if isinstance(value, Tracer) and value.trace is self:
                    self.called.setdefault(value.name, name)

    def literal(self, array: Any) -> Tracer:
        """A numpy array that the function holds on to, such as a weight."""
        if id(array) not in self.literals:
            data = np.array(array, order="C")
            tracer = self.add("literal", (), dtype_of(data.dtype), data.shape, data=Data(data))
            self.literals[id(array)] = array, tracer  # the array too: its id stays taken
            for frame in self.frames(caller()):
                for name, value in (*frame.f_globals.items(), *frame.f_locals.items()):
                    if value is array:
                        self.called[tracer.name] = name
        return self.literals[id(array)][1]


class Tracer:
    """An array without numbers: dtype and shape. Each operator on it adds a node to the trace."""

    __array_ufunc__ = None  # numpy arrays leave operators with a tracer to the tracer

    def __init__(self, trace: Trace, name: str, dtype: DType, shape: Extents) -> None:
        self.trace, self.name, self.dtype, self.shape = trace, name, dtype, shape

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        from .namespace import Namespace

        return Namespace(self.trace)

    def __repr__(self) -> str:
        return f"<array being traced: {type_text(self.dtype, self.shape)}>"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self) -> Tracer:  # noqa: N802, the array API's name
        if self.ndim != 2:
            raise untraceable(f"T is of 2 dimensions, not of {self.ndim}: use permute_dims or mT")
        return self.mT

    @property
    def mT(self) -> Tracer:  # noqa: N802, the array API's name
        if self.ndim < 2:
            raise untraceable(f"mT is of 2 dimensions or more, not of {self.ndim}")
        axes = (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2)
        result: Tracer = self.__array_namespace__().permute_dims(self, axes)
        return result

    def copy(self) -> Tracer:
        return self.trace.add("copy", (self.name,), self.dtype, self.shape)

    def __bool__(self) -> bool:
        what = "the branch depends on the numbers of an array, which a trace does not know"
        raise untraceable(f"{what}: choose with where(condition, a, b)")

    def refuse_number(self) -> Any:
        what = "the function asks for the number in an array"
        raise untraceable(f"{what}, which a trace does not know: keep the array")

    __int__ = __float__ = __index__ = __array__ = refuse_number

    def __iter__(self) -> Any:
        raise untraceable("a loop over an array has no place in a graph: index or reduce it")

    def __setitem__(self, key: Any, value: Any) -> None:
        raise untraceable("an array being traced cannot be written to: make a new one with where")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise untraceable(f"an array has no '{name}' here: use the array API's functions")

    def __getitem__(self, key: Any) -> Tracer:
        from .namespace import index

        return index(self, key)


def broadcast_shapes(what: str, shapes: Sequence[Extents]) -> Extents:
    """The shape that all broadcast to. Raises NotTraceable, naming both shapes."""
    result: list[int | Symbol] = []
    for depth in range(1, 1 + max(map(len, shapes), default=0)):
        extents = [shape[-depth] for shape in shapes if len(shape) >= depth]
        extent = extents[0]
        for other in extents[1:]:
            if isinstance(extent, int) and extent == 1:
                extent = other
            if (isinstance(other, int) and other == 1) or extent == other or other == 1:
                continue
            if extent == 1:
                extent = other
                continue
            names = " and ".join(f"[{', '.join(map(extent_text, shape))}]" for shape in shapes if shape)
            differ = f"the extents {extent} and {other} differ, make them equal or 1"
            raise untraceable(f"'{what}' of {names}: {differ}")
        result.insert(0, extent)
    return tuple(result)
