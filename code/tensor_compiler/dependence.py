"""Whether two accesses meet: the dependence test behind every primitive that changes an order.

The answer is exact for affine accesses within affine bounds, floor division and remainder by numbers among
them. What the test cannot express is left out of the system, which is safe for a proof; a solution is
evaluated in the program before it counts as a witness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .access import READS, Access, accesses, private_loops, simple_conditions
from .affine import evaluate, linear
from .dtype import s64
from .expression import Binary, Constant, Expression, Variable
from .printer import element_text
from .statement import For, Function
from .system import Form, Undecided, solve
from .traversal import Path, enclosing_loops, free_names, statement_at

Relation = Literal["=", "<", ">"]
EQUAL: Relation = "="
BEFORE: Relation = "<"
AFTER: Relation = ">"


@dataclass(frozen=True)
class Verdict:
    """Proved, refuted by an example that `reason` tells, or unknown; `marks` are the guilty lines."""

    answer: Literal["proved", "refuted", "unknown"]
    reason: str = ""
    marks: Mapping[Path, str] = field(default_factory=dict)


PROVED = Verdict("proved")


class System:
    """The linear constraints that hold where accesses happen; variables of the second one end in '."""

    def __init__(self, function: Function) -> None:
        self.zero: list[Form] = []
        self.nonnegative: list[Form] = [{size.name: 1} for size in function.sizes]
        self.count = 0

    def fresh(self) -> str:
        self.count += 1
        return f"atom {self.count}"

    def form(self, expression: Expression, names: Mapping[str, str]) -> dict[str, int]:
        """`expression` over the variables of the system, with loops renamed by `names`."""
        parts = linear(expression)
        result = {"": parts.constant}
        for atom, factor in parts.terms:
            for name, coefficient in self.atom(atom, names).items():
                result[name] = result.get(name, 0) + factor * coefficient
        return result

    def atom(self, atom: Expression, names: Mapping[str, str]) -> Form:
        match atom:
            case Variable(name=name):
                return {names.get(name, name): 1}
            case Binary(operator="//" | "%", right=Constant(value=divisor)) if divisor > 0:
                quotient, whole = self.fresh(), self.form(atom.left, names)
                remainder = minus(whole, {quotient: int(divisor)})
                self.nonnegative += [remainder, minus({"": int(divisor) - 1}, remainder)]
                return {quotient: 1} if atom.operator == "//" else remainder
            case Binary(operator="min" | "max"):
                name, sign = self.fresh(), 1 if atom.operator == "min" else -1
                for side in (atom.left, atom.right):  # min(a, b) is at most both, which is not all it is
                    self.nonnegative.append(scaled(minus(self.form(side, names), {name: 1}), sign))
                return {name: 1}
        return {self.fresh(): 1}

    def happens(self, access: Access, names: Mapping[str, str]) -> None:
        """Add the bounds of the loops around `access` and its conditions."""
        for loop in access.loops:
            variable = {names[loop.name]: 1}
            for lower in sides(loop.lower, "max"):
                self.nonnegative.append(minus(variable, self.form(lower, names)))
            for upper in sides(loop.upper, "min"):
                self.nonnegative.append(minus(minus(self.form(upper, names), variable), {"": 1}))
        for condition in simple_conditions(access.conditions):
            match condition:
                case Binary(operator="<" | "<=" | ">" | ">=" | "==" as sign) if condition.left.dtype == s64:
                    left, right = self.form(condition.left, names), self.form(condition.right, names)
                    difference = minus(right, left) if sign in ("<", "<=") else minus(left, right)
                    strict = {"": int(sign in ("<", ">"))}
                    (self.zero if sign == "==" else self.nonnegative).append(minus(difference, strict))


def minus(left: Form, right: Form) -> dict[str, int]:
    return {name: left.get(name, 0) - right.get(name, 0) for name in (*left, *right)}


def scaled(form: Form, factor: int) -> dict[str, int]:
    return {name: factor * coefficient for name, coefficient in form.items()}


def sides(bound: Expression, operator: str) -> Iterable[Expression]:
    """The operands of a `min` or `max`, which all bound: `j < min(a, b)` is `j < a` and `j < b`."""
    if isinstance(bound, Binary) and bound.operator == operator:
        return (*sides(bound.left, operator), *sides(bound.right, operator))
    return (bound,)


