"""inline: the value of an element stands where the element is read.

    for i in serial(n): T[i] = f(i)
    for j in serial(n): Y[j] = g(T[j])    ->    for j in serial(n): Y[j] = g(f(j))

1. The buffer is allocated in all loops around, and one Store writes to it, which is all that its loops hold.
2. The indices of the store are the variables of these loops, or 0 where the extent is 1.
3. What reads the buffer comes after the loops, in the same body; no tile instruction takes it.
4. Nothing after the loops writes to what the value reads.

Preserves bits. The value is computed again at each read.
"""

from __future__ import annotations

from ..access import READS, accesses, changed_after
from ..expression import Constant, Expression, Load, Variable
from ..legality import Refused, require_own
from ..rewrite import without_allocation
from ..statement import Body, For, Function, Invoke, Prefetch, Statement, Store
from ..traversal import Path, find_buffer, map_expressions, map_statements, replace_at, substitute, walk


def inline(function: Function, buffer: str) -> Function:
    """Replace each read of `buffer` by the value stored, and drop the loops that store it."""
    target = find_buffer(function, buffer)
    touching = [access for access in accesses(function) if access.buffer == target]
    written = [access for access in touching if access.kind != READS]
    inside = dict(walk(function))
    store = inside[written[0].path] if written else None
    if target.scope == "parameter" or len(written) != 1 or not isinstance(store, Store):
        reason = f"'{buffer}' is not an allocated buffer that one store writes to"
        hint = "bring its loops to those that read it with compute_at or merge"
        raise Refused(function, reason, hint, {access.path: "" for access in written})
    start = nest_of(function, written[0].path, store)
    require_own(function, target, start)
    parent, position = start[:-1], start[-1]
    early = {
        each.path: "reads"
        for each in touching
        if each.kind == READS and (each.path[: len(parent)] != parent or each.path[len(parent)] <= position)
    }
    if early:
        reason = f"'{buffer}' is read where its loops have not run just before"
        raise Refused(function, reason, "move the loops into the body that reads it", early)
    changed = changed_after(function, start)
    if changed:
        reason = f"what '{buffer}' is computed from is written after its loops"
        raise Refused(function, reason, "write to another buffer", dict.fromkeys(changed, "writes"))
    if tiles := {e.path: "" for e in touching if isinstance(inside[e.path], Invoke)}:
        reason = f"a tile instruction takes '{buffer}' from memory"
        raise Refused(function, reason, "inline before replace_with", tiles)

    def put(expression: Expression) -> Expression:
        if isinstance(expression, Load) and expression.buffer == target:
            at = zip(store.indices, expression.indices, strict=True)
            return substitute(store.value, {own.name: i for own, i in at if isinstance(own, Variable)})
        return expression

    def drop(statement: Statement) -> Statement | Body:
        return () if isinstance(statement, Prefetch) and statement.buffer == target else statement

    result: Function = map_statements(drop, map_expressions(put, replace_at(function, start, ())))
    return without_allocation(result, target)


def nest_of(function: Function, path: Path, store: Store) -> Path:
    """The path of the outermost loop that indexes `store`. Raises Refused unless the loops hold only it."""
    names = {index.name for index in store.indices if isinstance(index, Variable)}
    places = zip(store.indices, store.buffer.shape, strict=True)
    free = [index for index, extent in places if isinstance(index, Variable) or extent != Constant(1)]
    start = path[: len(path) - len(names)]
    inside = dict(walk(function))
    nest = [inside.get(path[:depth]) for depth in range(len(start), len(path))]
    loops = [each.name for each in nest if isinstance(each, For) and len(each.body) == 1]
    if len(names) != len(free) or set(loops) != names:
        reason = f"'{store.buffer.name}' is not stored at the variables of loops that hold nothing else"
        raise Refused(function, reason, "split and fuse after inlining", [path])
    return start
