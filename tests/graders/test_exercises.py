"""Every exercise of the book: the reference passes, the starter and each named wrong answer do not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graders import Exercise, WrongAnswer, exercises, grade
from graders.exercise import mutants
from graders.registry import chapters

ALL = [(chapter, exercise) for chapter in chapters() for exercise in exercises(chapter).values()]
WRONG = [(chapter, exercise, wrong) for chapter, exercise in ALL for wrong in exercise.wrong]


def name_of(value: object) -> str:
    return value if isinstance(value, str) else getattr(value, "name", repr(value))


@pytest.mark.parametrize(("chapter", "exercise"), ALL, ids=name_of)
def test_the_reference_passes(chapter: str, exercise: Exercise) -> None:
    report = grade(chapter, exercise.name, exercise.reference)
    assert report.passed, report
    assert report.held == tuple(exercise.properties)


@pytest.mark.parametrize(("chapter", "exercise"), ALL, ids=name_of)
def test_the_untouched_starter_fails_with_a_report(chapter: str, exercise: Exercise) -> None:
    report = grade(chapter, exercise.name, exercise.starter)
    assert not report.passed
    assert report.failed in exercise.properties, report
    assert report.found


@pytest.mark.parametrize(("chapter", "exercise", "wrong"), WRONG, ids=name_of)
def test_a_wrong_answer_is_rejected_with_its_hint(
    chapter: str, exercise: Exercise, wrong: WrongAnswer
) -> None:
    report = grade(chapter, exercise.name, wrong.source)
    assert not report.passed, f"{wrong.name} passes"
    assert wrong.hint in report.hint, report


@pytest.mark.parametrize(("chapter", "exercise"), ALL, ids=name_of)
def test_each_exercise_has_three_wrong_answers_with_names_of_their_own(
    chapter: str, exercise: Exercise
) -> None:
    assert len({wrong.name for wrong in exercise.wrong}) >= 3
    assert len({wrong.source for wrong in exercise.wrong} | {exercise.reference}) == len(exercise.wrong) + 1


def test_the_registry_stays_what_graders_offers_once_exercises_are_loaded() -> None:
    probe = (
        "from graders import exercises; exercises('ideas/schedules'); "
        "from graders import exercises as again; print(again is exercises)"
    )
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout == "True\n"


def test_a_mutant_that_changes_nothing_is_refused() -> None:
    with pytest.raises(
        ValueError, match="the wrong answer 'half' replaces 'b', which the reference does not"
    ):
        mutants("a", ("half", "b", "c", "hint"))
