"""Exercises of programs as data: operations from shapes, derivatives in reverse, programs without effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, require
from graders.traced_programs import OPERATIONS, Lines, Program, forward, slope, with_effects

# --- 1: operations, counted from shapes -----------------------------------------------------------------

X, W = {"x": (8, 64)}, {"x": (8, 64), "W": (64, 256)}
Equations = list[tuple[str, str, list[Any], dict[str, Any], tuple[int, ...]]]
KEPT = {"axis": -1, "keepdims": True}
PRODUCT: Equations = [("h", "matmul", ["x", "W"], {}, (8, 256))]
SCALED: Equations = [("h", "multiply", ["x", 2.0], {}, (8, 64))]
STRETCHED: Equations = [("y", "multiply", ["g", "x"], {}, (8, 64))]
REDUCED: Equations = [("s", "sum", ["x"], KEPT, (8, 1))]
TURNED: Equations = [("t", "transpose", ["x"], {}, (64, 8))]
TWICE: Equations = [
    *PRODUCT,
    ("t", "transpose", ["h"], {}, (256, 8)),
    ("y", "matmul", ["t", "x"], {}, (256, 64)),
]


def _costs(program: Equations, shapes: dict[str, Any], expected: int, hint: str) -> Callable[[Any], None]:
    def check(flops: Callable[..., int]) -> None:
        found = flops(program, shapes)
        told = ", ".join(f"{name} = {operator}{tuple(given)}" for name, operator, given, _, _ in program)
        require(found == expected, f"for {told} with {shapes} it returns {found} instead of {expected}", hint)

    return check


FLOPS_REFERENCE = """def flops(program, shapes):
    from math import prod

    known, total = dict(shapes), 0
    for name, operator, operands, options, shape in program:
        if operator == "matmul":
            total += 2 * prod(shape) * known[operands[0]][-1]
        elif operator in ("sum", "mean", "amax"):
            total += prod(known[operands[0]])
        elif operator not in ("transpose", "expand_dims", "where", "arange"):
            total += prod(shape)
        known[name] = shape
    return total
"""

FLOPS = Exercise(
    name="count-flops",
    task="Count the floating-point operations of a traced program, from shapes alone.",
    entry="flops",
    starter='''def flops(program, shapes):
    """program: a list of (name, operator, operands, options, shape); shapes: those of the inputs, by name.

    An operand is a name or a constant. transpose, expand_dims, where and arange do no arithmetic; sum, mean
    and amax do one operation for each element they read; matmul does a multiplication and an addition for
    each term of each result; all others do one operation for each element of their result.
    """
    from math import prod

    return sum(prod(shape) for name, operator, operands, options, shape in program)
''',
    reference=FLOPS_REFERENCE,
    properties={
        "an elementwise operation": _costs(
            SCALED, X, 512, "one operation for each element of the result, and a constant has no shape"
        ),
        "a stretched operand": _costs(
            STRETCHED, {"g": (64,), **X}, 512, "the result may have more elements than the first operand"
        ),
        "a matrix product": _costs(
            PRODUCT, W, 2 * 8 * 64 * 256, "each result has as many terms as the left operand has columns"
        ),
        "a reduction": _costs(REDUCED, X, 512, "a sum works on what it reads, not on what it leaves"),
        "a view": _costs(TURNED, X, 0, "to turn an array computes nothing"),
        "an intermediate that is read": _costs(
            TWICE,
            W,
            2 * 8 * 64 * 256 + 2 * 256 * 8 * 64,
            "shapes of the program's own results are needed too",
        ),
    },
    wrong=(
        WrongAnswer(
            "counts a term of a product as one operation",
            FLOPS_REFERENCE.replace("2 * prod(shape) *", "prod(shape) *"),
            "as many terms",
        ),
        WrongAnswer(
            "counts what the first operand has",
            FLOPS_REFERENCE.replace(
                "            total += prod(shape)\n", "            total += prod(known[operands[0]])\n"
            ),
            "more elements",
        ),
        WrongAnswer(
            "counts results of reductions",
            FLOPS_REFERENCE.replace("total += prod(known[operands[0]])", "total += prod(shape)"),
            "what it reads",
        ),
        WrongAnswer("counts views", FLOPS_REFERENCE.replace('"transpose", ', ""), "computes nothing"),
        WrongAnswer(
            "forgets the shapes of results",
            FLOPS_REFERENCE.replace("known[name] = shape", "known.setdefault(name, shapes['x'])"),
            "own results",
        ),
    ),
)

# --- 2: derivatives, backwards --------------------------------------------------------------------------


def _pulls(program: Program, hint: str, **shapes: tuple[int, ...]) -> Callable[[Any], None]:
    def check(gradients: Callable[..., dict[str, Any]]) -> None:
        random = np.random.default_rng(0)
        inputs = {name: random.uniform(0.5, 1.5, shape) for name, shape in shapes.items()}
        values = forward(program, inputs)
        found = gradients(program, values)
        told = "; ".join(f"{name} = {operator}{tuple(given)}" for name, operator, given, _ in program)
        for name, value in inputs.items():
            require(name in found, f"for {told} it returns nothing for the input {name}", hint)
            shape = np.shape(found[name])
            require(
                shape == value.shape,
                f"for {told} the gradient of {name}, which is {value.shape}, has shape {shape}",
                hint,
            )
            expected = slope(program, inputs, name)
            require(
                np.allclose(found[name], expected, rtol=1e-5, atol=1e-7),
                f"for {told} the gradient of {name} begins with {np.ravel(found[name])[0]:.4f}, "
                f"differences give {np.ravel(expected)[0]:.4f}",
                hint,
            )

    return check


REVERSE_HEAD = """def gradients(program, values):
    import numpy as np

    def as_shaped(gradient, value):
        while np.ndim(gradient) > np.ndim(value):
            gradient = gradient.sum(0)
        for axis, extent in enumerate(np.shape(value)):
            if extent == 1 and gradient.shape[axis] != 1:
                gradient = gradient.sum(axis, keepdims=True)
        return gradient

    computed = {name for name, *_ in program}
    found = {name: np.zeros_like(value) for name, value in values.items() if name not in computed}
    found[program[-1][0]] = np.ones_like(values[program[-1][0]])
