"""What the grader says about an answer."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """The verdict on one answer: which properties hold, which one failed first, and why."""

    chapter: str
    exercise: str
    held: tuple[str, ...]
    failed: str = ""  # the property, or the limit, that the answer broke
    found: str = ""  # what it did, on the smallest input that shows it
    hint: str = ""

    @property
    def passed(self) -> bool:
        """Whether every property holds."""
        return not self.failed

    def __str__(self) -> str:
        lines = [f"{self.chapter}, {self.exercise}: {'passed' if self.passed else 'not yet'}"]
        lines += [f"  holds: {name}" for name in self.held]
        if self.failed:
            lines += [f"  fails: {self.failed}", f"         {self.found}"]
        if self.hint:
            lines.append(f"  hint:  {self.hint}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": f"<pre>{html.escape(str(self))}</pre>"}
