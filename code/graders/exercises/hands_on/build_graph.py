"""Exercises of build_graph: a tracer, common subexpressions, fusion of element-wise nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, require
from tensor_compiler import TensorType, f32, trace
from tensor_compiler.graph import Graph, Node, run
from tensor_compiler.passes import merge_equal

Function = Callable[..., Any]


def _random(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.uniform(0.5, 2.0, shape).astype(np.float32) for shape in shapes]


# --- 1: a tracer ----------------------------------------------------------------------------------------

OPERATORS = ("add", "subtract", "multiply", "divide", "negative", "sqrt", "exp", "mean", "matmul")


def _norm(x: Any, g: Any) -> Any:
    xp = x.__array_namespace__()
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * g


def _perceptron(x: Any, g: Any, first: Any, second: Any) -> Any:
    xp = x.__array_namespace__()
    h = _norm(x, g) @ first
    return x + (h / (1 + xp.exp(-h))) @ second


def _traces(case: str, hint: str, function: Function, *shapes: tuple[int, ...]) -> Callable[[Any], None]:
    """What the recorded program computes and the shapes it states are numpy's."""

    def check(answer: Function) -> None:
        try:
            program, result = answer(function, *shapes)
        except (TypeError, AttributeError, ValueError) as error:
            require(False, f"{case}: the trace ends with {type(error).__name__}: {error}", hint)
        arrays = _random(*shapes)
        values: dict[str, Any] = {f"x{n}": array for n, array in enumerate(arrays)}
        for name, operator, operands, shape in program:
            require(operator in OPERATORS, f"{case}: {operator!r} is none of {', '.join(OPERATORS)}", hint)
            require(name not in values, f"{case}: two results are called {name!r}", hint)
            given = [values[each] if isinstance(each, str) else each for each in operands]
            options: dict[str, Any] = {"axis": -1, "keepdims": True} if operator == "mean" else {}
            values[name] = getattr(np, operator)(*given, **options)
            found, stated = np.shape(values[name]), tuple(shape)
            require(found == stated, f"{case}: {name} is said to be {stated}, numpy gives {found}", hint)
        expected = function(*arrays)
        require(
            np.allclose(values[result], expected, rtol=1e-5, equal_nan=True),
            f"{case}: the program that was recorded computes {np.ravel(values[result])[0]:.4g} "
            f"where the function computes {np.ravel(expected)[0]:.4g}",
            hint,
        )

    return check


def _refuses_a_branch(answer: Function) -> None:
    def branch(x: Any) -> Any:
        return x + 1 if x - 1 else x

    try:
        answer(branch, (1,))
    except TypeError:
        return
    require(
        False,
        "'x + 1 if x - 1 else x' is traced as if one side were the function",
        "an object without __bool__ is true in Python, whatever it stands for",
    )


TRACER = """import numpy as np


class Tracer:
    def __init__(self, program, name, shape):
        self.program, self.name, self.shape = program, name, shape

    def record(self, operator, *operands, shape=None):
        if shape is None:
            shape = np.broadcast_shapes(*(getattr(each, "shape", ()) for each in operands))
        name = f"{operator}_{len(self.program)}"
        names = [getattr(each, "name", each) for each in operands]
        self.program.append((name, operator, names, shape))
        return Tracer(self.program, name, shape)

    def __bool__(self):
        raise TypeError("the branch depends on numbers that a trace does not know")

    def __array_namespace__(self):
        return Functions

    __add__ = lambda self, other: self.record("add", self, other)
    __radd__ = lambda self, other: self.record("add", other, self)
    __sub__ = lambda self, other: self.record("subtract", self, other)
    __rsub__ = lambda self, other: self.record("subtract", other, self)
    __mul__ = lambda self, other: self.record("multiply", self, other)
    __rmul__ = lambda self, other: self.record("multiply", other, self)
    __truediv__ = lambda self, other: self.record("divide", self, other)
    __rtruediv__ = lambda self, other: self.record("divide", other, self)
    __neg__ = lambda self: self.record("negative", self)

    def __matmul__(self, other):
        return self.record("matmul", self, other, shape=(*self.shape[:-1], other.shape[-1]))


class Functions:
    sqrt = lambda x: x.record("sqrt", x)
    exp = lambda x: x.record("exp", x)
    mean = lambda x, axis, keepdims: x.record("mean", x, shape=(*x.shape[:-1], 1))


def trace(function, *shapes):
    program = []
    result = function(*(Tracer(program, f"x{n}", shape) for n, shape in enumerate(shapes)))
    return program, result.name
"""

