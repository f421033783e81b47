"""Systems of linear equations and inequalities over the integers: no solution, a solution, or undecided.

Equations are solved by unimodular substitution (Knuth, The Art of Computer Programming, volume 2, 4.5.2),
inequalities by Fourier-Motzkin elimination with rounding (Pugh, The Omega test, Supercomputing 1991), and
what elimination over the rationals leaves open by search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Form = Mapping[str, int]  # the coefficient of each variable; that of "" is the constant
ROWS, NODES, STEPS = 1500, 2000, 12  # when elimination and search give up, and how far an open range is tried


class Undecided(Exception):
    """Neither a solution nor a proof that there is none was found."""


def solve(zero: list[Form], nonnegative: list[Form]) -> dict[str, int] | None:
    """Integers that make each form in `zero` 0 and each in `nonnegative` 0 or more; None if there are none.

    Raises Undecided.
    """
    equations, rows = [dict(form) for form in zero], [dict(form) for form in nonnegative]
    defined: list[tuple[str, dict[str, int]]] = []
    while equations:
        form = equations.pop()
        constant = form.pop("", 0)
        divisor = math.gcd(*form.values())
        if divisor == 0 or constant % divisor:
            if constant:
                return None
            continue
        form = {name: factor // divisor for name, factor in form.items() if factor}
        form[""] = constant // divisor
        name = min((each for each in form if each), key=lambda each: abs(form[each]))
        unit = abs(form[name])
        others = {each: form[name] // unit * factor for each, factor in form.items() if each != name}
        value = {each: -(factor // unit) for each, factor in others.items()}
        if unit > 1:  # name := remainder - quotients leaves an equation with smaller coefficients
            value[f"remainder {len(defined)}"] = 1
            equations.append(insert(form, name, value))
        defined.append((name, value))
        equations = [insert(each, name, value) for each in equations]
        rows = [insert(each, name, value) for each in rows]
    solution = solve_inequalities(rows)
    if solution is None:
        return None
    for name, value in reversed(defined):
        solution[name] = sum(factor * solution.setdefault(each, 0) for each, factor in value.items() if each)
        solution[name] += value.get("", 0)
    return solution


def insert(form: Form, name: str, value: Form) -> dict[str, int]:
    """`form` with the variable `name` replaced by `value`."""
    result = dict(form)
    factor = result.pop(name, 0)
    for each, coefficient in value.items() if factor else ():
        result[each] = result.get(each, 0) + factor * coefficient
    return result


def tighten(rows: list[dict[str, int]]) -> list[dict[str, int]] | None:
    """The rows divided by their common factors, the strongest of parallel ones; None if one cannot hold."""
    strongest: dict[tuple[tuple[str, int], ...], int] = {}
    for row in rows:
        terms = tuple(sorted((name, factor) for name, factor in row.items() if name and factor))
        divisor = math.gcd(*(factor for _, factor in terms))
        if not divisor:
            if row.get("", 0) < 0:
                return None
            continue
        key = tuple((name, factor // divisor) for name, factor in terms)
        constant = row.get("", 0) // divisor
        strongest[key] = min(constant, strongest.get(key, constant))
    return [dict(key) | {"": constant} for key, constant in strongest.items()]


def solve_inequalities(given: list[dict[str, int]]) -> dict[str, int] | None:
    """Integers that make each row 0 or more; None if there are none. Raises Undecided."""
    levels: list[tuple[str, list[dict[str, int]]]] = []
    rows = tighten(given)
    while rows:
        counts: dict[str, list[int]] = {}
        for row in rows:
            for name, factor in row.items():
                if name:
                    counts.setdefault(name, [0, 0])[factor < 0] += 1
        name = min(sorted(counts), key=lambda each: counts[each][0] * counts[each][1])
        below = [row for row in rows if row.get(name, 0) > 0]
        above = [row for row in rows if row.get(name, 0) < 0]
        levels.append((name, below + above))
        kept = [row for row in rows if name not in row]
        for low in below:
            for high in above:
                a, b = low[name], -high[name]
                kept.append({each: b * low.get(each, 0) + a * high.get(each, 0) for each in low | high})
        if len(kept) > ROWS:
            raise Undecided
        rows = tighten(kept)
    return None if rows is None else search(levels)


def search(levels: list[tuple[str, list[dict[str, int]]]]) -> dict[str, int] | None:
    """Values for the eliminated variables, the last one first, the smallest tried first."""
    nodes = 0
    complete = True

    def assign(level: int, values: dict[str, int]) -> dict[str, int] | None:
        nonlocal nodes, complete
        if level < 0:
            return values
        name, rows = levels[level]
        low, high = -math.inf, math.inf
        for row in rows:
            rest = sum(values.get(each, 0) * factor for each, factor in row.items() if each and each != name)
            rest += row.get("", 0)
            if row[name] > 0:
                low = max(low, -(rest // row[name]))
            else:
                high = min(high, rest // -row[name])
        if math.isinf(low) or math.isinf(high):
            start = low if math.isfinite(low) else (high - STEPS if math.isfinite(high) else 0)
            low, high = start, start + STEPS
            complete = False
        for value in range(int(low), int(high) + 1):
            nodes += 1
            if nodes > NODES:
                raise Undecided
            found = assign(level - 1, values | {name: value})
            if found is not None:
                return found
        return None

    solution = assign(len(levels) - 1, {})
    if solution is None and not complete:
        raise Undecided
    return solution
