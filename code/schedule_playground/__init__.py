"""Schedules to play with: a small program, primitives chosen one after the other, and what each leaves.

- `programs` what there is to schedule, `offers` the primitives and what each asks for.
- `play` applies steps one after the other: the loops, the C, the simulated cache misses, or the refusal.
- `session` the same as JSON, which is what a page asks for.
- `modules` the modules that this takes, packed for a Python that runs in a browser.

Everything that `session` imports stands on the standard library, so that it runs where numpy is not.
"""

from schedule_playground.play import Attempt, Refusal, play
from schedule_playground.programs import PROGRAMS, Example
from schedule_playground.step_text import read_step

__all__ = ["PROGRAMS", "Attempt", "Example", "Refusal", "play", "read_step"]
