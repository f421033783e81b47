"""rfactor: a reduction into one element becomes several partial ones, which are reduced at the end.

    for k in serial(n): total[0] += A[k]
    -> total_r = stack(f32[8])
       for k_0 in serial(8): total_r[k_0] = 0
       for k_o in serial(n // 8): for k_i in serial(8): total_r[k_i] += A[k_o * 8 + k_i]
       for k_1 in serial(8): total[0] += total_r[k_1]

1. The loop is serial and not in a vectorized one, and the factor divides the number of its iterations.
2. One Reduce stands directly in the loop, into an element that the loop does not change.
3. Nothing else in the loop touches the buffer that is reduced into.

Preserves the value up to reassociation.
"""

from __future__ import annotations

from dataclasses import replace

from ..access import accesses
from ..expression import Buffer, Constant, Load, Scope, Variable
from ..legality import Refused, require_memory
from ..rewrite import new_name
from ..statement import Allocate, For, Function, Reduce, Statement, Store
from ..traversal import bound_names, find_loop, free_names, loads, map_statements, replace_at, statement_at
from .split import split


def rfactor(
    function: Function, loop: str, factor: int, scope: Scope = "stack", buffer: str | None = None
) -> Function:
    """Reduce `loop` into `factor` partial results; `buffer` says which reduction if there are several."""
    path, old = find_loop(function, loop)
    require_memory(function, path)
    found = [each for each in old.body if isinstance(each, Reduce) and buffer in (None, each.buffer.name)]
    if len(found) != 1:
        reason = f"{len(found)} reductions stand directly in '{loop}'"
        hint = "name one with buffer=" if found else "choose the loop that reduces"
        raise Refused(function, reason, hint, [path])
    reduction = found[0]
    target = reduction.buffer
    here = (*path, old.body.index(reduction))
    inner = {loop} | bound_names(old)
    if any(free_names(index) & inner or any(loads(index)) for index in reduction.indices):
        reason = f"'{loop}' may reduce into another element in each iteration"
        raise Refused(function, reason, "choose the loop over what is summed up", [here])
    touching = [each.path for each in accesses(function, path) if each.buffer.name == target.name]
    if guilty := {each: "" for each in touching if each != here}:
        reason = f"'{loop}' touches '{target.name}' outside of the reduction"
        raise Refused(function, reason, "separate the two with decompose_reduction", guilty)
    if touching.count(here) > 1:
        raise Refused(function, f"the value reduced reads '{target.name}'", "use another buffer", [here])
    partial = Buffer(new_name(function, f"{target.name}_r"), target.dtype, (factor,), scope)
    function = split(function, loop, factor)
    blocks = statement_at(function, path)
    assert isinstance(blocks, For)
    assert isinstance(blocks.body[0], For)
    lane = blocks.body[0].variable

    def swap(statement: Statement) -> Statement:
        if isinstance(statement, Reduce) and statement.buffer == target:
            return replace(statement, buffer=partial, indices=(lane,))
        return statement

    start, end = (Variable(new_name(function, f"{loop}_{n}")) for n in range(2))
    identity = Constant(target.dtype.neutral(reduction.operator), target.dtype)
    collect = Reduce(target, reduction.indices, reduction.operator, Load(partial, (end,)))
    initialise = For(start.name, 0, factor, "serial", (Store(partial, (start,), identity),))
    new = (Allocate(partial), initialise, *map_statements(swap, blocks))
    return replace_at(function, path, (*new, For(end.name, 0, factor, "serial", (collect,))))
