"""Exercise checking: in a notebook cell, from the shell and in CI.

`grade("start/measuring", "async-dispatch", answer)` runs a reader's answer in a process of its own,
under a time and a memory limit, and reports which property failed, on which smallest input, and a hint.
"""

from graders.exercise import Exercise, Failed, WrongAnswer, require
from graders.grade import grade
from graders.registry import UnknownExercise, exercises
from graders.report import Report

__all__ = ["Exercise", "Failed", "Report", "UnknownExercise", "WrongAnswer", "exercises", "grade", "require"]