TRACE = Exercise(
    name="tracer",
    task="Write the tracer that leaves a program of the block's perceptron.",
    entry="trace",
    starter='''class Tracer:
    """An array without numbers. What happens to it is written down."""

    def __init__(self, program, name, shape):
        self.program, self.name, self.shape = program, name, shape

    def record(self, operator, *operands):
        name = f"{operator}_{len(self.program)}"
        names = [getattr(each, "name", each) for each in operands]
        self.program.append((name, operator, names, self.shape))
        return Tracer(self.program, name, self.shape)

    def __add__(self, other):
        return self.record("add", self, other)

    def __mul__(self, other):
        return self.record("multiply", self, other)


def trace(function, *shapes):
    """Run function on arrays of these shapes; return (program, name of the result).

    program: a list of (name, operator, operands, shape); arguments are x0, x1, ...
    Operators: add, subtract, multiply, divide, negative, sqrt, exp, matmul, and mean,
    along the last axis and keeping it. A branch on numbers is a TypeError.
    """
    program = []
    inputs = [Tracer(program, f"x{n}", shape) for n, shape in enumerate(shapes)]
    return program, function(*inputs).name
''',
    reference=TRACER,
    properties={
        "two operations": _traces(
            "x * x + 1", "each result needs a name of its own", lambda x: x * x + 1, (4,)
        ),
        "the same operation twice": _traces(
            "x * x * x", "each result needs a name of its own", lambda x: x * x * x, (4,)
        ),
        "a number on the left": _traces(
            "1 - 2 / x", "which side of the sign does self stand on?", lambda x: 1 - 2 / x, (4,)
        ),
        "shapes that broadcast": _traces(
            "g * x", "both operands have a say: look at numpy.broadcast_shapes", lambda g, x: g * x, (4,), (3, 4)
        ),
        "the norm": _traces("rmsnorm", "mean leaves 1 of the last axis", _norm, (3, 4), (4,)),
        "the perceptron": _traces(
            "mlp", "a product has the rows of one and the columns of the other",
            _perceptron, (3, 4), (4,), (4, 5), (5, 4),
        ),
        "a branch on a shape": _traces(
            "x + 1 if x.shape[0] == 3 else x", "shapes are known: leave them tuples of int",
            lambda x: x + 1 if x.shape[0] == 3 else x, (3, 4),
        ),
        "no branch on numbers": _refuses_a_branch,
    },
    wrong=(
        WrongAnswer("names by operator", TRACER.replace("{operator}_{len(self.program)}", "{operator}"), "of its own"),
        WrongAnswer(
            "takes every number for the right operand",
            TRACER.replace('"divide", other, self', '"divide", self, other'), "which side",
        ),
        WrongAnswer(
            "takes the shape of the left operand",
            TRACER.replace('np.broadcast_shapes(*(getattr(each, "shape", ()) for each in operands))', "self.shape"),
            "broadcast_shapes",
        ),
        WrongAnswer("drops the axis of a mean", TRACER.replace("(*x.shape[:-1], 1)", "x.shape[:-1]"), "leaves 1"),
        WrongAnswer("takes a branch that it cannot know", TRACER.replace("__bool__", "_bool"), "is true in Python"),
    ),
)  # fmt: skip

# --- 2: common subexpressions ---------------------------------------------------------------------------


def _merges(case: str, hint: str, function: Function) -> Callable[[Any], None]:
    """The answer's graph computes the same, with as few nodes as the package leaves."""

    def check(answer: Function) -> None:
        graph = trace(function, TensorType(f32, 4, 4), TensorType(f32, 4, 4)).graph
        merged, arrays = answer(graph), _random((4, 4), (4, 4))
        require(isinstance(merged, Graph), f"{case}: it returns a {type(merged).__name__}, not a Graph")
        expected, found = run(graph, *arrays), run(merged, *arrays)
        require(
            len(found) == len(expected), f"{case}: of {len(expected)} outputs {len(found)} are left", hint
        )
        for one, other in zip(expected, found, strict=True):
            same = one.dtype == other.dtype and np.array_equal(one, other)
            require(same, f"{case}: the merged graph computes something else", hint)
        fewest, count = len(merge_equal(graph).nodes), len(merged.nodes)
        require(count <= fewest, f"{case}: it leaves {count} nodes, {fewest} are enough", hint)

    return check


def _sums(x: Any, y: Any) -> Any:
    xp = x.__array_namespace__()
    return xp.sum(x, axis=0) - xp.sum(x, axis=1)


