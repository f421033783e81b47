"""The exercises of each chapter, found by the chapter's name."""

from __future__ import annotations

import importlib
from pathlib import Path

# Loaded before `graders` binds the function of the same name, which its first import would replace.
import graders.exercises as package
from graders.exercise import Exercise

_FOLDER = Path(str(package.__file__)).parent


class UnknownExercise(LookupError):
    """No such chapter or exercise; the message lists those that there are."""

    def __str__(self) -> str:
        return str(self.args[0])


def chapters() -> list[str]:
    """The chapters that have graded exercises, such as "start/measuring"."""
    paths = sorted(_FOLDER.rglob("*.py"))
    return [p.relative_to(_FOLDER).with_suffix("").as_posix() for p in paths if p.stem != "__init__"]


def exercises(chapter: str) -> dict[str, Exercise]:
    """The exercises of a chapter by name, in the chapter's order. Raises UnknownExercise."""
    if chapter not in chapters():
        raise UnknownExercise(
            f"no chapter {chapter!r} has exercises; those that have: {', '.join(chapters())}"
        )
    module = importlib.import_module("graders.exercises." + chapter.replace("/", "."))
    return {exercise.name: exercise for exercise in module.EXERCISES}


def find(chapter: str, name: str) -> Exercise:
    """One exercise. Raises UnknownExercise."""
    found = exercises(chapter)
    if name not in found:
        raise UnknownExercise(f"{chapter} has no exercise {name!r}; it has: {', '.join(found)}")
    return found[name]