def meet(function: Function, first: Access, second: Access, relations: Mapping[str, Relation]) -> Verdict:
    """Whether no instance of `first` touches the element that an instance of `second` does.

    `relations` says for loops around both how the first iteration is to the second; other loops are free.
    """
    private = private_loops(function, first.buffer.name)
    if any(relation != EQUAL and loop in private for loop, relation in relations.items()):
        return PROVED
    here = {loop: loop for loop in first.names}
    there = {loop: f"{loop}'" for loop in second.names}
    system = System(function)
    system.happens(first, here)
    system.happens(second, there)
    for loop, relation in [*relations.items(), *((loop, EQUAL) for loop in private)]:
        step = {loop: -1, f"{loop}'": 1}
        if relation == EQUAL:
            system.zero.append(step)
        else:
            system.nonnegative.append(minus(scaled(step, 1 if relation == BEFORE else -1), {"": 1}))
    for one, other in zip(first.indices, second.indices, strict=True):
        system.zero.append(minus(system.form(one, here), system.form(other, there)))
    try:
        solution = solve(system.zero, system.nonnegative)
    except Undecided:
        return unknown(first, second)
    if solution is None:
        return PROVED
    used = {name for access in (first, second) for name in free_variables(access)}
    sizes = {size.name: solution.get(size.name, 0) for size in function.sizes if size.name in used}
    earlier = {loop: solution.get(loop, 0) for loop in first.names}
    later = {loop: solution.get(f"{loop}'", 0) for loop in second.names}
    place = element(first, sizes | earlier)
    if place is None or place != element(second, sizes | later):
        return unknown(first, second)
    given = f"with {', '.join(f'{name}={value}' for name, value in sizes.items())}, " if sizes else ""
    who = f"iteration {iteration(earlier)}" if earlier else "a statement"
    whom = iteration(later) if later else "another statement"
    reason = f"{given}{who} {verb(first)} {place} and {whom} {verb(second)} it"
    return Verdict("refuted", reason, marked(first, second, f" {place}"))


def free_variables(access: Access) -> set[str]:
    """The variables that decide what `access` touches."""
    bounds = (bound for loop in access.loops for bound in (loop.lower, loop.upper))
    deciding = (*access.indices, *bounds, *access.conditions)
    return {name for expression in deciding for name in free_names(expression)}


def marked(first: Access, second: Access, place: str = "") -> dict[Path, str]:
    """The remarks for the lines of two accesses, which may be one line."""
    marks = {first.path: f"{verb(first)}{place}"}
    if second.path == first.path:
        return marks if first == second else {first.path: f"{verb(first)} and {verb(second)}{place}"}
    return {**marks, second.path: f"{verb(second)}{place}"}


def unknown(first: Access, second: Access) -> Verdict:
    one, other = (element_text(access.buffer, access.indices) for access in (first, second))
    reason = f"it is not decided whether {one} and {other} are one element in two iterations"
    return Verdict("unknown", reason, marked(first, second))


def element(access: Access, values: Mapping[str, int]) -> str | None:
    """The element that `access` touches in an iteration, or None if it is not touched or not known."""
    try:
        for loop in access.loops:
            low, high = evaluate(loop.lower, values), evaluate(loop.upper, values)
            if not low <= values[loop.name] < high:
                return None
        if not all(evaluate(condition, values) for condition in simple_conditions(access.conditions)):
            return None
        indices = [str(evaluate(index, values)) for index in access.indices]
    except ValueError:
        return None
    return f"{access.buffer.name}[{', '.join(indices) or '()'}]"


def verb(access: Access) -> str:
    return access.kind.split(" ")[0]


def iteration(values: Mapping[str, int]) -> str:
    return f"({', '.join(f'{name}={value}' for name, value in values.items())})"


def independent(
    function: Function, firsts: Iterable[Access], seconds: Iterable[Access],
    relations: Mapping[str, Relation], reductions: bool,
) -> Verdict:  # fmt: skip
    """Whether no access of `firsts` meets one of `seconds` where one of the two writes.

    With `reductions`, two that reduce into one element by the same operator may meet: their order is free.
    """
    undecided = PROVED
    later = list(seconds)
    for first in firsts:
        for second in later:
            both = first.kind if first.kind == second.kind else ""
            if first.buffer.name != second.buffer.name or both == READS:
                continue
            if reductions and both.startswith("reduces"):
                continue
            verdict = meet(function, first, second, relations)
            if verdict.answer == "refuted":
                return verdict
            if verdict.answer == "unknown" and undecided is PROVED:
                undecided = verdict
    return undecided


def independent_iterations(function: Function, path: Path, reductions: bool) -> Verdict:
    """Whether the iterations of the loop at `path` may run in any order, or at once."""
    loop = statement_at(function, path)
    assert isinstance(loop, For)
    around = dict.fromkeys((each.name for each in enclosing_loops(function, path)), EQUAL)
    inside = accesses(function, path)
    return independent(function, inside, inside, around | {loop.name: BEFORE}, reductions)
