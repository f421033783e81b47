"""Which candidates to measure next: at random, by evolution, or as a model of the cost predicts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random as Dice
from typing import Any, Protocol

import numpy as np

from ..schedule import as_data, replay
from ..statement import Function
from .cost import features
from .record import Record
from .space import Candidate, Choose, Space, beginning

Array = np.ndarray[Any, np.dtype[np.float64]]


class Strategy(Protocol):
    """Takes up to `count` candidates of `space`, given the `records` so far; none if none is left."""

    def propose(self, space: Space, records: Sequence[Record], count: int, dice: Dice) -> list[Candidate]: ...


@dataclass(frozen=True)
class Random:
    """Each open option is as likely as the others."""

    def propose(self, space: Space, records: Sequence[Record], count: int, dice: Dice) -> list[Candidate]:
        return [each for _ in range(count) for each in space.take(lambda name, options: dice.choice(options))]


@dataclass(frozen=True)
class Evolutionary:
    """Mix two of the `parents` fastest candidates; each choice moves to a neighbour, or anywhere, by chance.

    Options stand in an order, so that neighbours are alike. Until `first` candidates are timed it is random.
    """

    parents: int = 4
    mutation: float = 0.4
    first: int = 6

    def propose(self, space: Space, records: Sequence[Record], count: int, dice: Dice) -> list[Candidate]:
        if len(timed(records)) < self.first:
            return Random().propose(space, records, count, dice)
        return [each for _ in range(count) for each in space.take(self.child(records, dice))]

    def child(self, records: Sequence[Record], dice: Dice) -> Choose:
        """Answers like one or the other of two parents, now and then moved."""
        best = sorted(timed(records), key=lambda each: each.seconds)[: self.parents]
        pair = dice.sample(best, min(2, len(best)))

        def decide(name: str, options: Sequence[Any]) -> Any:
            known = [as_data(option) for option in options]
            inherited = [known.index(each.choices[name]) for each in pair if each.choices.get(name) in known]
            if not inherited or dice.random() < self.mutation / 4:
                return dice.choice(options)
            step = dice.choice((-1, 1)) if dice.random() < self.mutation else 0
            return options[min(max(dice.choice(inherited) + step, 0), len(options) - 1)]

        return decide


@dataclass(frozen=True)
class Guided:
    """Of the candidates drawn so far, bred and random ones, those whose loops promise the least time.

    A ridge regression of the logarithm of the time on `features`, fitted to the records. For each proposal
    `draws` more are drawn, since a rule takes its time. A share `explore` of the proposals is random, since
    the model knows only what was timed; until `first` are timed, all of them.
    """

    draws: int = 6
    explore: float = 0.15
    ridge: float = 0.1
    first: int = 8

    def propose(self, space: Space, records: Sequence[Record], count: int, dice: Dice) -> list[Candidate]:
        known = timed(records)
        chance = count if len(known) < self.first else sum(dice.random() < self.explore for _ in range(count))
        taken = Random().propose(space, records, chance, dice)
        if chance == count:
            return taken
        breed = Evolutionary(mutation=0.8)
        for n in range(self.draws * count):
            decide = breed.child(known, dice) if n % 2 else lambda name, options: dice.choice(options)
            drawn = space.draw(decide)
            if drawn and drawn.refusal:  # costs no time, and what begins like it is drawn no more
                space.close(drawn.choices)
                taken.append(drawn)
            elif drawn:
                space.pool[beginning(drawn.choices)] = drawn
        open_ones = [each for key, each in space.pool.items() if key not in space.closed]
        times = self.predict(space.function, known, [each.schedule.function for each in open_ones])
        best = [open_ones[n] for n in np.argsort(times, kind="stable")[: count - chance]]
        for each in best:
            space.close(each.choices)
        return taken + best

    def predict(self, function: Function, known: Sequence[Record], asked: Sequence[Function]) -> Array:
        """The logarithms of the seconds of each in `asked`, from records of `function`."""
        rows = np.array([recorded(function, each.json) for each in known])
        target = np.log([each.seconds for each in known])
        mean, spread = rows.mean(0), rows.std(0) + 1e-9
        rows = (rows - mean) / spread
        new = (np.reshape([*map(features, asked)], (-1, len(mean))) - mean) / spread
        square = rows.T @ rows + self.ridge * len(known) * np.eye(rows.shape[1])
        weights = np.linalg.solve(square, rows.T @ (target - target.mean()))
        return np.asarray(target.mean() + np.clip(new, -4, 4) @ weights)  # no trust far from what is known


def timed(records: Sequence[Record]) -> list[Record]:
    return [each for each in records if each.seconds]


@functools.lru_cache(maxsize=1024)
def recorded(function: Function, trace: str) -> Array:
    """The features of where a recorded trace leads."""
    return features(replay(function, trace).function)
