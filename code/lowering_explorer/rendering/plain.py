"""A lowering as plain text."""

from __future__ import annotations

from lowering_explorer.stage import Lowering, Stage


def overview(lowering: Lowering) -> str:
    """One line per stage: its level, its name, its lines and its total."""
    lines = [f"{lowering.function}({', '.join(lowering.arguments)})"]
    for capture in lowering:
        lines.append(f"\n{capture.compiler} {capture.version}".rstrip())
        lines += [_row(stage) for stage in capture]
        if capture.problem:
            lines.append(f"  {capture.problem}")
    return "\n".join(lines)


def _row(stage: Stage) -> str:
    totals = [
        f"{stage.counts[name]} {name}" for name in ("operations", "instructions") if name in stage.counts
    ]
    length = len(stage.text.splitlines())
    return f"  {stage.level:<10} {stage.name:<44} {length:>6} lines  {', '.join(totals)}".rstrip()