"""
REVERSE_BODY = """    for name, operator, operands, options in reversed(program):
        if name not in found:
            continue
        up, y = found[name], values[name]
        a, b = ([values[o] if isinstance(o, str) else o for o in operands] + [None])[:2]
        back = {
            "add": lambda: (up, up),
            "multiply": lambda: (up * b, up * a),
            "negative": lambda: (-up,),
            "exp": lambda: (up * y,),
            "sum": lambda: (np.broadcast_to(up, a.shape),),
            "matmul": lambda: (up @ b.T, a.T @ up),
        }[operator]()
        for operand, gradient in zip(operands, back):
            if isinstance(operand, str):
                found[operand] = found.get(operand, 0) + as_shaped(gradient, values[operand])
    return {name: gradient for name, gradient in found.items() if name not in computed}
"""

REVERSE = Exercise(
    name="reverse-mode",
    task="Differentiate the sum of a program's last result by each of its inputs, going backwards.",
    entry="gradients",
    starter='''def gradients(program, values):
    """program: a list of (name, operator, operands, options); values: the array of every name, computed.

    Operators: add, multiply, negative, exp, matmul (of matrices), and sum with axis=-1, keepdims=True; NumPy's
    rules of broadcasting hold for the first two. An operand is a name or a constant. The inputs are the names
    that no equation computes. Return, for each input, an array of its shape.
    """
    import numpy as np

    found = {program[-1][0]: np.ones_like(values[program[-1][0]])}
    for name, operator, operands, options in reversed(program):
        if operator == "multiply":
            left, right = operands
            found[left] = found[name] * values[right]
            found[right] = found[name] * values[left]
    return found
''',
    reference=REVERSE_HEAD + REVERSE_BODY,
    properties={
        "a product": _pulls([("y", "multiply", ["a", "b"], {})], "each side gets the other", a=(2,), b=(2,)),
        "a value used twice": _pulls(
            [("y", "multiply", ["a", "a"], {})], "two uses are two contributions, and they add up", a=(2,)
        ),
        "a chain": _pulls(
            [
                ("n", "negative", ["a"], {}),
                ("e", "exp", ["n"], {}),
                ("p", "add", [1.0, "e"], {}),
                ("y", "multiply", ["p", "a"], {}),
            ],
            "the derivative of exp is exp, which has been computed already",
            a=(3,),
        ),
        "a stretched operand": _pulls(
            [("y", "multiply", ["x", "g"], {})],
            "what was stretched over rows gets back the sum over these rows",
            x=(4, 3),
            g=(3,),
        ),
        "a row sum that is stretched again": _pulls(
            [("s", "sum", ["x"], KEPT), ("y", "multiply", ["x", "s"], {})],
            "an extent of 1 that was stretched gets back a sum along that axis",
            x=(4, 3),
        ),
        "a matrix product": _pulls(
            [("h", "matmul", ["x", "W"], {}), ("y", "multiply", ["h", "h"], {})],
            "each side gets the product with the other, turned: check the shapes",
            x=(2, 3),
            W=(3, 4),
        ),
        "an input that is not used": _pulls(
            [("y", "exp", ["a"], {})], "what is not used has a derivative too: zero", a=(2,), b=(3,)
        ),
    },
    wrong=(
        WrongAnswer(
            "overwrites the first contribution",
            REVERSE_HEAD
            + REVERSE_BODY.replace(
                "found.get(operand, 0) + as_shaped(gradient, values[operand])",
                "as_shaped(gradient, values[operand])",
            ),
            "add up",
        ),
        WrongAnswer(
            "forgets to sum over what was stretched",
            REVERSE_HEAD + REVERSE_BODY.replace("as_shaped(gradient, values[operand])", "gradient"),
            "sum over these rows",
        ),
        WrongAnswer(
            "sums leading axes only",
            REVERSE_HEAD.replace("if extent == 1 and gradient.shape[axis] != 1", "if False") + REVERSE_BODY,
            "along that axis",
        ),
        WrongAnswer(
            "forgets to turn the matrices",
            REVERSE_HEAD
            + REVERSE_BODY.replace(
                "(up @ b.T, a.T @ up)", "(up @ np.resize(b, b.T.shape), np.resize(a, a.T.shape) @ up)"
            ),
            "turned",
        ),
        WrongAnswer(
            "returns what it met",
            REVERSE_HEAD.replace("np.zeros_like(value)", "0")
            + REVERSE_BODY.replace(
                "if name not in computed}", "if name not in computed and np.ndim(gradient)}"
            ),
            "zero",
        ),
    ),
)

# --- 3: a program without effects -----------------------------------------------------------------------


def _same(program: Lines, result: str, hint: str) -> Callable[[Any], None]:
    def check(functionalize: Callable[..., Any]) -> None:
        told = "; ".join(
            f"{name or ''}{' = ' if name else ''}{op}{tuple(given)}" for name, op, given in program
        )
        inputs = {"x": np.arange(6.0).reshape(3, 2), "y": np.array([10.0, 20.0])}
        pure, final, copies = functionalize(program, ["x", "y"], result)
        values = {name: array.copy() for name, array in inputs.items()}
        for name, operator, operands in pure:
            require(
                operator in OPERATIONS, f"{told}: the answer uses {operator!r}", "add, multiply, row, put_row"
            )
            require(name not in values, f"{told}: {name!r} is made twice", "each line makes a new name")
            given = [values[each] if isinstance(each, str) else each for each in operands]
            values[name] = OPERATIONS[operator](*given)
        mine = {name: array.copy() for name, array in inputs.items()}
        expected = with_effects(program, mine, result)
        require(
            np.array_equal(values[final], expected),
            f"{told}: {result} is {values[final].tolist()} where it should be {np.asarray(expected).tolist()}",
            hint,
        )
        for name, array in mine.items():
            left = values[copies.get(name, name)]
            require(
                np.array_equal(left, array),
                f"{told}: {name} of the caller would be {left.tolist()} instead of {array.tolist()}",
                "the caller's array has changed: its final content must be copied back",
            )
            require(
                name not in copies or not np.array_equal(array, inputs[name]),
                f"{told}: {name}, which nothing changes, is copied back",
                "copy back what has changed and nothing else",
            )

    return check


FUNCTIONALIZE_REFERENCE = """def functionalize(program, inputs, result):
    pure, views, current = [], {}, {name: name for name in inputs}

    def emit(operator, operands):
        pure.append((f"v{len(pure)}", operator, operands))
        return pure[-1][0]

    def read(name):
        if name in views:
            base, index = views[name]
            return emit("row", [read(base), index])
        return current.get(name, name)

    def write(name, new):
        if name in views:
            base, index = views[name]
            write(base, emit("put_row", [read(base), index, new]))
        else:
            current[name] = new

    for name, operator, operands in program:
        if operator == "row":
            views[name] = operands
        else:
            new = emit(operator.rstrip("_"), [read(each) for each in operands])
            write(operands[0] if operator.endswith("_") else name, new)
    return pure, read(result), {name: current[name] for name in inputs if current[name] != name}
