"""The state of a GPU that runs a recording, and every step that it may take next.

A barrier counts arrivals and bytes; when both are complete its phase ends, and the next begins. A wait for a
parity passes when the phase of that parity is over: it compares one bit, so it cannot tell a phase from the
one after next. Copies land in any order, products of one program in the order in which they began.
Sources: Gluon's tutorial 08-warp-specialization (a new barrier counts as if the phase of parity 1 were over)
and NVIDIA's documentation of Tilus, arrive_and_expect_tx (a phase ends with its arrivals and its bytes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from gluon_simulator.operations import (
    Arrive,
    Copy,
    Multiply,
    Read,
    Recording,
    Wait,
    WaitCopies,
    WaitProducts,
    Write,
)

T = TypeVar("T")
NOTHING = -1  # in a slot that was not filled, or is being filled
Issued = tuple[int, int]  # program, number of its operation


class Race(Exception):
    """Two accesses to one place whose order nothing decides; the message says which."""


@dataclass(frozen=True)
class State:
    """Everything that a step can change."""

    counters: tuple[int, ...]  # the next operation of each program
    barriers: tuple[tuple[int, int, int], ...]  # phase, arrivals and bytes that are missing
    slots: tuple[int, ...]  # the block that lies there
    sums: tuple[tuple[tuple[int, int], ...], ...]  # the products that were added, as pairs of blocks
    copies: frozenset[Issued] = frozenset()  # under way
    products: frozenset[Issued] = frozenset()
    written: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = ()  # block of the result, its products


def start(recording: Recording) -> State:
    """Before the first operation."""
    return State(
        counters=(0,) * len(recording.programs),
        barriers=tuple((0, count, 0) for _, count in recording.barriers),
        slots=(NOTHING,) * len(recording.slots),
        sums=((),) * len(recording.sums),
    )


def finished(recording: Recording, state: State) -> bool:
    """Whether every program has run to its end and nothing is under way."""
    ended = all(map(lambda done, all_: done == len(all_), state.counters, recording.programs))
    return ended and not state.copies and not state.products


def steps(recording: Recording, state: State) -> Iterator[tuple[str, State]]:
    """What may happen next, in words, and the state after it. Raises Race."""
    for program, counter in enumerate(state.counters):
        forked = program == 0 or state.counters[0] >= recording.fork
        if forked and counter < len(recording.programs[program]) and _may_pass(recording, state, program):
            yield recording.described(program, counter), _issue(recording, state, program)
    for issued in sorted(state.copies):
        copy = recording.programs[issued[0]][issued[1]]
        assert isinstance(copy, Copy)
        landed = replace(
            state, copies=state.copies - {issued}, slots=_with(state.slots, copy.slot, copy.block)
        )
        if copy.barrier >= 0:
            landed = _reach(recording, landed, copy.barrier, 0, -copy.bytes)
        yield f"a copy into {recording.slots[copy.slot]} lands", landed
    for program in sorted({program for program, _ in state.products}):
        oldest = min(issued for issued in state.products if issued[0] == program)
        product = recording.programs[program][oldest[1]]
        assert isinstance(product, Multiply)
        done = replace(state, products=state.products - {oldest})
        for barrier in product.barriers:
            done = _reach(recording, done, barrier, 1, 0)
        yield f"the product from {recording.slots[product.left]} is done", done


def _may_pass(recording: Recording, state: State, program: int) -> bool:
    match recording.programs[program][state.counters[program]]:
        case Wait(barrier, parity):
            return state.barriers[barrier][0] % 2 != parity
        case WaitCopies(before):
            return not any(of == program and number < before for of, number in state.copies)
        case WaitProducts(before):
            return not any(of == program and number < before for of, number in state.products)
    return True


def _issue(recording: Recording, state: State, program: int) -> State:
    counter = state.counters[program]
    operation, issued = recording.programs[program][counter], (program, counter)
    state = replace(state, counters=_with(state.counters, program, counter + 1))
    match operation:
        case Arrive(barrier, count, announced):
            return _reach(recording, state, barrier, count, announced)
        case Copy(slot):
            _check_unread(recording, state, slot)
            _check_landed(recording, state, slot, "begins to fill")
            return replace(state, copies=state.copies | {issued}, slots=_with(state.slots, slot, NOTHING))
        case Read(slot, registers):
            _check_there(recording, state, slot)
            return replace(state, slots=_with(state.slots, registers, state.slots[slot]))
        case Multiply(left, right, total, fresh):
            for slot in (left, right):
                _check_there(recording, state, slot)
            before = () if fresh else state.sums[total]
            pair = (state.slots[left], state.slots[right])
            sums = _with(state.sums, total, (*before, pair))
            return replace(state, sums=sums, products=state.products | {issued})
        case Write(block, total):
            for of, number in state.products:
                product = recording.programs[of][number]
                if isinstance(product, Multiply) and product.total == total:
                    raise Race(f"{recording.names[program]} reads a sum to which a product is being added")
            return replace(state, written=(*state.written, (block, state.sums[total])))
    return state


def _reach(recording: Recording, state: State, barrier: int, arrivals: int, announced: int) -> State:
    """Count arrivals and announced (or, below 0, landed) bytes, and end the phase when none is missing."""
    phase, missing, size = state.barriers[barrier]
    missing, size = missing - arrivals, size + announced
    if missing < 0:
        raise Race(f"{recording.barriers[barrier][0]} gets more arrivals in a phase than it was made for")
    if missing == 0 and size == 0:
        phase, missing = phase + 1, recording.barriers[barrier][1]
    return replace(state, barriers=_with(state.barriers, barrier, (phase, missing, size)))


def _check_landed(recording: Recording, state: State, slot: int, verb: str) -> None:
    for program, number in state.copies:
        copy = recording.programs[program][number]
        if isinstance(copy, Copy) and copy.slot == slot:
            raise Race(f"a program {verb} {recording.slots[slot]} while a copy into it is under way")


def _check_there(recording: Recording, state: State, slot: int) -> None:
    _check_landed(recording, state, slot, "reads")
    if state.slots[slot] == NOTHING:
        raise Race(f"a program reads {recording.slots[slot]}, which nothing has filled")


def _check_unread(recording: Recording, state: State, slot: int) -> None:
    for program, number in state.products:
        product = recording.programs[program][number]
        if isinstance(product, Multiply) and slot in (product.left, product.right):
            raise Race(f"a copy begins to overwrite {recording.slots[slot]} while a product reads it")


def _with(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])
