"""Fusion maps side by side: a column per program, a row per step of the Block, a box per kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fusion_map.operation import FusionMap
from fusion_map.steps import STEPS, kernels_of_steps


def boxes(fusion: FusionMap) -> Iterator[tuple[int, float, float]]:
    """Kernel, upper and lower edge of each box, in rows; kernels of steps apart have several.

    The kernels of one step share its row, in the order in which they run.
    """
    of_step = kernels_of_steps(fusion)
    for number in range(len(fusion.kernels)):
        edges: list[tuple[float, float]] = []
        for row, step in enumerate(STEPS):
            if number not in of_step[step]:
                continue
            place, share = of_step[step].index(number), len(of_step[step])
            top, bottom = row + place / share, row + (place + 1) / share
            if edges and abs(edges[-1][1] - top) < 1e-9:
                edges[-1] = edges[-1][0], bottom
            else:
                edges.append((top, bottom))
        yield from ((number, top, bottom) for top, bottom in edges)


def draw(maps: Mapping[str, FusionMap]) -> Any:
    """A matplotlib figure; kernels are numbered in the order in which they run, a library's are hatched."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 5.6))
    for column, fusion in enumerate(maps.values()):
        for number, top, bottom in boxes(fusion):
            is_library = fusion.kernels[number].origin == "library"
            axes.add_patch(
                plt.Rectangle(
                    (column + 0.08, top + 0.02),
                    0.84,
                    bottom - top - 0.04,
                    facecolor="0.85" if is_library else ("C0", "C2")[number % 2],
                    alpha=0.55,
                    edgecolor="0.2",
                    hatch="////" if is_library else None,
                    linewidth=0.6,
                )
            )
            size = 8 if bottom - top > 0.6 else 5
            plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6} if is_library else None
            axes.text(
                column + 0.5,
                (top + bottom) / 2,
                str(number + 1),
                ha="center",
                va="center",
                fontsize=size,
                bbox=plate,
            )
    axes.set(xlim=(0, len(maps)), ylim=(len(STEPS), 0))
    axes.set_xticks([column + 0.5 for column in range(len(maps))], list(maps))
    axes.set_yticks([row + 0.5 for row in range(len(STEPS))], STEPS)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for row in range(1, len(STEPS)):
        axes.axhline(row, color="0.85", linewidth=0.5, zorder=0)
    return figure
