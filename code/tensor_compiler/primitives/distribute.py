"""decompose_reduction and merge: one loop becomes two that follow each other, or two become one.

    for j in serial(n): { A(j); for k in serial(m): B(j, k) }
    -> decompose_reduction  for j_init in serial(n): A(j_init)
                            for j in serial(n): for k in serial(m): B(j, k)
    for i in serial(n): A(i);  for j in serial(n): B(j)
    -> merge                for i in serial(n): { A(i); B(i) }

1. decompose_reduction: something stands before the loop k; the loops from `at` down to k hold nothing else
   than the one that leads to k.
2. merge: the loops are in one body, have equal bounds and are serial; what stands between them, and then
   before both, touches no element that A does, one of the two writing.
3. No iteration of A touches an element that an earlier iteration of B does (merge: a later one of A than of
   B), one of them writing.

Preserves bits, but where iterations that reduce into one element change order: there up to reassociation.
"""

from __future__ import annotations

from dataclasses import replace

from ..access import Access, accesses
from ..dependence import BEFORE, EQUAL, PROVED, Relation, Verdict, independent
from ..legality import Refused, require, require_plain_bounds
from ..rewrite import renamed_copy
from ..simplify import simplify
from ..statement import Allocate, Body, For, Function, Let
from ..traversal import Path, enclosing_loops, find_loop, replace_at, statement_at, substitute


def decompose_reduction(function: Function, loop: str, at: str, trust: bool = False) -> Function:
    """Let what stands before `loop` run in loops of its own, from `at` down, before those of `loop`."""
    path, _ = find_loop(function, loop)
    start = find_loop(function, at)[0]
    if path[: len(start)] != start or path == start:
        raise Refused(function, f"'{loop}' is not in '{at}'", "choose a loop around it", [path, start])
    parent, position = path[:-1], path[-1]
    if not position:
        raise Refused(function, f"nothing stands before '{loop}'", "choose the reduction loop", [path])
    leading = [path[:depth] for depth in range(len(start), len(path))]
    for above in leading[:-1]:
        inside = statement_at(function, above)
        if not isinstance(inside, For) or len(inside.body) > 1:
            reason = f"more stands in '{at}' than the loops that lead to '{loop}'"
            raise Refused(function, reason, "choose an inner loop, or decompose in steps", [above])
    nest = [statement_at(function, above) for above in leading]
    loops = [each for each in nest if isinstance(each, For)]
    before, rest = loops[-1].body[:position], loops[-1].body[position:]
    if names := [each for each in before if isinstance(each, Let | Allocate)]:
        what = names[0].name if isinstance(names[0], Let) else names[0].buffer.name
        reason = f"'{what}' would be out of scope in the second loop"
        hint = "allocate it outside of the loop, or choose an inner loop"
        raise Refused(function, reason, hint, {(*parent, before.index(names[0])): ""})
    level = len(parent)  # what bounds read counts to both sides
    touched = accesses(function, start)
    first = [each for each in touched if len(each.path) <= level or each.path[level] < position]
    second = [each for each in touched if len(each.path) <= level or each.path[level] >= position]
    verdict = separable(function, start, loops, second, first)
    hint = "choose a loop further in, so that each iteration keeps its own order"
    require(function, f"'{at}' cannot be split in two before '{loop}'", verdict, hint, trust)
    copy = renamed_copy(function, (wrapped(loops, before),), "init")
    return replace_at(function, start, (*copy, wrapped(loops, rest)))


def wrapped(loops: list[For], body: Body) -> For:
    """`body` in `loops`, outermost first."""
    for loop in reversed(loops):
        body = (replace(loop, body=body),)
    assert isinstance(body[0], For)
    return body[0]


def separable(
    function: Function, path: Path, loops: list[For], earlier: list[Access], later: list[Access]
) -> Verdict:
    """Whether no `earlier` access in an iteration of `loops` meets a `later` one of a later iteration."""
    relations: dict[str, Relation] = {loop.name: EQUAL for loop in enclosing_loops(function, path)}
    undecided = PROVED
    for loop in loops:
        verdict = independent(function, earlier, later, relations | {loop.name: BEFORE}, True)
        if verdict.answer == "refuted":
            return verdict
        undecided = verdict if undecided is PROVED else undecided
        relations[loop.name] = EQUAL
    return undecided


def merge(function: Function, first: str, second: str, trust: bool = False) -> Function:
    """Put the body of `second`, a later loop, at the end of the body of `first`, where `second` stood."""
    path, one = find_loop(function, first)
    next_path, other = find_loop(function, second)
    both = [path, next_path]
    if next_path[:-1] != path[:-1] or next_path <= path:
        reason = f"'{second}' does not follow '{first}' in one body"
        raise Refused(function, reason, "bring them into one body, or swap the two names", both)
    if (simplify(one.lower), simplify(one.upper)) != (simplify(other.lower), simplify(other.upper)):
        reason = f"'{first}' and '{second}' have different bounds"
        raise Refused(function, reason, "split them into loops of equal bounds", both)
    if (one.kind, other.kind) != ("serial", "serial"):
        raise Refused(function, f"'{first}' and '{second}' are not both serial", "merge before that", both)
    for loop in (one, other):
        require_plain_bounds(function, loop.name)
    body = tuple(substitute(statement, {second: one.variable}) for statement in other.body)
    around = dict.fromkeys((loop.name for loop in enclosing_loops(function, path)), EQUAL)
    passed = [each for each in accesses(function, path[:-1]) if path < each.path[: len(path)] < next_path]
    verdict = independent(function, accesses(function, path), passed, around, True)
    hint = "move what is between them"
    require(function, f"'{first}' cannot move down to '{second}'", verdict, hint, trust)
    merged = replace_at(function, next_path, (replace(one, body=one.body + body),))
    merged = replace_at(merged, path, ())
    at = (*next_path[:-1], next_path[-1] - 1)
    inside = accesses(merged, at)
    early = [access for access in inside if access.path[len(path) :] < (len(one.body),)]
    late = [access for access in inside if access.path[len(path) :] >= (len(one.body),)]
    # B touches an element before a later iteration of A does: they met in the other order
    verdict = independent(merged, late, early, around | {first: BEFORE}, True)
    marks = {unmerged(place, path, next_path, len(one.body)): mark for place, mark in verdict.marks.items()}
    hint = "keep the loops apart, or let what is shared be computed where it is used with compute_at"
    what = f"'{second}' cannot run within '{first}'"
    require(function, what, replace(verdict, marks=marks), hint, trust)
    return merged


def unmerged(place: Path, first: Path, second: Path, count: int) -> Path:
    """Where the statement at `place` of the merged loop came from."""
    level = len(first)
    if place[level:] < (count,):
        return (*first, *place[level:])
    return (*second, place[level] - count, *place[level + 1 :])
