"""Lines up the stages of several compilers that stand at the same level."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lowering_explorer.stage import LEVELS, Capture, Lowering, Stage

# What HLO calls it -> what other compilers call it. A dialect in front of a name is left out.
_SYNONYMS = {
    "multiply": "mul mulf",
    "divide": "div true_divide truediv divf",
    "subtract": "sub subf",
    "add": "addf",
    "negate": "neg negative",
    "dot": "matmul mm dot_general",
    "exponential": "exp",
    "maximum": "max",
    "transpose": "permute permute_dims",
    "broadcast": "broadcast_in_dim broadcast_to",
    "sum": "reduce_sum",
    "amax": "reduce_max",
}
_NAMES = {other: name for name, others in _SYNONYMS.items() for other in others.split()}
_ARRAY_LEVELS = ("graph", "tensor IR", "loops")  # where operations are on arrays
_DIALECT = re.compile(r"^(?:stablehlo|relax|tt|arith|math|R|T)\.")


@dataclass(frozen=True)
class Comparison:
    """One count per row, one stage per column; a stage that has no such count has None there."""

    level: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]

    def __str__(self) -> str:
        table = [("", *self.columns)] + [
            (name, *("" if value is None else str(value) for value in values)) for name, values in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr><th scope='row'>{escape(name)}</th>"
            + "".join(f"<td>{'' if value is None else value}</td>" for value in values)
            + "</tr>"
            for name, values in self.rows
        )
        return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_latex_(self) -> str:
        from lowering_explorer.rendering.latex import comparison

        return comparison(self)


def compare(lowering: Lowering, level: str, counts: Sequence[str] = ()) -> Comparison:
    """The counts of the program that each compiler has at `level`; of all kinds, or of those named.

    It is the one that the last assembly was made from, else the last one; reports, such as guards, are none.
    Stages that are parts of one program (a kernel each) are added up; widths and registers are maxima. Above
    vector IR an operation has the same name for every compiler, that of HLO. Totals come first.
    Raises ValueError for an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"no level {level!r}; levels are {', '.join(LEVELS)}")
    columns: dict[str, dict[str, int]] = {}
    for capture in lowering:
        if stages := [stage for stage in capture.at(level) if stage.language != "text"]:
            ancestors = _ancestors(capture)
            last = next((stage for stage in ancestors if stage in stages), stages[-1])
            parts = [stage for stage in stages if stage.language == last.language and _twins(stage, last)]
            columns[f"{capture.compiler}: {_shared_name(parts)}"] = _added(parts, level)
    found = dict.fromkeys(name for column in columns.values() for name in column)
    names = list(counts) or sorted(found, key=lambda name: name not in ("operations", "instructions"))
    rows = tuple((name, tuple(column.get(name) for column in columns.values())) for name in names)
    return Comparison(level, tuple(columns), rows)


def _ancestors(capture: Capture) -> list[Stage]:
    """The last stage with assembly, what it was made from, and so on; none without assembly."""
    stages = {stage.name: stage for stage in capture}
    found = capture.at("assembly")[-1:]
    while found and found[-1].parent in stages:
        found.append(stages[found[-1].parent])
    return found


def _twins(stage: Stage, last: Stage) -> bool:
    """Whether both are parts of one program: `assembly of f` and `assembly of g`."""
    return stage is last or (
        " of " in last.name and stage.name.split(" of ")[0] == last.name.split(" of ")[0]
    )


def _shared_name(parts: Sequence[Stage]) -> str:
    """What all parts are; a kernel's name is long and says little in a table."""
    kind, of, _ = parts[0].name.partition(" of ")
    if not of or parts[0].level in _ARRAY_LEVELS:
        return parts[0].name
    return f"{kind} of {len(parts)} kernel{'s' * (len(parts) > 1)}"


def _added(parts: Sequence[Stage], level: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for stage in parts:
        for own, value in stage.counts.items():
            bare = _DIALECT.sub("", own)
            name = _NAMES.get(bare, bare) if level in _ARRAY_LEVELS else own
            is_extent = name.startswith("widest") or name == "registers"
            found[name] = max(found.get(name, 0), value) if is_extent else found.get(name, 0) + value
    return found
