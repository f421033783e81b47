"""Exercises of the loop language: the range of an index, a small interpreter, C for serial loops."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graders.exercise import Exercise, mutants, require
from tensor_compiler import Expression, Function, host_target, interpret, parse
from tensor_compiler.affine import evaluate
from tensor_compiler.traversal import writes

# --- 1: the range of an index ---------------------------------------------------------------------------


def _ranges(index: str, loops: dict[str, tuple[int, int]], hint: str) -> Callable[[Any], None]:
    """Compare the answer on `index` with all values that the index takes."""

    def check(extremes: Callable[..., Any]) -> None:
        expression = _index(index, loops)
        steps = itertools.product(*(range(lower, upper) for lower, upper in loops.values()))
        values = [evaluate(expression, dict(zip(loops, step, strict=True))) for step in steps]
        expected, found = (min(values), max(values)), extremes(expression, dict(loops))
        where = ", ".join(f"{lower} <= {name} < {upper}" for name, (lower, upper) in loops.items())
        require(
            tuple(found) == expected, f"for {index} with {where} it returns {found}, not {expected}", hint
        )

    return check


def _index(index: str, loops: dict[str, tuple[int, int]]) -> Expression:
    lines = ["def f(A: f32[1]):"]
    for depth, (name, (lower, upper)) in enumerate(loops.items(), start=1):
        lines.append(f"{'    ' * depth}for {name} in serial({lower}, {upper}):")
    lines.append(f"{'    ' * (len(loops) + 1)}A[{index}] = 0.0")
    return next(iter(writes(parse("\n".join(lines))))).indices[0]


RANGE = """def extremes(index, loops):
    from tensor_compiler.expression import Binary, Constant, Variable

    match index:
        case Constant(value=value):
            return value, value
        case Variable(name=name):
            lower, upper = loops[name]
            return lower, upper - 1
        case Binary(operator=operator, left=left, right=right):
            a, b = extremes(left, loops)
            c, d = extremes(right, loops)
            if operator == "+":
                return a + c, b + d
            if operator == "-":
                return a - d, b - c
            ends = a * c, a * d, b * c, b * d
            return min(ends), max(ends)
"""
EXTREMES = Exercise(
    name="index-range",
    task="Return the smallest and the largest value that an index takes in its loops.",
    entry="extremes",
    starter='''def extremes(index, loops):
    """index: an expression of constants, loop variables, +, - and *; no variable occurs twice.

    loops: name -> (lower, upper), as in serial(lower, upper). Return (smallest, largest).
    """
    from tensor_compiler.expression import Binary, Constant, Variable

    match index:
        case Constant(value=value):
            return value, value
        case Variable(name=name):
            return loops[name]
        case Binary(operator="+", left=left, right=right):
            a, b = extremes(left, loops)
            c, d = extremes(right, loops)
            return a + c, b + d
''',
    reference=RANGE,
    properties={
        "one variable": _ranges("i", {"i": (0, 8)}, "a loop ends before its upper bound"),
        "a loop that starts late": _ranges(
            "i", {"i": (3, 8)}, "the first value of a loop is its lower bound"
        ),
        "a row-major position": _ranges("8 * i + j", {"i": (0, 4), "j": (0, 8)}, "a sum: add end to end"),
        "a difference": _ranges(
            "i - j", {"i": (0, 4), "j": (0, 8)}, "a difference is smallest where j is largest"
        ),
        "a negative factor": _ranges("15 - -2 * i", {"i": (0, 8)}, "a negative factor turns the ends around"),
        "a product of two variables": _ranges(
            "(i - 3) * (j - 5)", {"i": (0, 8), "j": (0, 8)}, "try all four products of the ends"
        ),
    },
    wrong=mutants(
        RANGE,
        ("takes the upper bound for the last value", "lower, upper - 1", "lower, upper", "ends before"),
        ("starts every loop at 0", "return lower, upper - 1", "return 0, upper - 1", "lower bound"),
        ("subtracts end by end", "a - d, b - c", "a - c, b - d", "where j is largest"),
        (
            "multiplies end by end",
            "ends = a * c, a * d, b * c, b * d",
            "return a * c, b * d",
            "turns the ends",
        ),
        ("looks at two products", "a * c, a * d, b * c, b * d", "a * c, b * d", "all four"),
    ),
)

# --- 2 and 3: programs, with the interpreter of the package as the judge -----------------------------------

FILL = (
    "def f(A: f32[4, 6]):\n    for i in serial(4):\n        for j in serial(2, 6):\n            A[i, j] = {}"
)
ROUNDED = """
def f(x: f32[16], y: f32[16]):
    for i in serial(16):
        y[i] = x[i] * 0.1 - x[i] * 0.3
"""
NESTED = "def f(x: f32[16], y: f32[16]):\n    for i in serial(16):\n        y[i] = x[i] - (x[i] * 0.5 - (1.5 - x[i]))"
PRODUCT = """
def f(A: f32[3, 5], B: f32[5, 4], C: f32[3, 4]):
    for i in serial(3):
        for j in serial(4):
            C[i, j] = 0.0
            for k in serial(5):
                C[i, j] += A[i, k] * B[k, j]
