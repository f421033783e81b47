"""Small traced programs, run: the oracles of the exercises that transform them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# (name, operator, operands, options): operators are NumPy's, operands names or constants.
Program = list[tuple[str, str, list[Any], dict[str, Any]]]


def forward(program: Program, inputs: dict[str, Any]) -> dict[str, Any]:
    """The value of each name, NumPy's."""
    values = dict(inputs)
    for name, operator, operands, options in program:
        given = [values[each] if isinstance(each, str) else each for each in operands]
        values[name] = getattr(np, operator)(*given, **options)
    return values


def slope(program: Program, inputs: dict[str, Any], name: str) -> Any:
    """How the sum of the last result depends on each element of one input, by differences."""
    slope = np.zeros_like(inputs[name])
    for place in np.ndindex(slope.shape):
        sums = []
        for step in (1e-6, -1e-6):
            moved = inputs[name].copy()
            moved[place] += step
            sums.append(forward(program, {**inputs, name: moved})[program[-1][0]].sum())
        slope[place] = (sums[0] - sums[1]) / 2e-6
    return slope


# (name, operator, operands): an operator that ends in "_" writes into its first operand and has no name.
Lines = list[tuple[str | None, str, list[Any]]]
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "multiply": np.multiply,
    "row": lambda base, index: base[index].copy(),
    "put_row": lambda base, index, new: np.concatenate([base[:index], [new], base[index + 1 :]]),
}


def with_effects(program: Lines, inputs: dict[str, Any], result: str) -> Any:
    """Run a program that works in place, on arrays that it may change."""
    values: dict[str, Any] = dict(inputs)
    for name, operator, operands in program:
        given = [values[each] if isinstance(each, str) else each for each in operands]
        if operator.endswith("_"):
            OPERATIONS[operator[:-1]](*given, out=given[0])
        elif name is not None:
            values[name] = given[0][given[1]] if operator == "row" else OPERATIONS[operator](*given)
    return values[result]
