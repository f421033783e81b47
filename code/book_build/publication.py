"""Which execution each page shows: the table that the executor writes and Sphinx reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from book_build.execution import Outcome
from book_build.store import write_atomically

TABLE = "publication.json"


@dataclass(frozen=True)
class Entry:
    """What one page shows: the execution `key` of the text with digest `text_digest`.

    `key` is empty for a page that failed and never ran well before: it shows its problem.
    `problem` is set whenever the newest text or code of the page failed.
    """

    docname: str
    key: str
    text_digest: str
    fresh: bool
    problem: str = ""
    traceback: str = ""

    def same_page(self, other: Entry | None) -> bool:
        """Whether a page built from `other` would show the same: freshness alone changes nothing."""
        if other is None:
            return False
        mine, theirs = asdict(self), asdict(other)
        return {**mine, "fresh": None} == {**theirs, "fresh": None}


def text_digest(text: str) -> str:
    """A digest of the text of a page, by which the reader finds what to show."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_publication(folder: Path, outcomes: Iterable[Outcome], texts: dict[str, str]) -> None:
    """Write the table below `folder`. A failed page shows its last good execution, of that time's text."""
    entries = []
    for outcome in outcomes:
        text = texts[outcome.docname]
        if outcome.execution and outcome.failed:
            text = outcome.execution.text
        entries.append(
            Entry(
                docname=outcome.docname,
                key=outcome.execution.key if outcome.execution else "",
                text_digest=text_digest(text),
                fresh=outcome.fresh,
                problem=outcome.problem,
                traceback=outcome.traceback,
            )
        )
    write_atomically(folder / TABLE, json.dumps([asdict(entry) for entry in entries], indent=1))


def read_publication(folder: Path) -> dict[str, Entry]:
    """The table, by docname. Raises FileNotFoundError when nothing was executed yet."""
    table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
    return {entry["docname"]: Entry(**entry) for entry in table}
