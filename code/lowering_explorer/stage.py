"""What a capture returns: the stages of one function on its way through one compiler, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lowering_explorer.rendering.excerpt import Excerpt

# From what the programmer writes to what the processor runs: the vocabulary that lines compilers up.
LEVELS = ("Python", "graph", "tensor IR", "loops", "vector IR", "LLVM IR", "assembly")

LANGUAGES = (
    "python",  # source, FX graphs, TVMScript, Triton
    "bytecode",
    "jaxpr",
    "mlir",
    "hlo",
    "llvm",
    "cpp",
    "cuda",
    "x86",
    "ptx",
    "sass",
    "amdgcn",
    "text",  # reports: guards, fusion decisions, buffers
)

Lines = tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """One text that a compiler made of the function.

    `source_lines` is empty, or holds for each line of `text` the lines of the source file that it came
    from. `counts` maps what was counted, with its unit in the name where it has one, to a number.
    """

    name: str  # unique among the stages of one compiler
    level: str  # one of LEVELS
    language: str  # one of LANGUAGES
    text: str
    parent: str = ""  # the name of the stage that it was made from
    source_lines: tuple[Lines, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""  # a sentence for the reader: what happened between the parent and this stage

    def __post_init__(self) -> None:
        if self.level not in LEVELS or self.language not in LANGUAGES:
            raise ValueError(f"stage {self.name!r}: no level {self.level!r} or no language {self.language!r}")
        if self.source_lines and len(self.source_lines) != len(self.text.splitlines()):
            raise ValueError(f"stage {self.name!r}: its source lines do not match its lines")

    def __str__(self) -> str:
        return self.text

    def lines_from(self, source_line: int) -> list[int]:
        """The lines of the text, counted from 0, that came from a line of the source."""
        return [number for number, lines in enumerate(self.source_lines) if source_line in lines]

    def excerpt(self, pattern: str, context: int = 2) -> Excerpt:
        """The lines in which a regular expression is found, with `context` lines around each, to display.

        Raises ValueError where it is found in none.
        """
        from lowering_explorer.rendering.excerpt import matching

        return matching(self, pattern, context)

    def lines(self, first: int, last: int) -> Excerpt:
        """The lines `first` to `last`, counted from 1, to display. Raises ValueError where there are none."""
        from lowering_explorer.rendering.excerpt import between

        return between(self, first, last)

    def results(self, operation: str = "") -> Excerpt:
        """The lines that compute what the text returns or stores, to display; see `result_lines`."""
        from lowering_explorer.rendering.excerpt import Excerpt
        from lowering_explorer.result_lines import result_lines

        return Excerpt(self, result_lines(self, operation))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from lowering_explorer.rendering.excerpt import whole

        return whole(self)._repr_mimebundle_()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Stage:
        """The stage that `dataclasses.asdict` took apart."""
        return cls(**{**data, "source_lines": tuple(tuple(lines) for lines in data["source_lines"])})


@dataclass(frozen=True)
class Capture:
    """The stages of one compiler in order, and how they were made."""

    compiler: str
    version: str
    stages: tuple[Stage, ...]
    problem: str = ""  # one sentence if the compiler did not reach its last stage
    flags: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0  # the largest resident size of the process

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def __getitem__(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(repr(stage.name) for stage in self.stages) or "none"
        raise KeyError(f"{self.compiler} has no stage {name!r}; it has: {known}")

    def at(self, level: str) -> list[Stage]:
        """The stages at one of LEVELS."""
        return [stage for stage in self.stages if stage.level == level]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Capture:
        """The capture that `dataclasses.asdict` took apart."""
        return cls(**{**data, "stages": tuple(map(Stage.from_data, data["stages"]))})


@dataclass(frozen=True)
class Source:
    """The function and those that it calls from the same file, with their line numbers in that file."""

    file: str
    lines: Mapping[int, str]

    def __str__(self) -> str:
        return "\n".join(self.lines.values())

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Source:
        """The source that `dataclasses.asdict` took apart; JSON made strings of its line numbers."""
        return cls(data["file"], {int(number): line for number, line in data["lines"].items()})


@dataclass(frozen=True)
class Lowering:
    """One function through several compilers."""

    function: str
    arguments: tuple[str, ...]  # as the command line writes them: f32[128,1024]
    source: Source
    machine: str
    captures: tuple[Capture, ...]

    def __iter__(self) -> Iterator[Capture]:
        return iter(self.captures)

    def __getitem__(self, compiler: str) -> Capture:
        for capture in self.captures:
            if capture.compiler == compiler:
                return capture
        raise KeyError(
            f"not captured: {compiler!r}; captured: {', '.join(c.compiler for c in self.captures)}"
        )

    @property
    def stages(self) -> list[Stage]:
        """All stages, compiler by compiler."""
        return [stage for capture in self.captures for stage in capture]

    def to_json(self) -> str:
        """Everything, in the format of snapshots and of recordings."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Lowering:
        """What `to_json` wrote. Raises ValueError for anything else."""
        try:
            data = json.loads(text)
            return cls(
                data["function"],
                tuple(data["arguments"]),
                Source.from_data(data["source"]),
                data["machine"],
                tuple(map(Capture.from_data, data["captures"])),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is not the JSON of a lowering: {error}") from None

    def __str__(self) -> str:
        from lowering_explorer.rendering.plain import overview

        return overview(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from lowering_explorer.rendering.bundle import mime_bundle

        return mime_bundle(self)
