"""Random array programs, and a search for the smallest one that still fails.

A `Program` runs under every library of the array API, so one of them can be the oracle of a compiler for
another. `shrink` keeps what a predicate calls a failure and removes everything else.
"""

from differential_testing.programs import STEPS, Program, random_program
from differential_testing.shrink import shrink, smaller

__all__ = ["STEPS", "Program", "random_program", "shrink", "smaller"]
