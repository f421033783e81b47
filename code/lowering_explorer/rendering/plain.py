"""A lowering as plain text."""

from __future__ import annotations

from lowering_explorer.stage import Lowering, Stage

TOTALS = ("operations", "instructions")


def call(lowering: Lowering) -> str:
    """The function with what it was captured for: `f(f32[8], f32[8])`."""
    return f"{lowering.function}({', '.join(lowering.arguments)})"


def total(stage: Stage) -> str:
    """How many operations or instructions a stage has, as `9 operations`; empty where none are counted."""
    return next((f"{stage.counts[name]} {name}" for name in TOTALS if name in stage.counts), "")


def overview(lowering: Lowering) -> str:
    """One line per stage: its level, its name, its lines and its total."""
    lines = [call(lowering)]
    for capture in lowering:
        lines.append(f"\n{capture.compiler} {capture.version}".rstrip())
        lines += [_row(stage) for stage in capture]
        if capture.problem:
            lines.append(f"  {capture.problem}")
    return "\n".join(lines)


def _row(stage: Stage) -> str:
    length = len(stage.text.splitlines())
    return f"  {stage.level:<10} {stage.name:<44} {length:>6} lines  {total(stage)}".rstrip()
