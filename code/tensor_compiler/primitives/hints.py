"""non_temporal and prefetch: hints to the memory system.

    Y[i, j] = v                  -> non_temporal  Y[i, j]: non_temporal = v
    for i in ...: v(X[i, j])     -> prefetch      for i in ...: { prefetch(X[i + 1, j]); v(X[i, j]) }

1. non_temporal: the loop stores to the buffer, and does not read it.
2. prefetch: the loop reads the buffer at elements that move with it.

Preserves bits: the values are the same.
"""

from __future__ import annotations

from dataclasses import replace

from ..access import READS, accesses
from ..expression import Variable
from ..legality import Refused
from ..simplify import simplify
from ..statement import For, Function, If, Prefetch, Statement, Store
from ..traversal import (
    find_buffer,
    find_loop,
    free_names,
    loads,
    map_statements,
    replace_at,
    substitute,
    walk,
)


def non_temporal(function: Function, buffer: str, loop: str) -> Function:
    """Let the stores of `loop` to `buffer` go past the caches."""
    find_buffer(function, buffer)
    path, old = find_loop(function, loop)
    inside = [access for access in accesses(function, path) if access.buffer.name == buffer]
    if guilty := {access.path: access.kind.split(" ")[0] for access in inside if access.kind == READS}:
        reason = f"'{loop}' reads '{buffer}', which would come back from memory"
        hint = "keep it in a cache, or choose an inner loop that only writes"
        raise Refused(function, reason, hint, guilty)

    def marked(statement: Statement) -> Statement:
        if isinstance(statement, Store) and statement.buffer.name == buffer:
            return replace(statement, non_temporal=True)
        return statement

    (new,) = map_statements(marked, old)
    if new == old:
        reason = f"'{loop}' has no store to '{buffer}' that a hint could change"
        raise Refused(function, reason, "choose the loop that stores it", [path])
    return replace_at(function, path, (new,))


def prefetch(function: Function, buffer: str, loop: str, distance: int = 1) -> Function:
    """Before the first statement in `loop` that reads `buffer`, fetch what it reads `distance` later."""
    find_buffer(function, buffer)
    path, old = find_loop(function, loop)
    for below, statement in walk(old.body):
        read = [] if isinstance(statement, For | If) else loads(statement)
        for load in read:
            if load.buffer.name == buffer and any(loop in free_names(index) for index in load.indices):
                later = {loop: Variable(loop) + distance}
                ahead = tuple(simplify(substitute(index, later)) for index in load.indices)
                return replace_at(function, (*path, *below), (Prefetch(load.buffer, ahead), statement))
    reason = f"'{loop}' reads no element of '{buffer}' that moves with it"
    raise Refused(function, reason, "choose the loop whose next iteration reads another element", [path])
