"""The roofline model (Williams, Waterman and Patterson 2009)."""

from __future__ import annotations


def attainable(intensity: float, peak: float, bandwidth: float) -> float:
    """The most GFLOP/s a kernel can reach that does `intensity` FLOPs per byte it moves.

    `peak` in GFLOP/s, `bandwidth` in GB/s: below the ridge, peak / bandwidth, memory is the limit,
    above it arithmetic. Raises ValueError unless all three are positive.
    """
    if min(intensity, peak, bandwidth) <= 0:
        raise ValueError("intensity, peak and bandwidth must be positive")
    return min(peak, intensity * bandwidth)
