"""What an exercise is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


class Failed(Exception):
    """A property of the answer does not hold."""

    def __init__(self, found: str, hint: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.hint = hint


def require(condition: object, found: str, hint: str = "") -> None:
    """Fail the property that is being checked unless `condition` holds.

    `found` says what the answer did and on which input: go from small inputs to large ones, so that
    the first failure is the smallest counterexample. `hint` says where to look, not what to write.
    """
    if not condition:
        raise Failed(found, hint)


@dataclass(frozen=True)
class WrongAnswer:
    """An answer that must be rejected, with words that its hint must contain."""

    name: str
    source: str
    hint: str


def mutants(source: str, *changes: tuple[str, str, str, str]) -> tuple[WrongAnswer, ...]:
    """Wrong answers, each `source` with one text replaced: (name, old, new, hint).

    Raises ValueError for a text that `source` does not hold, which would leave a right answer.
    """
    for name, old, _, _ in changes:
        if old not in source:
            raise ValueError(f"the wrong answer {name!r} replaces {old!r}, which the reference does not hold")
    return tuple(WrongAnswer(name, source.replace(old, new), hint) for name, old, new, hint in changes)


@dataclass(frozen=True)
class Exercise:
    """An exercise of one chapter.

    `entry` is the name that the answer's source must define; `properties` are checked in order on what it
    is bound to. `starter` is what the reader begins with, `reference` a solution, and `wrong` the classic
    mistakes; CI proves that the reference passes and that all others are rejected.
    """

    name: str
    task: str
    entry: str
    starter: str
    reference: str
    properties: Mapping[str, Callable[[Any], None]]
    wrong: tuple[WrongAnswer, ...]
    given: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # names the answer may use
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of its process
    seconds: float = 20.0
    megabytes: int = 2048
