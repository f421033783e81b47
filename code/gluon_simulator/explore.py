"""Runs a recording in every order that the barriers allow, or in one at random, and gives the numbers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gluon_simulator.machine import Race, State, finished, start, steps
from gluon_simulator.operations import Recording


@dataclass(frozen=True)
class Verdict:
    """What became of all orders: a problem and the shortest way to it, or the result that they share."""

    states: int
    problem: str = ""
    trace: tuple[str, ...] = ()
    result: State | None = None


class Deadlock(Exception):
    """Nothing can happen any more, and the kernel has not ended."""


def explore(recording: Recording, at_most: int = 200_000) -> Verdict:
    """Every order of the recording, breadth first, until one goes wrong.

    A problem is a race, a deadlock, or two orders with different results. Raises ValueError where there are
    more than `at_most` states.
    """
    first = start(recording)
    came_from: dict[State, tuple[State, str] | None] = {first: None}
    waiting, results = [first], list[State]()
    for state in waiting:
        if finished(recording, state):
            results.append(state)
            continue
        try:
            following = list(steps(recording, state))
        except Race as race:
            return Verdict(len(came_from), f"race: {race}", _trace(came_from, state))
        if not following:
            return Verdict(len(came_from), f"deadlock: {_stuck(recording, state)}", _trace(came_from, state))
        for event, after in following:
            if after not in came_from:
                came_from[after] = (state, event)
                waiting.append(after)
        if len(came_from) > at_most:
            raise ValueError(f"there are more than {at_most} states; take fewer steps or slots")
    if len({state.written for state in results}) > 1:
        return Verdict(len(came_from), "the result depends on the order", _trace(came_from, results[-1]))
    return Verdict(len(came_from), result=results[0])


def run(recording: Recording, seed: int = 0) -> State:
    """One order, drawn at random, to its end. Raises Race or Deadlock."""
    choose, state = random.Random(seed), start(recording)
    while not finished(recording, state):
        following = [after for _, after in steps(recording, state)]
        if not following:
            raise Deadlock(_stuck(recording, state))
        state = choose.choice(following)
    return state


def evaluated(recording: Recording, state: State, matrices: Mapping[str, np.ndarray]) -> None:
    """Write the numbers of a finished run into the result: sums in float32, rounded to its dtype."""
    for block, products in state.written:
        name, target = recording.blocks[block]
        total = np.zeros(target.shape, np.float32)
        for left, right in products:
            total += _values(recording, left, matrices) @ _values(recording, right, matrices)
        matrices[name].reshape(-1)[target] = total.astype(matrices[name].dtype)


def _values(recording: Recording, block: int, matrices: Mapping[str, np.ndarray]) -> np.ndarray:
    name, offsets = recording.blocks[block]
    return np.asarray(matrices[name].reshape(-1)[offsets], np.float32)


def _stuck(recording: Recording, state: State) -> str:
    left = [
        recording.described(program, counter)
        for program, counter in enumerate(state.counters)
        if counter < len(recording.programs[program])
    ]
    return ", ".join(left) + ", and nothing will wake them" if left else "nothing is left to run"


def _trace(came_from: Mapping[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    events = []
    while (step := came_from[state]) is not None:
        state, event = step
        events.append(event)
    return tuple(reversed(events))
