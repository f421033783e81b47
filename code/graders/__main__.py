"""Command line: ``python -m graders start/measuring`` grades the reader's answers to a chapter."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from graders.grade import grade
from graders.registry import UnknownExercise, exercises

PROGRESS = "progress.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Create or grade answer files; return 0 when all exercises pass, 1 when some do not, 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m graders",
        description="Grade your answers to the exercises of a chapter. Each exercise has a file of its own, "
        "ANSWERS/<chapter>/<exercise>.py; --start writes those that are missing from their starters.",
    )
    parser.add_argument("chapter", help="such as start/measuring")
    parser.add_argument("exercise", nargs="?", help="one exercise; all of the chapter when left out")
    parser.add_argument("--start", action="store_true", help="write the starters of answers not begun yet")
    parser.add_argument("--answers", type=Path, default=Path("my_answers"), help="the folder of your answers")
    options = parser.parse_args(arguments)
    try:
        chosen = exercises(options.chapter)
    except UnknownExercise as error:
        print(error, file=sys.stderr)
        return 2
    if options.exercise and options.exercise not in chosen:
        print(
            f"{options.chapter} has no exercise {options.exercise!r}; it has: {', '.join(chosen)}",
            file=sys.stderr,
        )
        return 2
    names = [options.exercise] if options.exercise else list(chosen)
    folder: Path = options.answers / options.chapter
    if options.start:
        for name in names:
            _start(folder / f"{name}.py", f"# {chosen[name].task}\n\n{chosen[name].starter}")
        return 0
    passed = {}
    for name in names:
        path = folder / f"{name}.py"
        if not path.exists():
            print(
                f"{path} is missing; write it with: python -m graders --start {options.chapter}",
                file=sys.stderr,
            )
            return 2
        report = grade(options.chapter, name, path.read_text())
        print(report)
        passed[name] = report.passed
    _remember(options.answers / PROGRESS, options.chapter, passed)
    return 0 if all(passed.values()) else 1


def _start(path: Path, text: str) -> None:
    """Write a starter, unless there is an answer already."""
    if path.exists():
        print(f"{path}: kept")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{path}: written")


def _remember(path: Path, chapter: str, passed: dict[str, bool]) -> None:
    """Add what was graded to the reader's progress and print how far the chapter is."""
    progress = json.loads(path.read_text()) if path.exists() else {}
    progress.setdefault(chapter, {}).update(passed)
    path.write_text(json.dumps(progress, indent=1, sort_keys=True))
    done, total = sum(progress[chapter].values()), len(exercises(chapter))
    print(f"{chapter}: {done} of {total} exercises passed")


if __name__ == "__main__":
    sys.exit(main())
