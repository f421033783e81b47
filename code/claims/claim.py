"""A sentence of the book together with the condition that makes it true."""

from __future__ import annotations

import html
import math
from dataclasses import asdict, dataclass
from typing import SupportsFloat

from claims.display import publish

MIME_TYPE = "application/vnd.ai-compilers-book.claim+json"


@dataclass(frozen=True)
class Claim:
    """A statement that held when the chapter ran, with the values it was judged by."""

    sentence: str
    evidence: dict[str, float | int | str]

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {_short(value)}" for name, value in self.evidence.items())
        return f"Claim holds: {self.sentence}" + (f" ({values})" if values else "")


def claim(sentence: str, holds: object, **evidence: SupportsFloat | str) -> None:
    """Assert that `sentence` is true in this execution, and record it for the status page.

    `holds` is the condition, a bool or a numpy bool; `evidence` names the values that it was
    judged by, each a number or a string, so that a failure can be understood from the report.

    Raises AssertionError with the sentence and the evidence when the condition is false, and
    TypeError when it is anything but a truth value: ``claim("...", "no")`` must not pass.
    """
    if type(holds).__name__ not in ("bool", "bool_"):
        raise TypeError(
            f"claim needs a condition that is True or False, not {type(holds).__name__}: {sentence}"
        )
    if not sentence.strip():
        raise ValueError("claim needs a sentence")
    stated = Claim(sentence, {name: _plain(value) for name, value in evidence.items()})
    if not holds:
        raise AssertionError(str(stated).replace("Claim holds", "Claim fails", 1))
    publish(
        {
            MIME_TYPE: asdict(stated),
            "text/plain": str(stated),
            "text/html": f'<p class="claim">{html.escape(str(stated))}</p>',
        },
        {},
    )


def _plain(value: SupportsFloat | str) -> float | int | str:
    """A JSON value for a number of any library: numpy, jax and torch scalars included.

    JSON has no infinity and no NaN, which a miscompiled program may well give: they become words.
    """
    if isinstance(value, str | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