def _casts(x: Any, y: Any) -> Any:
    xp = x.__array_namespace__()
    return xp.astype(x, xp.int32), xp.astype(x, xp.float64)


def _shapes(x: Any, y: Any) -> Any:
    xp = x.__array_namespace__()
    return xp.reshape(x, (2, 8)) + 1, xp.reshape(x, (8, 2)) + 1


MERGE = """def merge_equal(graph):
    seen, aliases, nodes = {}, {}, []
    for node in graph.nodes:
        operands = [aliases.get(each, each) if isinstance(each, str) else each for each in node.operands]
        if node.operator in ("add", "multiply", "maximum", "minimum"):
            operands.sort(key=str)
        key = (node.operator, tuple(operands), node.dtype, node.shape, node.attributes)
        if key in seen:
            aliases[node.name] = seen[key]
        else:
            seen[key] = node.name
            nodes.append(node)
    return graph.rebuilt(nodes, aliases)
"""

CSE = Exercise(
    name="merge-equal",
    task="Write the pass that computes once what a graph computes twice.",
    entry="merge_equal",
    starter='''def merge_equal(graph):
    """Return a graph that computes the same and no node twice.

    A node has .name, .operator, .operands (names of nodes, or scalars), .dtype,
    .shape and .attributes. graph.rebuilt(nodes, aliases) is the graph of these nodes,
    with each name in aliases replaced.
    """
    nodes, aliases = [], {}
    for node in graph.nodes:
        nodes.append(node)
    return graph.rebuilt(nodes, aliases)
''',
    reference=MERGE,
    properties={
        "what is computed twice": _merges(
            "x * x + x * x", "which earlier node has the same operator and operands?", lambda x, y: x * x + x * x
        ),
        "operands that became equal": _merges(
            "(x * x + 1) / (x * x + 1)", "look an operand up in aliases before you compare it",
            lambda x, y: (x * x + 1) / (x * x + 1),
        ),
        "different constants": _merges(
            "(x + 1) * (x + 2)", "a scalar is an operand too", lambda x, y: (x + 1) * (x + 2)
        ),
        "operands in another order": _merges(
            "(x - y) * (y - x)", "x - y is not y - x", lambda x, y: (x - y) * (y - x)
        ),
        "where order does not matter": _merges(
            "x * y + y * x", "for some operators the order of the operands does not matter",
            lambda x, y: x * y + y * x,
        ),
        "sums along different axes": _merges(
            "sum(x, axis=0) - sum(x, axis=1)", "attributes say what an operator does", _sums
        ),
        "results of different types": _merges(
            "astype(x, int32), astype(x, float64)", "the same operator may give another dtype", _casts
        ),
        "results of different shapes": _merges(
            "reshape(x, (2, 8)), reshape(x, (8, 2))", "the same operator may give another shape", _shapes
        ),
        "two equal outputs": _merges(
            "x * x, x * x", "the caller still gets two arrays: let rebuilt see to it", lambda x, y: (x * x, x * x)
        ),
    },
    wrong=(
        WrongAnswer("forgets the scalars", MERGE.replace("tuple(operands)", "*(e for e in operands if isinstance(e, str))"), "scalar is an operand"),
        WrongAnswer(
            "sorts the operands of every operator",
            MERGE.replace('node.operator in ("add", "multiply", "maximum", "minimum")', "True"), "is not y - x",
        ),
        WrongAnswer("merges sums along other axes", MERGE.replace(", node.attributes)", ")"), "attributes say"),
        WrongAnswer("forgets the dtype", MERGE.replace("node.dtype, ", ""), "another dtype"),
        WrongAnswer("forgets the shape", MERGE.replace("node.shape, ", ""), "another shape"),
        WrongAnswer(
            "drops an output",
            MERGE.replace(
                "    return graph.rebuilt(nodes, aliases)",
                "    from dataclasses import replace\n\n    merged = graph.rebuilt(nodes, aliases)\n"
                "    kept = tuple(dict.fromkeys(aliases.get(each, each) for each in graph.outputs))\n"
                "    return replace(merged, outputs=kept)",
            ),
            "two arrays",
        ),
    ),
)  # fmt: skip

# --- 3: fusion of element-wise nodes --------------------------------------------------------------------


def _in_a_circle(groups: list[list[Node]]) -> bool:
    """Whether groups need each other, so that none of them can run first."""
    owner = {node.name: number for number, group in enumerate(groups) for node in group}
    needs = [{owner[n] for node in group for n in node.names if n in owner} for group in groups]
    left, done = set(range(len(groups))), set[int]()
    while ready := {n for n in left if needs[n] - {n} <= done}:
        left, done = left - ready, done | ready
    return bool(left)


