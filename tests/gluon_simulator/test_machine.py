"""The model's own rules: parity, bytes, the order of landings, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from gluon_simulator import NotSimulated, Recording, explore, record
from gluon_simulator.machine import start, steps
from gluon_simulator.operations import Arrive, Copy, Wait

mbarrier: Any = None  # the simulator puts a stand-in in its place


def may_pass(recording: Recording) -> bool:
    return any(True for _ in steps(recording, start(recording)))


@pytest.mark.parametrize(("parity", "passes"), [(0, False), (1, True)])
def test_a_new_barrier_lets_parity_1_pass_and_parity_0_not(parity: int, passes: bool) -> None:
    recording = Recording([[Wait(0, parity)]], barriers=[("ready[0]", 1)])
    assert may_pass(recording) is passes


def test_a_phase_ends_with_its_arrivals_and_its_bytes() -> None:
    recording = Recording(
        [[Arrive(0, 1, 64), Copy(0, 0, 0, 64), Wait(0, 0), Wait(0, 1)]],
        barriers=[("ready[0]", 1)], slots=["a[0]"], blocks=[("a", None)],
    )  # fmt: skip
    verdict = explore(recording)
    assert verdict.problem == "deadlock: main waits at ready[0] for parity 1, and nothing will wake them"
    assert verdict.trace == (
        "main arrives at ready[0] and announces 64 bytes",
        "main begins to copy a into a[0]",
        "a copy into a[0] lands",
        "main waits at ready[0] for parity 0",
    )


def test_two_phases_look_like_none() -> None:
    """The bit of a barrier that has run two phases ahead says that nothing has happened."""
    recording = Recording(
        [[Wait(0, 0)], [Arrive(0), Arrive(0)]], names=["late", "hasty"], barriers=[("ready[0]", 1)]
    )
    assert explore(recording).problem == (
        "deadlock: late waits at ready[0] for parity 0, and nothing will wake them"
    )


def test_an_arrival_too_many_is_a_race() -> None:
    recording = Recording([[Arrive(0, 2)]], barriers=[("empty[0]", 1)])
    assert explore(recording).problem == ("race: empty[0] gets more arrivals in a phase than it was made for")


def test_a_kernel_with_an_unknown_function_is_refused() -> None:
    def kernel() -> None:
        mbarrier.frobnicate()

    with pytest.raises(NotSimulated) as refusal:
        record(kernel)
    assert str(refusal.value) == (
        "kernel asks for something that has no stand-in: "
        "'types.SimpleNamespace' object has no attribute 'frobnicate'"
    )


def test_too_many_orders_are_refused() -> None:
    recording = Recording([[Arrive(0)] * 9, [Arrive(0)] * 9], names=["one", "other"], barriers=[("b", 1)])
    with pytest.raises(ValueError, match="there are more than 10 states; take fewer steps or slots"):
        explore(recording, at_most=10)
