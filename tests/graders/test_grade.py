"""The grader survives every answer, and says in one report what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders import UnknownExercise, grade
from graders.__main__ import main

CHAPTER, NAME = "start/measuring", "async-dispatch"
HEAD = "def nanoseconds_of(call, clock):\n    "


@pytest.mark.parametrize(
    ("body", "failed", "found"),
    [
        (
            "import os; os._exit(0)",
            "lets the grader finish",
            "it ended the process with exit status 0 before",
        ),
        (
            "import sys; sys.exit(0)",
            "lets the grader finish",
            "it ended the process with exit status 0 before",
        ),
        ("import os; os.abort()", "lets the grader finish", "it ended the process with SIGABRT"),
        ("return [0] * 10**10", "measures the work, not the order", "it needs more than 2048 MB"),
        (
            "return 1 / 0",
            "measures the work, not the order",
            "it raises ZeroDivisionError: division by zero in line 2",
        ),
        (
            "raise NotImplementedError",
            "measures the work, not the order",
            "it raises NotImplementedError: the starter",
        ),
        ("return None", "measures the work, not the order", "for work of 1 ms it returns None"),
    ],
)
def test_a_hostile_answer_gives_a_report(body: str, failed: str, found: str) -> None:
    report = grade(CHAPTER, NAME, HEAD + body)
    assert (report.passed, report.failed) == (False, failed)
    assert report.found.startswith(found)


def test_an_endless_loop_is_ended() -> None:
    report = grade(
        CHAPTER, "warm-up", "def steady_nanoseconds(call, clock):\n    while True:\n        pass\n"
    )
    assert str(report) == (
        "start/measuring, warm-up: not yet\n"
        "  fails: ends in time\n"
        "         it was still running after 5 s\n"
        "  hint:  look for a loop that never ends"
    )


def test_source_that_is_no_python_is_reported() -> None:
    assert grade(CHAPTER, NAME, "def (").found.startswith("it raises SyntaxError")


def test_a_missing_name_is_reported() -> None:
    report = grade(CHAPTER, NAME, "x = 1")
    assert (report.failed, report.hint) == ("defines nanoseconds_of", "keep the starter's name")


def my_answer(call, clock):  # type: ignore[no-untyped-def]
    call().block_until_ready()
    began = clock()
    call().block_until_ready()
    return clock() - began


def test_a_function_is_taken_by_its_source_whatever_its_name() -> None:
    report = grade(CHAPTER, NAME, my_answer)
    assert report.passed
    assert "start/measuring, async-dispatch: passed" in report._repr_mimebundle_()["text/html"]


def test_a_function_without_source_is_refused() -> None:
    with pytest.raises(
        ValueError, match="the source of <built-in function len> cannot be had; define it with def"
    ):
        grade(CHAPTER, NAME, len)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UnknownExercise) as refusal:
        grade(CHAPTER, "nothing", 1)
    assert str(refusal.value) == (
        "start/measuring has no exercise 'nothing'; "
        "it has: async-dispatch, warm-up, folded-away, drift, verdict"
    )
    with pytest.raises(
        UnknownExercise, match=r"no chapter 'start/nothing' has exercises; those that have: .*start/"
    ):
        grade("start/nothing", "x", 1)


def test_html_is_escaped() -> None:
    report = grade(CHAPTER, NAME, HEAD + "raise ValueError('<b>')")
    assert "&lt;b&gt;" in report._repr_mimebundle_()["text/html"]


def test_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--answers", str(tmp_path), CHAPTER]
    assert main([*common, NAME]) == 2
    assert "is missing; write it with: python -m graders --start start/measuring" in capsys.readouterr().err
    assert main(["--start", *common]) == 0
    answer = tmp_path / CHAPTER / f"{NAME}.py"
    assert answer.read_text().startswith("# Return the nanoseconds")
    assert main([*common, NAME]) == 1
    assert "start/measuring: 0 of 5 exercises passed" in capsys.readouterr().out
    answer.write_text(answer.read_text().replace("    began", "    call().block_until_ready()\n    began", 1))
    answer.write_text(
        answer.read_text().replace("    call()\n    return", "    call().block_until_ready()\n    return")
    )
    assert main([*common, NAME]) == 0
    assert "start/measuring: 1 of 5 exercises passed" in capsys.readouterr().out
    assert json.loads((tmp_path / "progress.json").read_text()) == {CHAPTER: {NAME: True}}
    assert main(["--start", *common]) == 0
    assert f"{answer}: kept" in capsys.readouterr().out
    assert main(["start/nothing"]) == 2
    assert main([CHAPTER, "nothing"]) == 2
