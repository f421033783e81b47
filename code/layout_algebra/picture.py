"""Draws a layout as a grid of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib import colormaps


def draw(
    axes: Any,
    shape: tuple[int, int],
    text: Callable[[int, int], object],
    colour: Callable[[int, int], int],
    title: str = "",
) -> None:
    """A cell for each row and column of `shape`, with a text and one of ten pale colours.

    The colour is never the only sign: what it stands for is to be told by the text or the title.
    """
    rows, columns = shape
    strong = colormaps["tab10"]
    for row in range(rows):
        for column in range(columns):
            shade = [0.35 * part + 0.65 for part in strong(colour(row, column) % 10)[:3]]
            axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=shade)
            label = str(text(row, column))
            axes.text(column + 0.5, row + 0.52, label, ha="center", va="center", fontsize=7, color="black")
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[], aspect="equal")
    axes.set_title(title, fontsize=9)
    axes.grid(False)
    axes.spines[:].set_visible(False)
