"""The roofline of one matrix product, with sliders: how many rows until arithmetic is the limit?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from moving_figures.figure import MovingFigure, Slider

LEFT, RIGHT, BOTTOM, TOP = 62.0, 405.0, 250.0, 16.0  # the drawing's frame, in units of its view box
ROWS = tuple(2.0**power for power in range(15))
X, Y = (-1.0, 4.0), (-3.0, 4.0)  # powers of ten: FLOPs per byte, TFLOP/s
QUESTION = "How many rows does a matrix product need until arithmetic, and no longer memory, is its limit?"


@dataclass(frozen=True)
class ProductRoofline:
    """(rows, width) times (width, width), all numbers of `bytes` bytes, on a machine of `peak` TFLOP/s and
    `bandwidth` TB/s. Each operand moves once.
    """

    rows: float
    width: float
    bytes: float
    peak: float
    bandwidth: float

    @property
    def intensity(self) -> float:
        """FLOPs per byte."""
        moved = self.bytes * (2 * self.rows * self.width + self.width * self.width)
        return 2 * self.rows * self.width * self.width / moved

    @property
    def ridge(self) -> float:
        """FLOPs per byte at which memory and arithmetic take equally long."""
        return self.peak / self.bandwidth

    @property
    def attained(self) -> float:
        """TFLOP/s that the roof allows."""
        return min(self.peak, self.intensity * self.bandwidth)

    @property
    def needed(self) -> int:
        """The fewest rows that reach the ridge; 0 if no number of rows does."""
        enough = 2 * self.width**2 - self.ridge * self.bytes * 2 * self.width
        return math.ceil(self.ridge * self.bytes * self.width**2 / enough) if enough > 0 else 0

    def __str__(self) -> str:
        if self.intensity < self.ridge:
            share = short(100 * self.attained / self.peak)
            limit = f"memory is the limit, at {share} % of the peak, {short(self.attained)} TFLOP/s"
        else:
            limit = f"arithmetic is the limit, and the peak of {short(self.peak)} TFLOP/s can be reached"
        turn = (
            f"From {self.needed} rows on it is arithmetic."
            if self.needed
            else "No number of rows reaches the ridge."
        )
        rows = "1 row" if self.rows == 1 else f"{self.rows:g} rows"
        where = f"{short(self.intensity)} FLOPs per byte, the ridge is at {short(self.ridge)}"
        return f"{rows}: {where}; {limit}. {turn}"


def short(value: float) -> str:
    """Three digits or so, the way the script writes them."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def product_roofline(peak: float, bandwidth: float) -> MovingFigure:
    """The figure; one core of `peak` GFLOP/s and `bandwidth` GB/s is the lowest machine on its sliders.

    It starts at one row on an H100. The published figures of the H100 and of TPU v5e are those that Austin et
    al., How to Scale Your Model, use.
    """
    core = (peak / 1000, bandwidth / 1000)
    peaks = {
        core[0]: "this page's core",
        1.0: "",
        10.0: "",
        50.0: "",
        197.0: "TPU v5e",
        500.0: "",
        989.0: "H100",
    }
    roads = {core[1]: "this page's core", 0.2: "", 0.4: "", 0.82: "TPU v5e", 1.6: "", 3.35: "H100", 8.0: ""}
    widths = ROWS[8:]
    sliders = (
        Slider("rows", "rows (tokens)", ROWS, tuple(f"{rows:g}" for rows in ROWS), 0),
        Slider("width", "width and height", widths, tuple(f"{width:g}" for width in widths), 4),
        Slider("bytes", "bytes per number", (4.0, 2.0, 1.0, 0.5), ("4", "2", "1", "0.5"), 1),
        Slider("peak", "peak, TFLOP/s", tuple(peaks), _machines(peaks), 6),
        Slider("bandwidth", "bandwidth, TB/s", tuple(roads), _machines(roads), 5),
    )
    start = ProductRoofline(**{slider.name: slider.values[slider.start] for slider in sliders})
    frame = {"left": LEFT, "right": RIGHT, "bottom": BOTTOM, "top": TOP, "x": X, "y": Y}
    return MovingFigure(
        "product_roofline", QUESTION, sliders, _drawing(start), str(start), lambda: _still(start), frame
    )


