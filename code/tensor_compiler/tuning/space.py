"""The candidates of a tunable rule: the tree of the answers to what it asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..legality import Refused
from ..schedule import Schedule, as_data
from ..statement import Function
from ..target import Target

Choose = Callable[[str, Sequence[Any]], Any]  # the name of a choice point and its options; gives one of them
Tunable = Callable[[Schedule, Target, Choose], object]  # a schedule rule that asks


class NothingLeft(Exception):
    """Below the answers so far, every candidate was proposed."""


@dataclass(frozen=True)
class Candidate:
    """The answers, in the order they were asked for, and where they lead; `refusal` if a primitive said no.

    A refusal in the middle leaves the later questions open: it stands for all candidates that begin so.
    """

    choices: dict[str, Any]
    schedule: Schedule
    refusal: str = ""


class Space:
    """The candidates of `rule` for `function`, each of which is proposed once.

    `closed` holds beginnings of answers below which nothing is left; `pool` is for a strategy that draws
    more than it takes.
    """

    def __init__(self, function: Function, rule: Tunable, target: Target) -> None:
        self.function, self.rule, self.target = function, rule, target
        self.closed: set[tuple[str, ...]] = set()
        self.pool: dict[tuple[str, ...], Candidate] = {}

    @property
    def exhausted(self) -> bool:
        return () in self.closed

    def draw(self, decide: Choose) -> Candidate | None:
        """The candidate that `decide` leads to, asked with the options that are open; None if there is none.

        Options are what JSON holds, tuples among it. Raises ValueError for a choice point without options, or
        one asked for twice.
        """
        while not self.exhausted:
            choices: dict[str, Any] = {}

            def choose(name: str, options: Sequence[Any], choices: dict[str, Any] = choices) -> Any:
                if name in choices:
                    raise ValueError(f"'{name}' is chosen twice: give each choice point its own name")
                if not options:
                    raise ValueError(f"'{name}' has no options: give at least one")
                live = [each for each in options if beginning({**choices, name: each}) not in self.closed]
                if not live:
                    self.closed.add(beginning(choices))
                    raise NothingLeft
                choices[name] = decide(name, live)
                return choices[name]

            schedule = Schedule(self.function)
            try:
                self.rule(schedule, self.target, choose)
                return Candidate(choices, schedule)
            except Refused as refused:
                return Candidate(choices, schedule, refused.reason)
            except NothingLeft:
                continue
        return None

    def close(self, choices: dict[str, Any]) -> None:
        """Never draw these choices again, nor what begins with them."""
        self.closed.add(beginning(choices))

    def take(self, decide: Choose) -> list[Candidate]:
        """The candidate that `decide` leads to, closed; none if there is none."""
        candidate = self.draw(decide)
        if candidate is None:
            return []
        self.close(candidate.choices)
        return [candidate]


def beginning(choices: dict[str, Any]) -> tuple[str, ...]:
    """Answers as they compare and hash: (6, 32) and the [6, 32] of a record are the same one."""
    return tuple(json.dumps([name, as_data(value)]) for name, value in choices.items())
