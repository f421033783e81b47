"""The order of a product's iterations, step by step: which elements it touches, and which are in a cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cache_simulator import Cache
from moving_figures.figure import MovingFigure, Slider

N, LINE, LINES = 8, 4, 8  # matrices of N x N; elements in a line of memory; lines that the cache holds
CELL, GAP, LEFT, TOP = 15, 22, 4, 24  # the drawing, in units of its view box
MATRICES = {
    "A": ("i", "k"),
    "B": ("k", "j"),
    "C": ("i", "j"),
}  # what indexes the rows and the columns of each
STEPS = N**3
QUESTION = "In which order should a product visit its elements, so that a small cache has what it needs?"

Loops = tuple[tuple[str, int, int], ...]  # from the outside in: which index, how far it moves, how often
ORDERS: dict[str, Loops] = {
    "j k i": (("j", 1, 8), ("k", 1, 8), ("i", 1, 8)),
    "i j k": (("i", 1, 8), ("j", 1, 8), ("k", 1, 8)),
    "i k j": (("i", 1, 8), ("k", 1, 8), ("j", 1, 8)),
    "tiles of 4 x 4": (("i", 4, 2), ("j", 4, 2), ("k", 4, 2), ("i", 1, 4), ("k", 1, 4), ("j", 1, 4)),
}


@dataclass(frozen=True)
class IterationOrder:
    """The product of two matrices in an order of `ORDERS`, after `step` of its 512 iterations."""

    order: int
    step: int

    @property
    def name(self) -> str:
        return list(ORDERS)[self.order]

    def index(self, step: int) -> dict[str, int]:
        """The values of i, j and k in one iteration: `step` as a number whose digits are the loops."""
        at = {"i": 0, "j": 0, "k": 0}
        for name, distance, count in reversed(ORDERS[self.name]):
            step, digit = divmod(step, count)
            at[name] += distance * digit
        return at

    def elements(self, step: int) -> Iterator[tuple[str, int, int]]:
        """What iteration `step` touches: (matrix, row, column)."""
        at = self.index(step)
        return ((matrix, at[rows], at[columns]) for matrix, (rows, columns) in MATRICES.items())

    @cached_property
    def history(self) -> tuple[list[tuple[str, ...]], Cache]:
        """Of each iteration up to `step`, the matrices that missed; and the cache after it."""
        cache = Cache(LINE * LINES, LINE, LINES)
        missed = [
            tuple(each[0] for each in self.elements(step) if not cache.touch(address(*each)))
            for step in range(self.step)
        ]
        return missed, cache

    @property
    def misses(self) -> int:
        """How many lines were brought so far."""
        return sum(map(len, self.history[0]))

    def is_near(self, matrix: str, row: int, column: int) -> bool:
        """Whether an element is in the cache."""
        number = address(matrix, row, column) // LINE
        return number in self.history[1].sets[0]

    def __str__(self) -> str:
        at = self.index(self.step - 1)
        names = {matrix: f"{matrix}[{at[r]}, {at[c]}]" for matrix, (r, c) in MATRICES.items()}
        missed = " and ".join(names[each] for each in self.history[0][-1]) or "nothing"
        whole = IterationOrder(self.order, STEPS).misses
        return (
            f"{self.name}, step {self.step} of {STEPS}: {names['C']} += {names['A']} * {names['B']} misses "
            f"{missed}. {self.misses} of {3 * self.step} accesses missed so far; {whole} will at the end."
        )


def address(matrix: str, row: int, column: int) -> int:
    """Where an element lies, in elements: the matrices one behind the other, row by row."""
    return (list(MATRICES).index(matrix) * N + row) * N + column


def iteration_order() -> MovingFigure:
    """The figure; it starts in the worst order, after 100 steps."""
    steps = tuple(range(1, STEPS + 1))
    sliders = (
        Slider("order", "order of the loops", tuple(range(len(ORDERS))), tuple(ORDERS), 0),
        Slider("step", "step", steps, tuple(map(str, steps)), 99),
    )
    start = IterationOrder(0, 100)
    facts = {
        "orders": [{"name": name, "loops": loops} for name, loops in ORDERS.items()],
        "matrices": MATRICES, "n": N, "line": LINE, "lines": LINES,
    }  # fmt: skip
    return MovingFigure("iteration_order", QUESTION, sliders, _drawing(start), str(start), _still, facts)


def _drawing(state: IterationOrder) -> str:
    now = set(state.elements(state.step - 1))
    cells = ""
    for at, (matrix, (rows, columns)) in enumerate(MATRICES.items()):
        left = LEFT + at * (N * CELL + GAP)
        cells += f'<text x="{left}" y="{TOP - 8}">{matrix}[{rows}, {columns}]</text>'
        for row in range(N):
            for column in range(N):
                kind = " near" if state.is_near(matrix, row, column) else ""
                kind += " now" if (matrix, row, column) in now else ""
                x, y = left + column * CELL, TOP + row * CELL
                cells += (
                    f'<rect class="cell{kind}" data-at="{matrix} {row} {column}" x="{x}" y="{y}" '
                    f'width="{CELL - 2}" height="{CELL - 2}"/>'
                )
    width = 2 * LEFT + 3 * N * CELL + 2 * GAP
    return f'<svg viewBox="0 0 {width} {TOP + N * CELL + 4}" role="img" aria-label="{state}">{cells}</svg>'


def _still() -> Any:
    """All orders after 100 steps, with what each misses by the end."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(6.4, 7.2), layout="constrained")
    panels = figure.subplots(len(ORDERS), len(MATRICES), squeeze=False)
    for order, name in enumerate(ORDERS):
        state, end = IterationOrder(order, 100), IterationOrder(order, STEPS)
        now = set(state.elements(state.step - 1))
        for axes, (matrix, (rows, columns)) in zip(panels[order], MATRICES.items(), strict=True):
            for row in range(N):
                for column in range(N):
                    face = "C0" if state.is_near(matrix, row, column) else "white"
                    edge = "C3" if (matrix, row, column) in now else "0.7"
                    width = 2.5 if edge == "C3" else 0.6
                    box = Rectangle((column, row), 0.9, 0.9, facecolor=face, edgecolor=edge, linewidth=width)
                    axes.add_patch(box)
            axes.set(xlim=(-0.2, N), ylim=(N, -0.2), aspect="equal", xticks=[], yticks=[])
            axes.set_frame_on(False)
            axes.set_xlabel(f"{matrix}[{rows}, {columns}]")
        panels[order][1].set_title(
            f"{name}: {state.misses} misses after 100 steps, {end.misses} at the end", fontsize=10
        )
    return figure
