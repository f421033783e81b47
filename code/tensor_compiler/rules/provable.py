"""The last rung: what is proved without tiling or fusing anything."""

from __future__ import annotations

from ..expression import Constant, Expression
from ..passes import PANEL
from ..schedule import Schedule
from ..simplify import simplify
from ..stage import Stage, Staged
from ..target import Target
from ..traversal import loads
from .nest import attempt


def provable(schedule: Schedule, group: Staged, target: Target) -> None:
    """Take what is proved at once: outer loops in parallel, vectors along what is contiguous in memory.

    A start to measure from, not a good schedule: nothing is tiled, and each stage runs through memory.
    """
    for stage in group.stages:
        axes = [variable.name for variable, _ in stage.axes]
        along = axes[-1] if axes else None
        if stage.reduced:
            innermost = stage.reduced[-1][0].name
            along = interchanged(schedule, stage, innermost) or innermost
        if along is not None:
            attempt(schedule.vectorize, along)
        if axes and axes[0] != along:
            attempt(schedule.parallel, axes[0])


def interchanged(schedule: Schedule, stage: Stage, reduced: str) -> str | None:
    """Move the last axis inside of the reduction if a load runs along it. Gives the loop to vectorize."""
    last = [load.indices[-1] for load in loads(stage.value) if load.indices]
    if not stage.axes or len(stage.reduced) > 1:
        return None
    (axis, extent) = stage.axes[-1]
    loop = axis.name
    rest: Expression = simplify(extent % PANEL)
    if axis % PANEL in last and rest == Constant(0):
        _, loop = schedule.split(axis.name, PANEL)
    elif axis not in last:
        return None
    schedule.decompose_reduction(reduced, at=loop)
    schedule.reorder(reduced, loop)
    return loop