def _machines(values: dict[float, str]) -> tuple[str, ...]:
    return tuple(f"{short(value)} ({name})" if name else short(value) for value, name in values.items())


def point(intensity: float, attained: float) -> tuple[str, str]:
    """Where FLOPs per byte and TFLOP/s lie in the drawing."""
    across = LEFT + (RIGHT - LEFT) * (math.log10(intensity) - X[0]) / (X[1] - X[0])
    up = BOTTOM + (TOP - BOTTOM) * (math.log10(attained) - Y[0]) / (Y[1] - Y[0])
    return f"{across:.1f}", f"{up:.1f}"


def _roof(product: ProductRoofline) -> list[tuple[float, float]]:
    low, high = 10 ** X[0], 10 ** X[1]
    corners = (low, min(max(product.ridge, low), high), high)
    return [(at, min(product.peak, at * product.bandwidth)) for at in corners]


def _drawing(product: ProductRoofline) -> str:
    grid = ""
    for power in range(int(X[0]), int(X[1]) + 1):
        across, _ = point(10.0**power, 1)
        grid += f'<line class="grid" x1="{across}" x2="{across}" y1="{BOTTOM}" y2="{TOP}"/>'
        grid += f'<text x="{across}" y="{BOTTOM + 17}" text-anchor="middle">{10.0**power:g}</text>'
    for power in range(int(Y[0]), int(Y[1]) + 1):
        _, up = point(1, 10.0**power)
        grid += f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{up}" y2="{up}"/>'
        grid += f'<text x="{LEFT - 6}" y="{up}" dy="4" text-anchor="end">{10.0**power:g}</text>'
    roof = " ".join(",".join(point(*corner)) for corner in _roof(product))
    ridge, top = point(product.ridge, product.peak)
    across, up = point(product.intensity, product.attained)
    track = ""
    for rows in ROWS:
        other = replace(product, rows=rows)
        x, y = point(other.intensity, other.attained)
        track += f'<circle class="track" data-rows="{rows:g}" cx="{x}" cy="{y}" r="2.5"/>'
    return (
        f'<svg viewBox="0 0 420 290" role="img" aria-label="{product}">{grid}'
        f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 35}" text-anchor="middle">FLOPs per byte</text>'
        f'<text x="14" y="{(BOTTOM + TOP) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {(BOTTOM + TOP) / 2})">TFLOP/s</text>'
        f'<line class="drop" x1="{ridge}" x2="{ridge}" y1="{top}" y2="{BOTTOM}"/>'
        f'<text class="ridge" x="{ridge}" y="{BOTTOM - 6}" dx="6">ridge {short(product.ridge)}</text>'
        f'<polyline class="roof" points="{roof}"/>{track}'
        f'<circle class="dot" cx="{across}" cy="{up}" r="6"/></svg>'
    )


def _still(product: ProductRoofline) -> Any:
    """The start as a matplotlib figure, with the dots that the sliders would reach for other rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.loglog(*zip(*_roof(product), strict=True), color="black")
    axes.axvline(product.ridge, color="0.5", linestyle="--", linewidth=1)
    axes.annotate(
        f"ridge {short(product.ridge)}", (product.ridge, 2e-3), xytext=(4, 0), textcoords="offset points"
    )
    for rows in (1, 16, 256, 4096):
        other = replace(product, rows=rows)
        axes.plot(other.intensity, other.attained, "o", color="C0")
        name = "1 row" if rows == 1 else f"{rows} rows"
        beside = (other.intensity, other.attained)
        axes.annotate(name, beside, xytext=(8, -12), textcoords="offset points")
    axes.set(xlim=(10 ** X[0], 10 ** X[1]), ylim=(10 ** Y[0], 10 ** Y[1]))
    axes.set_xlabel("FLOPs per byte")
    axes.set_ylabel("TFLOP/s")
    axes.set_title(str(product).replace("; ", ";\n").replace("%. ", "%.\n"), fontsize=8)
    return figure