"""
LARGEST = """
def f(x: f32[4, 6], y: f32[4]):
    for i in serial(4):
        y[i] = -inf
        for j in serial(6):
            y[i] = max(y[i], x[i, j])
"""
SWAP = """
def f(x: f32[8], y: f32[8]):
    for i in serial(8):
        kept = x[i]
        x[i] = y[i]
        y[i] = kept
"""
HALVES = "def f(x: f32[16], y: f32[16]):\n    for i in serial(12):\n        y[(i - 5) // 2 + 3] = x[i]"
OUTSIDE = "def f(x: f32[8], y: f32[8]):\n    for i in serial(8):\n        y[i] = x[i - 1]"


def _arrays(function: Function) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {b.name: random.standard_normal(b.extents).astype(np.float32) for b in function.buffers}


def _difference(function: Function, run: Callable[[Function, dict[str, np.ndarray]], None]) -> str:
    """The first element in which `run` differs from the interpreter, or an empty text."""
    expected, found = _arrays(function), _arrays(function)
    interpret(function, *expected.values())
    run(function, found)
    for name, array in expected.items():
        for at in np.ndindex(array.shape):
            if array[at] != found[name][at]:
                return f"{name}{list(at)} is {found[name][at]!r}, not {array[at]!r}"
    return ""


def _interprets(text: str, hint: str) -> Callable[[Any], None]:
    def check(run: Callable[..., None]) -> None:
        difference = _difference(parse(text), run)
        require(not difference, f"{difference}, after\n{text}", hint)

    return check


def _refuses(run: Callable[..., None]) -> None:
    function = parse(OUTSIDE)
    try:
        run(function, _arrays(function))
    except IndexError:
        return
    require(False, "it reads x[-1] without an error", "numpy takes -1 for the last element: compare first")


RUN = """def run(function, arrays):
    import numpy as np
    from tensor_compiler.expression import Binary, Constant, Load, Variable
    from tensor_compiler.statement import For, Let, Reduce, Store

    def place(access, state):
        at = tuple(value(index, state) for index in access.indices)
        array = arrays[access.buffer.name]
        if not all(0 <= index < extent for index, extent in zip(at, array.shape)):
            raise IndexError(at)
        return array, at

    def combine(operator, a, b):
        if operator == "max":
            return max(a, b)
        return a + b if operator == "+" else a - b if operator == "-" else a * b

    def value(node, state):
        match node:
            case Constant():
                return node.value if str(node.dtype) == "s64" else np.float32(node.value)
            case Variable():
                return state[node.name]
            case Load():
                array, at = place(node, state)
                return array[at]
            case Binary():
                return combine(node.operator, value(node.left, state), value(node.right, state))

    def body(statements, state):
        for statement in statements:
            match statement:
                case For():
                    for i in range(value(statement.lower, state), value(statement.upper, state)):
                        body(statement.body, {**state, statement.name: i})
                case Let():
                    state[statement.name] = value(statement.value, state)
                case Store():
                    array, at = place(statement, state)
                    array[at] = value(statement.value, state)
                case Reduce():
                    array, at = place(statement, state)
                    array[at] = combine(statement.operator, array[at], value(statement.value, state))

    body(function.body, {})
