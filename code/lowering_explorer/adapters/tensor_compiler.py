"""The teaching compiler of this repository, seen through the callback of its pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lowering_explorer.adapters.shared_library import listing
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Lines, Stage
from tensor_compiler import NotTraceable, Target, TensorType, compile, host_target, show  # noqa: A004
from tensor_compiler.fusion import Fusion
from tensor_compiler.graph import Graph, Line
from tensor_compiler.kernel import Kernel
from tensor_compiler.memory import Plan
from tensor_compiler.passes import PASSES
from tensor_compiler.schedule import Schedule
from tensor_compiler.stage import Staged
from tensor_compiler.tracer import dtype_of

NOTES = {name: (transform.__doc__ or "").partition("\n")[0] for name, transform in PASSES}
NOTES |= {
    "trace": "The trace: one node per operator.",
    "fuse": "Which nodes become one loop function.",
    "tensor expressions": "What one element of each node is.",
    "inline": "Expressions that are read once, written into their reader.",
    "in place": "The last expression of a group writes over an input that is not needed any more.",
    "memory plan": "Where in one arena each tensor lies that one loop function makes for another.",
}
HEADERS = ("def ", "void ", "#", "VECTORS")  # lines that belong to no operator


def flags() -> dict[str, str]:
    """The C compiler and what it is told."""
    target = host_target()
    return {"compiler": os.path.basename(target.compiler), "flags": " ".join(target.flags)}  # noqa: PTH119


def capture(request: Request) -> Iterator[Stage]:
    """Graph, expressions, each step of each schedule, C and assembly. Raises CannotCapture."""
    os.environ["TENSOR_COMPILER_CACHE"] = str(request.folder)
    recorder = Recorder(request)
    try:
        types = [TensorType(dtype_of(array.dtype_name), *array.shape) for array in request.arrays()]
        compile(request.of_arrays(), *types, target=_debugged(host_target()), callback=recorder)
    except NotTraceable as error:
        yield from recorder.stages
        raise CannotCapture(str(error)) from None
    except BaseException:
        yield from recorder.stages
        raise
    yield from recorder.stages


def _debugged(target: Target) -> Target:
    """The target with line numbers in the machine code, which stays the same."""
    return replace(target, flags=(*target.flags, "-g"))


class Recorder:
    """The pipeline's callback: a stage for each step that changed something."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.stages: list[Stage] = []
        self.groups: tuple[Staged, ...] = ()

    def __call__(self, step: str, artefact: Any) -> None:
        match artefact:
            case Graph():
                known = {node.name: node.line for node in artefact.nodes}
                self.add(step, "graph", str(artefact), known)
            case Fusion(graph=graph):
                self.add(step, "graph", str(artefact), {node.name: node.line for node in graph.nodes})
            case Plan():
                self.add(step, "tensor IR", str(artefact), {}, self.expressions())
            case (Staged(), *_):
                self.groups = artefact
                lines = {name: line for group in artefact for name, line in group.lines.items()}
                self.add(step, "tensor IR", "\n".join(map(str, artefact)), lines)
            case (Schedule(), *_):
                for group, schedule in zip(self.groups, artefact, strict=True):
                    self.schedule(group, schedule)
            case (Kernel(), *_):
                for group, kernel in zip(self.groups, artefact, strict=True):
                    self.add(
                        f"{group.name}: C", "vector IR", kernel.source, names(group), f"{group.name}: loops"
                    )
                for group, kernel in zip(self.groups, artefact, strict=True):
                    self.assembly(group, kernel)

    def add(
        self,
        name: str,
        level: str,
        text: str,
        known: Mapping[str, Line | None],
        parent: str = "",
        note: str = "",
    ) -> None:
        """A stage, unless it says what the one before it says."""
        text = text.rstrip("\n") + "\n"
        before = self.stages[-1] if self.stages else None
        if before and before.text == text:
            return
        lines = tuple(self.lines(line, known) for line in text.splitlines())
        language = "cpp" if level == "vector IR" else "python" if level in ("graph", "loops") else "text"
        parent = parent or (before.name if before else "")
        self.stages.append(
            Stage(name, level, language, text, parent, lines, note=note or NOTES.get(name, ""))
        )

    def lines(self, text: str, known: Mapping[str, Line | None]) -> Lines:
        """The source lines of one line of text: those of the first name in it that belongs to an operator."""
        if text.startswith(HEADERS) or (text.endswith(":") and not text.startswith(" ")):
            return ()
        for word in re.findall(r"[A-Za-z_]\w*", text):
            name = next((name for name in candidates(word) if known.get(name)), None)
            line = known[name] if name else None
            if line:
                return self.request.resolve(line.file, line.number)
        return ()

    def expressions(self) -> str:
        """The name of the last stage with the expressions of the groups."""
        named = [stage.name for stage in self.stages if stage.level == "tensor IR"]
        return next(name for name in reversed(named) if name != "memory plan")

    def schedule(self, group: Staged, schedule: Schedule) -> None:
        """The naive loops, and the program after each primitive."""
        expressions = self.expressions()
        steps: Sequence[str] = ["naive", *map(str, schedule.trace)]
        for number, (step, function) in enumerate(zip(steps, schedule.history, strict=True)):
            last = number == len(steps) - 1
            name = f"{group.name}: loops" if last else f"{group.name}: loops {number}"
            parent = expressions if number == 0 else f"{group.name}: loops {number - 1}"
            note = "The loops as the expressions say." if number == 0 else f"{step}."
            self.add(name, "loops", show(function), names(group), parent, note)

    def assembly(self, group: Staged, kernel: Kernel) -> None:
        """The machine code; what the helpers of the vectors became belongs to the line that calls them."""
        code = kernel.source.splitlines()
        first = (
            max(number for number, line in enumerate(code) if line.startswith(("#include", "VECTORS"))) + 1
        )
        lines = [self.lines(line, names(group)) for line in code[first:]]
        place = ("kernel.c", first + 1)
        text, found = listing(kernel.library, kernel.function.name, code[first:], lines, place)
        name = f"{group.name}: assembly"
        self.stages.append(Stage(name, "assembly", "x86", text, f"{group.name}: C", found))


def names(group: Staged) -> dict[str, Line | None]:
    """The source line of each buffer that a group computes, and of the loops that compute it."""
    found: dict[str, Line | None] = {}
    for name, line in group.lines.items():
        found |= dict.fromkeys((name, *group.loops[name]), line)
    return found


def candidates(word: str) -> Iterator[str]:
    """`word`, and what it may be made from: primitives put `_i`, `_o`, `_init`, ... behind a name."""
    while word:
        yield word
        word = word.rpartition("_")[0]
