"""The process in which an answer runs: ``python -m graders.judge VERDICT``, the request on standard input.

Writes the verdict as JSON into the file VERDICT after the last check. An answer that ends the process
leaves no verdict, which is a verdict too.
"""

from __future__ import annotations

import json
import linecache
import resource
import sys
from pathlib import Path
from typing import Any

from graders.exercise import Exercise, Failed
from graders.registry import find


def judge(exercise: Exercise, source: str) -> dict[str, Any]:
    """Check every property of the exercise on what `source` defines; stop at the first that fails."""
    held: list[str] = []

    def failure(name: str, found: str, hint: str = "") -> dict[str, Any]:
        return {"held": held, "failed": name, "found": found, "hint": hint}

    # A kernel of Triton, which is compiled from its source, asks for it.
    linecache.cache["answer"] = (len(source), None, source.splitlines(keepends=True), "answer")
    names: dict[str, Any] = {"__name__": "answer", **exercise.given}
    try:
        exec(compile(source, "answer", "exec"), names)
        answer = names[exercise.entry]
    except KeyError:
        return failure(
            f"defines {exercise.entry}", f"it defines no {exercise.entry}", "keep the starter's name"
        )
    except Exception as error:
        return failure("runs", _describe(error))
    for name, check in exercise.properties.items():
        try:
            check(answer)
        except Failed as failed:
            return failure(name, failed.found, failed.hint)
        except NotImplementedError:
            return failure(name, "it raises NotImplementedError: the starter is untouched")
        except MemoryError:
            return failure(name, f"it needs more than {exercise.megabytes} MB")
        except Exception as error:
            return failure(name, _describe(error))
        held.append(name)
    return {"held": held}


def _describe(error: Exception) -> str:
    """The error with the line of the answer that raised it."""
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "answer":
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f" in line {line} of the answer" if line else ""
    return f"it raises {type(error).__name__}: {error}{place}"


def main() -> None:
    """Judge one request under the exercise's memory limit."""
    request = json.load(sys.stdin)
    exercise = find(request["chapter"], request["name"])
    limit = exercise.megabytes << 20
    if sys.platform == "linux":  # macOS does not enforce it
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    verdict = judge(exercise, request["source"])
    Path(sys.argv[1]).write_text(json.dumps(verdict))


if __name__ == "__main__":
    main()