"""

FUNCTIONALIZE = Exercise(
    name="functionalize",
    task="Turn a program that works in place into one in which each line makes a new value.",
    entry="functionalize",
    starter='''def functionalize(program, inputs, result):
    """program: a list of (name, operator, operands). inputs: names of the caller's arrays; result: a name.

    ("h", "add", ["x", 1]) and "multiply" make a new array. ("v", "row", ["x", 0]) makes a view: v is row 0 of x.
    (None, "add_", ["v", "y"]) and "multiply_" write into their first operand, and so into what it is a view of.

    Return (pure, final, copies). pure uses add, multiply, row (which now copies) and ("n", "put_row", ["x", 0,
    "r"]), which makes an array like x with r for row 0; each name is made once. final is the name of the
    result. copies says for each changed input the name of what must be copied back into it.
    """
    return [(name, operator.rstrip("_"), operands) for name, operator, operands in program], result, {}
''',
    reference=FUNCTIONALIZE_REFERENCE,
    properties={
        "nothing in place": _same([("h", "add", ["x", 1])], "h", "this program is pure already"),
        "an update of an array of its own": _same(
            [("h", "add", ["x", 1]), (None, "multiply_", ["h", 2]), ("k", "add", ["h", "h"])],
            "k",
            "after an update the old name stands for a new value",
        ),
        "an update of the caller's array": _same(
            [(None, "add_", ["x", 1]), ("h", "multiply", ["x", 2])], "h", "the result alone is not the effect"
        ),
        "an update through a view": _same(
            [("h", "add", ["x", 0]), ("v", "row", ["h", 1]), (None, "add_", ["v", "y"])],
            "h",
            "a view is a part of its base: the base has changed",
        ),
        "a view of what is updated later": _same(
            [("v", "row", ["x", 0]), (None, "multiply_", ["x", 3]), ("h", "add", ["v", "y"])],
            "h",
            "a view shows what its base contains when the view is read",
        ),
        "two views of one row": _same(
            [
                ("v", "row", ["x", 2]),
                ("w", "row", ["x", 2]),
                (None, "add_", ["v", "y"]),
                ("h", "add", ["w", 0]),
            ],
            "h",
            "two views of one base see each other's updates",
        ),
        "an input that is only read": _same(
            [(None, "add_", ["x", "y"])], "x", "copy back what has changed and nothing else"
        ),
    },
    wrong=(
        WrongAnswer(
            "drops the underscore",
            "def functionalize(program, inputs, result):\n"
            "    lines = [(n or f'u{i}', op.rstrip('_'), given) for i, (n, op, given) in enumerate(program)]\n"
            "    return lines, result, {}\n",
            "stands for a new value",
        ),
        WrongAnswer(
            "forgets the caller",
            FUNCTIONALIZE_REFERENCE.replace(
                "{name: current[name] for name in inputs if current[name] != name}", "{}"
            ),
            "copied back",
        ),
        WrongAnswer(
            "updates the view alone",
            FUNCTIONALIZE_REFERENCE.replace(
                'write(base, emit("put_row", [read(base), index, new]))',
                "views.pop(name); current[name] = new",
            ),
            "the base has changed",
        ),
        WrongAnswer(
            "copies a row when the view is made",
            FUNCTIONALIZE_REFERENCE.replace(
                "base, index = views[name]\n            return emit", "return current[name]; emit"
            )
            .replace("write(base, emit", "current[name] = new; write(base, emit")
            .replace(
                "= operands\n",
                "= operands; current[name] = emit(operator, [read(operands[0]), operands[1]])\n",
            ),
            "when the view is read",
        ),
        WrongAnswer(
            "copies everything back",
            FUNCTIONALIZE_REFERENCE.replace(" if current[name] != name}", "}"),
            "nothing else",
        ),
    ),
)

EXERCISES = (FLOPS, REVERSE, FUNCTIONALIZE)
