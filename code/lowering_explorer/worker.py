"""The process of one capture: ``python -m lowering_explorer.worker QUESTION FOLDER``.

It answers on its standard output, one JSON object per line: a stage, a problem, or the flags. What the
compilers print goes to standard error, so a stray line never ends up between the stages.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import traceback
from dataclasses import asdict, replace
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, TextIO

from lowering_explorer.adapters import adapter
from lowering_explorer.counting import counted
from lowering_explorer.function_source import source_of
from lowering_explorer.normalise import normalised
from lowering_explorer.request import CannotCapture, Question, Request
from lowering_explorer.stage import Source


def main() -> None:
    """Answer one question."""
    question: Question = pickle.loads(Path(sys.argv[1]).read_bytes())
    folder = Path(sys.argv[2])
    with _private_standard_output() as answers:
        _answer(question, folder, answers)


def _private_standard_output() -> TextIO:
    """Standard output as a file of our own; from now on descriptor 1 leads where errors go."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private


def _answer(question: Question, folder: Path, answers: TextIO) -> None:
    def say(kind: str, content: Any) -> None:
        answers.write(json.dumps({kind: content}) + "\n")
        answers.flush()

    module: ModuleType | None = None
    source: Source | None = None
    try:
        module = adapter(question.compiler).load()
        function = question.function.found(folder)
        source = source_of(function)
        say("source", asdict(source))
        work = folder / "work"
        work.mkdir()
        request = Request(function, question.arguments, source, work, question.keywords, question.options)
        if hasattr(module, "flags"):
            say("flags", module.flags())
        for stage in module.capture(request):
            text = normalised(stage.text, source.file, folder)
            say(
                "stage",
                asdict(replace(stage, text=text, counts=counted(stage.language, text) | stage.counts)),
            )
    except CannotCapture as refusal:
        say("problem", str(refusal))
    except BaseException as error:
        file = source.file if source else ""
        said = _one_sentence(error, file, getattr(module, "REMEDIES", ()))
        say("problem", normalised(said, file, folder).strip())
        raise


def _one_sentence(error: BaseException, file: str, remedies: tuple[tuple[str, str], ...]) -> str:
    """The error's first line, the last place in `file`, and what to do where the adapter knows that."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({PurePath(file).name}, line {frames[-1].lineno})" if frames else ""
    remedy = next((sentence for pattern, sentence in remedies if re.search(pattern, f"{said}\n{error}")), "")
    return f"{said.rstrip('.')}{where}. {remedy}".strip()


if __name__ == "__main__":
    main()
