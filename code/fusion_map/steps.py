"""The steps of the Block, found in any compiler's operations by following the data.

Names and numbers of operations differ from compiler to compiler, and source lines do not tell the first
norm from the second. What stays is what an operation works on: the product with Wq is the query, whoever
computes it. From there each operation is a step after its operands' latest step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusion_map.operation import FusionMap, Operation

STEPS = (
    "norm 1", "query", "key", "value", "scores", "scale, mask", "softmax", "read", "project", "add 1",
    "norm 2", "expand", "silu", "contract", "add 2",
)  # fmt: skip
_OF_WEIGHT = {
    "Wq": "query",
    "Wk": "key",
    "Wv": "value",
    "Wo": "project",
    "W1": "expand",
    "W2": "contract",
}
# What an operation that is no product does to the result of a step.
_AFTER = {
    "": "norm 1",
    "scores": "scale, mask",
    "project": "add 1",
    "add 1": "norm 2",
    "expand": "silu",
    "contract": "add 2",
}


def steps_of(fusion: FusionMap) -> Mapping[str, str]:
    """The step of each operation, by its name. Raises ValueError for a program without one of the steps."""
    found: dict[str, str] = {}
    weights: dict[str, str] = {name: name for name in _OF_WEIGHT}
    loose: list[Operation] = []
    for operation in fusion.operations():
        if operation.name in found or operation.name in weights:
            continue
        own = [weights[name] for name in operation.operands if name in weights]
        before = [found[name] for name in operation.operands if name in found]
        if operation.kind == "movement" and own and not before:
            weights[operation.name] = own[0]  # a weight in another layout
        elif operation.kind == "constant" or not (before or own or "x" in operation.operands):
            loose.append(operation)
        else:
            found[operation.name] = _step(operation, own, before)
    _adopt(loose, fusion, found)
    if missing := set(STEPS) - set(found.values()):
        raise ValueError(f"{fusion.compiler}: no operation computes {min(missing, key=STEPS.index)}")
    return found


def _step(operation: Operation, weights: Sequence[str], before: Sequence[str]) -> str:
    latest = max(before, key=STEPS.index, default="")
    if operation.kind == "product":
        return _OF_WEIGHT[weights[0]] if weights else ("read" if "value" in before else "scores")
    if operation.kind == "movement":
        return latest or "norm 1"
    if operation.kind == "reduction" and latest in ("scores", "scale, mask"):
        return "softmax"
    return _AFTER.get(latest, latest)


def _adopt(loose: Sequence[Operation], fusion: FusionMap, found: dict[str, str]) -> None:
    """An operation on no data, such as a range or a mask, belongs to the first step that reads it."""
    for operation in reversed(loose):
        readers = [
            found[o.name] for o in fusion.operations() if operation.name in o.operands and o.name in found
        ]
        if readers:
            found[operation.name] = min(readers, key=STEPS.index)


def kernels_of_steps(fusion: FusionMap) -> Mapping[str, tuple[int, ...]]:
    """For each step, the kernels that compute a part of it, counted from 0 in the order in which they run."""
    step = steps_of(fusion)
    return {
        name: tuple(
            number
            for number, kernel in enumerate(fusion.kernels)
            if any(step.get(operation.name) == name for operation in kernel.operations)
        )
        for name in STEPS
    }
