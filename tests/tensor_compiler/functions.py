"""Random functions of the array API, which run on numpy arrays and on arrays being traced alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

Instruction = Callable[[Any, list[Any]], Any]  # from the namespace and the values so far to a value


@dataclass(frozen=True)
class RandomFunction:
    """Calling it gives one array or a tuple; `described` says what it does, for a failure's report."""

    arrays: tuple[np.ndarray[Any, Any], ...]
    instructions: tuple[Instruction, ...]
    described: tuple[str, ...]
    outputs: tuple[int, ...]

    __name__ = "random"

    def __call__(self, *arrays: Any) -> Any:
        values = list(arrays)
        xp = values[0].__array_namespace__()
        for instruction in self.instructions:
            values.append(instruction(xp, values))
        results = tuple(values[output] for output in self.outputs)
        return results[0] if len(results) == 1 else results

    def expected(self) -> tuple[Any, ...]:
        """What numpy gives."""
        result = self(*self.arrays)
        return result if isinstance(result, tuple) else (result,)

    def __repr__(self) -> str:
        shapes = [array.shape for array in self.arrays]
        return f"of {shapes}: {'; '.join(self.described)}; outputs {self.outputs}"


@st.composite
def functions(draw: st.DrawFn, steps: int = 7) -> RandomFunction:
    """Functions whose numbers stay small, so that reassociation changes them little."""
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    shapes = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=2))
    arrays = [random.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]
    values: list[Any] = list(arrays)
    made: list[tuple[str, Instruction]] = []
    for _ in range(draw(st.integers(1, steps))):
        text, instruction = draw(instructions([value.shape for value in values]))
        values.append(instruction(np, values))
        made.append((text, instruction))
    floats = range(len(arrays), len(values))
    more = draw(st.lists(st.sampled_from(list(floats)), max_size=2))
    outputs = (len(values) - 1, *more)
    texts, built = zip(*made, strict=True)
    return RandomFunction(tuple(arrays), built, texts, outputs)


@st.composite
def instructions(draw: st.DrawFn, shapes: list[tuple[int, ...]]) -> tuple[str, Instruction]:
    """One instruction on values of these shapes; each result lies within about -4 and 4."""
    n = draw(st.integers(0, len(shapes) - 1))
    shape = shapes[n]
    number = draw(st.sampled_from([0.0, 1.0, 0.5, 2.0, -1.0]))
    fits = [m for m, other in enumerate(shapes) if broadcasts(shape, other)]
    m = draw(st.sampled_from(fits or [n]))
    kinds = ["scalar", "unary", "binary", "cut", "round"]
    kinds += ["reduce", "slice", "permute", "reshape", "mask"] if shape else []
    products = [p for p, other in enumerate(shapes) if len(other) == len(shape) == 2 and other[0] == shape[1]]
    kinds += ["matmul"] * 2 if products else []
    kinds += ["gram"] if len(shape) == 2 else []
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "scalar":
            sign = draw(st.sampled_from(["+", "-", "*", "turned"]))
            if sign == "turned":
                return f"{number} - v{n}", lambda xp, v: xp.tanh(number - v[n])
            function = {"+": np.add, "-": np.subtract, "*": np.multiply}[sign].__name__
            return f"tanh(v{n} {sign} {number})", lambda xp, v: xp.tanh(getattr(xp, function)(v[n], number))
        case "unary":
            name = draw(st.sampled_from(["negative", "tanh", "abs", "square", "exp"]))
            return f"{name}(v{n})", lambda xp, v: getattr(xp, name)(xp.tanh(v[n]))
        case "binary":
            name = draw(st.sampled_from(["add", "subtract", "multiply", "maximum", "minimum"]))
            return f"{name}(v{n}, v{m})", lambda xp, v: xp.tanh(getattr(xp, name)(v[n], v[m]))
        case "cut":
            return f"v{n} / (1 + v{n}**2)", lambda xp, v: v[n] / (1 + v[n] * v[n])
        case "round":
            return f"f16(v{n})", lambda xp, v: xp.astype(xp.astype(v[n], xp.float16), xp.float32)
        case "reduce":
            name = draw(st.sampled_from(["sum", "mean", "max", "min"]))
            axis, keep = draw(st.sampled_from([None, *range(-len(shape), len(shape))])), draw(st.booleans())
            return f"{name}(v{n}, {axis}, {keep})", lambda xp, v: xp.tanh(
                getattr(xp, name)(v[n], axis=axis, keepdims=keep)
            )
        case "slice":
            keys = tuple(draw(slices(extent)) for extent in shape)
            return f"v{n}[{keys}]", lambda xp, v: v[n][keys]
        case "permute":
            axes = tuple(draw(st.permutations(range(len(shape)))))
            return f"permute(v{n}, {axes})", lambda xp, v: xp.permute_dims(v[n], axes)
        case "reshape":
            size = int(np.prod(shape))
            new = draw(st.sampled_from([(size,), (1, size), (size, 1), (*shape, 1), (-1, shape[-1])]))
            return f"reshape(v{n}, {new})", lambda xp, v: xp.reshape(v[n], new)
        case "mask":
            rows = shape[-1]
            return f"mask(v{n})", lambda xp, v: xp.where(xp.arange(rows) * 2 >= rows, v[n], number)
        case "matmul":
            p = draw(st.sampled_from(products))
            return f"v{n} @ v{p}", lambda xp, v: xp.tanh(v[n] @ v[p])
        case _:
            return f"v{n} @ v{n}.T", lambda xp, v: xp.tanh(v[n] @ v[n].T)


@st.composite
def slices(draw: st.DrawFn, extent: int) -> int | slice:
    """An index, or a slice that is not empty."""
    start = draw(st.integers(0, extent - 1))
    if draw(st.integers(0, 3)) == 0:
        return start
    return slice(start, draw(st.integers(start + 1, extent)), draw(st.integers(1, 2)))


def broadcasts(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether the shapes broadcast to at most three dimensions."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return max(len(first), len(second)) <= 3 and all(a == b or 1 in (a, b) for a, b in pairs)


def close(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """Assert that arrays agree up to the order of sums; a rounding to f16 may fall to the other side."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)
