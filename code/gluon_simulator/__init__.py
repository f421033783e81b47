"""Executes Gluon kernels without a GPU: their own source, on a model of barriers, copies and matrix units.

`record` runs a kernel's Python with stand-ins and keeps its operations; `explore` executes them in every
order that the barriers allow; `evaluated` gives the numbers. The model knows no layouts, no caches and no
time, and takes all warps of a program for one.
"""

from gluon_simulator.explore import Deadlock, Verdict, evaluated, explore, run
from gluon_simulator.machine import Race, State
from gluon_simulator.operations import Recording
from gluon_simulator.record import Descriptor, NotSimulated, Pointer, grid, record

__all__ = [
    "Deadlock",
    "Descriptor",
    "NotSimulated",
    "Pointer",
    "Race",
    "Recording",
    "State",
    "Verdict",
    "evaluated",
    "explore",
    "grid",
    "record",
    "run",
]
