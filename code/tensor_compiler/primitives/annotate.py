"""unroll, vectorize, parallel: a serial loop gets another kind.

    for i in serial(n): S(i)  ->  for i in parallel(n): S(i)

1. The loop is serial.
2. unrolled and vectorized: it runs a fixed number of times.
3. parallel: no two iterations touch one element, one of them writing. vectorized: the same, but that they
   may reduce into one element by the same operator.

Preserves bits, but where a vectorized loop reduces into one element: there up to reassociation.
"""

from __future__ import annotations

from dataclasses import replace

from ..dependence import independent_iterations
from ..legality import Refused, extent, require
from ..statement import For, Function, Kind
from ..traversal import Path, find_loop, replace_at


def unroll(function: Function, loop: str) -> Function:
    """Make `loop` unrolled."""
    path, old = annotated(function, loop, "unrolled")
    return replace_at(function, path, (replace(old, kind="unrolled"),))


def vectorize(function: Function, loop: str, trust: bool = False) -> Function:
    """Make `loop` vectorized."""
    path, old = annotated(function, loop, "vectorized")
    verdict = independent_iterations(function, path, reductions=True)
    hint = "vectorize a loop whose iterations are independent"
    require(function, f"'{loop}' cannot be vectorized", verdict, hint, trust)
    return replace_at(function, path, (replace(old, kind="vectorized"),))


def parallel(function: Function, loop: str, trust: bool = False) -> Function:
    """Make `loop` parallel."""
    path, old = annotated(function, loop, "parallel")
    verdict = independent_iterations(function, path, reductions=False)
    hint = "make another loop parallel, or allocate inside of the loop what each iteration needs for itself"
    require(function, f"'{loop}' cannot be parallel", verdict, hint, trust)
    return replace_at(function, path, (replace(old, kind="parallel"),))


def annotated(function: Function, loop: str, kind: Kind) -> tuple[Path, For]:
    """The loop and its path. Raises Refused unless it can become `kind` by its form."""
    path, old = find_loop(function, loop)
    if old.kind != "serial":
        hint = f"choose a serial loop to be {kind}"
        raise Refused(function, f"'{loop}' is {old.kind} already", hint, [path])
    if kind != "parallel" and extent(old) is None:
        reason = f"'{loop}' cannot be {kind}: how often it runs is not a number"
        raise Refused(function, reason, f"split '{loop}' and take the inner loop", [path])
    return path, old