def _fuses(case: str, hint: str, fewest: int, function: Function) -> Callable[[Any], None]:
    def check(answer: Function) -> None:
        graph = trace(function, TensorType(f32, 4, 4), TensorType(f32, 4, 4)).graph
        names = [list(group) for group in answer(graph)]
        placed, known = sorted(n for group in names for n in group), graph.by_name
        require(
            placed == sorted(n.name for n in graph.nodes), f"{case}: not every node is in one group", hint
        )
        groups = [[known[name] for name in group] for group in names]
        for group in groups:
            kinds, shapes = {n.definition.kind for n in group}, {n.shape for n in group}
            text = ", ".join(n.operator for n in group)
            require(len(group) == 1 or kinds == {"elementwise"}, f"{case}: a group holds {text}", hint)
            require(len(shapes) == 1, f"{case}: a group holds {len(shapes)} shapes ({text})", hint)
        require(not _in_a_circle(groups), f"{case}: two groups need each other, none can run first", hint)
        require(len(groups) <= fewest, f"{case}: it leaves {len(groups)} groups, {fewest} are enough", hint)

    return check


def _normalised(x: Any, y: Any) -> Any:
    xp = x.__array_namespace__()
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + 1)


def _around(x: Any, y: Any) -> Any:
    h = x + 1
    return h + h @ y


def _far_around(x: Any, y: Any) -> Any:
    h = x + 1
    return h + h @ y @ y


FUSE = """def fuse(graph):
    nodes, groups, owner = graph.by_name, [], {}

    def reads(number):
        return {owner[o] for name in groups[number] for o in nodes[name].names if o in owner} - {number}

    def needs(number, other):
        return any(each == other or needs(each, other) for each in reads(number))

    for node in graph.nodes:
        producers = {owner[o] for o in node.names if o in owner}
        for number in sorted(producers, reverse=True):
            first = nodes[groups[number][0]]
            alike = {node.definition.kind, first.definition.kind} == {"elementwise"}
            if alike and node.shape == first.shape and not any(needs(p, number) for p in producers - {number}):
                break
        else:
            number = len(groups)
            groups.append([])
        groups[number].append(node.name)
        owner[node.name] = number
    return groups
"""

FUSION = Exercise(
    name="fuse-elementwise",
    task="Write the rule that makes one loop function of element-wise nodes.",
    entry="fuse",
    starter='''def fuse(graph):
    """Return groups, lists of names of nodes, each node in one of them.

    A group of several holds element-wise nodes of one shape, and a node joins the group
    of an operand: see node.definition.kind, node.shape, node.names, graph.by_name. The
    groups must be able to run one after the other.
    """
    return [[node.name] for node in graph.nodes]
''',
    reference=FUSE,
    properties={
        "a chain": _fuses("(x + 1) * y / 2", "a node joins the group of an operand", 1,
                          lambda x, y: (x + 1) * y / 2),
        "two arms": _fuses("(x + 1) * (y + 2)", "of two operands' groups, one can take the node", 2,
                           lambda x, y: (x + 1) * (y + 2)),
        "a product between": _fuses("(x + 1) @ y", "a reduction or a product stays by itself here", 2,
                                    lambda x, y: (x + 1) @ y),
        "a broadcast": _fuses("x / sqrt(mean(x * x) + 1)", "the nodes of a group share one loop, so one shape", 4,
                              _normalised),
        "around a product": _fuses("h + h @ y", "does an operand's group need the group that you join?", 3,
                                   _around),
        "around a product and more": _fuses("h + h @ y @ y", "a group may need another through others", 4,
                                            _far_around),
    },
    wrong=(
        WrongAnswer(
            "fuses whatever is connected",
            FUSE.replace('{node.definition.kind, first.definition.kind} == {"elementwise"}', "True"), "by itself",
        ),
        WrongAnswer("ignores shapes", FUSE.replace("node.shape == first.shape", "True"), "so one shape"),
        WrongAnswer(
            "makes a circle",
            FUSE.replace(" and not any(needs(p, number) for p in producers - {number})", ""), "need the group",
        ),
        WrongAnswer(
            "looks one step back",
            FUSE.replace("needs(p, number) for p", "number in reads(p) for p"), "through others",
        ),
    ),
)  # fmt: skip

EXERCISES = (TRACE, CSE, FUSION)
