"""What every chapter about a project answers, and how a cell answers it."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import SupportsFloat

from claims.display import publish

MIME_TYPE = "application/vnd.ai-compilers-book.passport+json"
LONGEST_ANSWER = 200


@dataclass(frozen=True)
class Field:
    """One question of the passport: its `name` in code, its `title` and `question` on the page."""

    name: str
    title: str
    question: str


FIELDS = (
    Field("capture", "Capture", "How does a Python function become the first IR, and what is refused?"),
    Field("representations", "Representations", "Which IRs does a program pass, from first to last?"),
    Field("fusion", "Fusion", "What is fused into what, and by which rule?"),
    Field("layout", "Layout", "Who chooses memory layouts, and what was chosen?"),
    Field("memory", "Memory plan", "Which buffers are needed, and which are used again?"),
    Field("codegen", "Code generation", "What writes the machine code, and for which targets?"),
    Field("tuning", "Tuning", "What is searched or measured, and what decided by heuristics?"),
    Field("dynamic_shapes", "Dynamic shapes", "What does a new shape cost?"),
    Field("caching", "Caching", "What is kept between runs, and under which key?"),
    Field("switches", "Debug switches", "What makes the compiler show its work?"),
    Field("source_map", "Source map", "What of a source line is left in the machine code?"),
)
TITLES = {field.name: field.title for field in FIELDS}


@dataclass(frozen=True)
class Entry:
    """The answer of one project to one field, and the figures that it rests on."""

    project: str
    version: str
    field: str
    answer: str
    figures: dict[str, float | int | str]

    @property
    def anchor(self) -> str:
        """The id, in the HTML page, of the cell that shows the answer."""
        return f"passport-{self.field}"

    def __str__(self) -> str:
        return f"Passport of {self.project}, {TITLES[self.field].lower()}: {self.answer}"


@dataclass(frozen=True)
class Passport:
    """The passport that a chapter fills: of which project, in which version."""

    project: str
    version: str

    def enter(self, field: str, answer: str, **figures: SupportsFloat | str) -> None:
        """Answer `field` in the output of the cell that shows it.

        `answer` is one line of at most 200 characters, its numbers computed; `figures` are those
        numbers by name. Raises ValueError for a field that no passport has and for an answer
        that is empty, longer, or of several lines.
        """
        if field not in TITLES:
            raise ValueError(f"a passport has no field {field!r}; its fields are {', '.join(TITLES)}")
        if not answer.strip() or "\n" in answer or len(answer) > LONGEST_ANSWER:
            raise ValueError(
                f"{field}: an answer is one line of 1 to {LONGEST_ANSWER} characters, this has {len(answer)}"
            )
        plain = {name: v if isinstance(v, str | int) else float(v) for name, v in figures.items()}
        entry = Entry(self.project, self.version, field, answer, plain)
        publish(
            {
                MIME_TYPE: asdict(entry),
                "text/plain": str(entry),
                "text/html": f'<p class="claim" id="{entry.anchor}">{html.escape(str(entry))}</p>',
            },
            {},
        )


def complaints(entries: Sequence[Entry]) -> list[str]:
    """What keeps the entries of one page from being one complete passport, a sentence each."""
    found = []
    holders = sorted({f"{entry.project} {entry.version}" for entry in entries})
    if len(holders) > 1:
        found.append(f"entries of more than one passport: {', '.join(holders)}")
    times = Counter(entry.field for entry in entries)
    if missing := [name for name in TITLES if not times[name]]:
        found.append(f"no cell enters {', '.join(missing)}")
    if doubled := [name for name in TITLES if times[name] > 1]:
        found.append(f"more than one cell enters {', '.join(doubled)}")
    return found
