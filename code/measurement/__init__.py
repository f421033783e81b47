"""How this book measures: ratios of interleaved pairs with an interval, counters, and a machine card."""

from measurement.cache_simulator import CacheCounts, simulate_caches
from measurement.card import MachineCard, measure_machine, quickest
from measurement.comparison import (
    CPU_TIME,
    CPU_TIME_WITH_CHILDREN,
    WALL_TIME,
    Clock,
    Comparison,
    compare,
)
from measurement.counters import instructions, page_faults
from measurement.environment import ALLOCATOR, run_fresh, single_threaded
from measurement.machine import describe_machine
from measurement.roofline import attainable

__all__ = [
    "ALLOCATOR",
    "CPU_TIME",
    "CPU_TIME_WITH_CHILDREN",
    "WALL_TIME",
    "CacheCounts",
    "Clock",
    "Comparison",
    "MachineCard",
    "attainable",
    "compare",
    "describe_machine",
    "instructions",
    "measure_machine",
    "page_faults",
    "quickest",
    "run_fresh",
    "simulate_caches",
    "single_threaded",
]