"""
INTERPRETER = Exercise(
    name="mini-interpreter",
    task="Run a loop function of four statements and four expressions on numpy arrays.",
    entry="run",
    starter='''def run(function, arrays):
    """function: serial For, Let, Store and Reduce (+ and max) of Constant, Variable, Load and Binary (+ - *).

    arrays: name -> float32 array, written in place. Each operation rounds to f32; an index outside of its
    array raises IndexError. The verdict is the interpreter's of the package, bit by bit.
    """
    import numpy as np
    from tensor_compiler.expression import Binary, Constant, Load, Variable
    from tensor_compiler.statement import For, Let, Reduce, Store

    def value(node, state):
        match node:
            case Constant():
                return node.value
            case Variable():
                return state[node.name]

    def body(statements, state):
        for statement in statements:
            match statement:
                case For():
                    for i in range(value(statement.upper, state)):
                        body(statement.body, {**state, statement.name: i})
                case Store():
                    at = tuple(value(index, state) for index in statement.indices)
                    arrays[statement.buffer.name][at] = value(statement.value, state)

    body(function.body, {})
''',
    reference=RUN,
    properties={
        "fills a rectangle": _interprets(FILL.format("1.0"), "a loop has a lower bound too"),
        "rounds as the oracle does": _interprets(
            ROUNDED, "an f32 operation rounds its result to f32, and a constant of f32 is not Python's float"
        ),
        "multiplies matrices": _interprets(PRODUCT, "a Reduce reads what it updates"),
        "finds the largest": _interprets(LARGEST, "a Reduce names its operator"),
        "swaps": _interprets(SWAP, "a Let binds the value of that moment"),
        "stays in bounds": _refuses,
    },
    wrong=mutants(
        RUN,
        ("starts every loop at 0", "range(value(statement.lower, state), ", "range(0, ", "lower bound"),
        ("computes in double precision", "np.float32(node", "np.float64(node", "rounds its result"),
        ("adds whatever the operator is", "combine(statement.operator, a", 'combine("+", a', "its operator"),
        ("keeps a view for a value", "return array[at]\n", "return array[(*at, ...)]\n", "of that moment"),
        ("leaves the bounds to numpy", "if not all(", "if False and not all(", "the last element"),
    ),
)


def _emits(text: str, hint: str) -> Callable[[Any], None]:
    """Compile what the answer writes for the function of `text`, run it, compare with the interpreter."""

    def check(emit: Callable[..., str]) -> None:
        function = parse(text)
        source = emit(function)
        with tempfile.TemporaryDirectory() as folder:
            code, library = Path(folder) / "answer.c", Path(folder) / "answer.so"
            code.write_text(source)
            flags = ["-O1", "-ffp-contract=off", "-shared", "-fPIC"]
            command = [host_target().compiler, *flags, str(code), "-o", str(library)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            complaint = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
            found = f"the C compiler refuses it: {complaint}\n{source}"
            require(done.returncode == 0, found, "compile it yourself")
            entry = getattr(ctypes.CDLL(str(library)), function.name)

            def run(_: Function, arrays: dict[str, np.ndarray]) -> None:
                entry(*(ctypes.c_void_p(array.ctypes.data) for array in arrays.values()))

            difference = _difference(function, run)
        require(not difference, f"{difference}, from\n{source}", hint)

    return check


BINARY = "{value(node.left)} {node.operator} {value(node.right)}"
EMIT = """def emit(function):
    from tensor_compiler.expression import Binary, Constant, Load, Variable
    from tensor_compiler.statement import For, Reduce, Store

    def place(access):
        offset = "0"
        for index, extent in zip(access.indices, access.buffer.extents):
            offset = f"({offset} * {extent} + {value(index)})"
        return f"{access.buffer.name}[{offset}]"

    def value(node):
        match node:
            case Constant():
                return str(node.value) if str(node.dtype) == "s64" else f"{node.value!r}f"
            case Variable():
                return node.name
            case Load():
                return place(node)
            case Binary(operator="//"):
                return f"floor_div({value(node.left)}, {value(node.right)})"
            case Binary():
                return f"({value(node.left)} {node.operator} {value(node.right)})"

    def lines(statements):
        for statement in statements:
            match statement:
                case For(name=i):
                    yield f"for (long {i} = {value(statement.lower)}; {i} < {value(statement.upper)}; {i}++) {{"
                    yield from lines(statement.body)
                    yield "}"
                case Store():
                    yield f"{place(statement)} = {value(statement.value)};"
                case Reduce():
                    yield f"{place(statement)} += {value(statement.value)};"

    parameters = ", ".join(f"float *{buffer.name}" for buffer in function.buffers)
    return "\\n".join([
        "static long floor_div(long a, long b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }",
        f"void {function.name}({parameters}) {{", *lines(function.body), "}", "",
    ])
"""
EMITTER = Exercise(
    name="emit-c",
    task="Write a loop function of serial loops as C.",
    entry="emit",
    starter='''def emit(function):
    """function: serial For, Store and Reduce (+) of Constant, Variable, Load and Binary (+ - * // %).

    Buffers are f32 and row-major. Return C that defines void NAME(float *A, ...), one pointer per buffer in
    their order. It is compiled without contraction; the verdict is the interpreter's, bit by bit.
    """
    parameters = ", ".join(f"float *{buffer.name}" for buffer in function.buffers)
    return f"void {function.name}({parameters}) {{ }}"
''',
    reference=EMIT,
    properties={
        "fills a rectangle": _emits(
            FILL.format("0.1"), "row-major: the offset of A[i, j] is i times the length of a row, plus j"
        ),
        "rounds as the oracle does": _emits(ROUNDED, "0.1 is a double in C, and pulls the operation with it"),
        "keeps the tree": _emits(NESTED, "the tree says what is done first: write its parentheses"),
        "multiplies matrices": _emits(PRODUCT, "a Reduce adds to what is there"),
        "divides as Python does": _emits(HALVES, "// rounds down, C's / rounds towards 0"),
    },
    wrong=mutants(
        EMIT,
        ("takes rows for columns", "buffer.extents)", "buffer.extents[::-1])", "length of a row"),
        ("writes constants as doubles", 'f"{node.value!r}f"', "repr(node.value)", "a double"),
        ("writes no parentheses", f"({BINARY})", BINARY, "parentheses"),
        ("stores where it should add", " += ", " = ", "adds to what"),
        ("divides as C does", " - (a % b != 0 && (a < 0) != (b < 0))", "", "rounds down"),
    ),
)

EXERCISES = (EXTREMES, INTERPRETER, EMITTER)
