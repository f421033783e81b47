"""Exercises of Gluon: a layout to choose, a ring to size, a protocol to repair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gluon_simulator import Descriptor, evaluated, explore, grid, record, run
from gluon_simulator.operations import Copy, Wait
from graders.exercise import Exercise, mutants, require

# --- 1: a layout for a tile -----------------------------------------------------------------------------

LANES, WIDEST, SECTOR = 32, 16, 32


def _owners(choice: Any, rows: int, columns: int) -> np.ndarray:
    """Thread and round of each element under (size, lanes, warps) per axis, of shape (rows, columns, 4)."""
    size, lanes, warps = choice
    row, column = np.indices((rows, columns))
    lane = row // size[0] % lanes[0] * lanes[1] + column // size[1] % lanes[1]
    above, left = row // (size[0] * lanes[0]), column // (size[1] * lanes[1])
    warp = above % warps[0] * warps[1] + left % warps[1]
    turn = above // warps[0] * columns + left // warps[1]
    own = row % size[0] * size[1] + column % size[1]
    return np.stack([warp, lane, turn, own], axis=-1)


def _lays_out(rows: int, columns: int, element: int, warps: int) -> Callable[[Any], None]:
    what = f"a tile of {rows} x {columns} with {element} bytes per element and {warps} warps"

    def check(layout: Callable[..., Any]) -> None:
        choice = layout(rows, columns, element, warps)
        require(
            len(choice) == 3 and all(len(pair) == 2 for pair in choice),
            f"for {what} it returns {choice!r}",
            "return three pairs: size per thread, lanes, warps, each along rows and columns",
        )
        size, lanes, of_warps = choice
        require(
            np.prod(lanes) == LANES and np.prod(of_warps) == warps,
            f"for {what}: lanes {lanes} and warps {of_warps}",
            f"a warp has {LANES} lanes, and every warp has its place",
        )
        require(
            size[1] * element == WIDEST and size[0] == 1,
            f"for {what}: a thread holds {size[0]} x {size[1]} elements",
            f"one load of a thread brings {WIDEST} bytes that are neighbours, and rows are contiguous",
        )
        whole = np.prod(choice, axis=0)
        require(
            rows % whole[0] == 0 and columns % whole[1] == 0,
            f"for {what}: all threads together cover {whole[0]} x {whole[1]} at once",
            "where that is more than the tile, several threads hold the same element and load it again",
        )
        owners = _owners(choice, rows, columns)
        first = (owners[..., 0] == 0) & (owners[..., 2] == 0)
        touched = {(row, column * element // SECTOR) for row, column in np.argwhere(first)}
        least = LANES * WIDEST // SECTOR
        require(
            len(touched) == least,
            f"for {what}: the first load of a warp touches {len(touched)} sectors, not {least}",
            "two threads share a sector where they are neighbours along the row",
        )

    return check


CHOOSE = """def layout(rows, columns, element_bytes, warps):
    each = 16 // element_bytes
    across = min(32, columns // each)
    down = 32 // across
    warps_down = min(warps, rows // down)
    return (1, each), (down, across), (warps_down, warps // warps_down)
"""
LAYOUT = Exercise(
    name="choose-a-layout",
    task="Choose the layout with which a block of warps loads a tile whose rows are contiguous.",
    entry="layout",
    starter='''def layout(rows, columns, element_bytes, warps):
    """Return size per thread, lanes and warps, each as a pair (along rows, along columns).

    All arguments are powers of two, and the tile has at least 16 bytes per thread. A
    thread loads 16 bytes at once, no element is loaded twice, and a warp touches as few
    sectors of 32 bytes as it can.
    """
    return (1, 1), (1, 32), (warps, 1)
''',
    reference=CHOOSE,
    properties={
        "the left tile of the page": _lays_out(128, 64, 2, 4),
        "the right tile of the page": _lays_out(64, 128, 2, 4),
        "wider elements": _lays_out(128, 64, 4, 4),
        "a row that is longer than a warp's load": _lays_out(64, 1024, 2, 4),
        "few rows": _lays_out(1, 4096, 2, 4),
        "fewer rows than warps": _lays_out(2, 1024, 2, 8),
        "a narrow tile": _lays_out(512, 32, 1, 8),
    },
    wrong=mutants(
        CHOOSE,
        ("counts elements, not bytes", "16 // element_bytes", "8", "brings 16 bytes"),
        ("gives every lane a row", "min(32, columns // each)", "1", "share a sector"),
        ("puts all lanes along the row", "min(32, columns // each)", "32", "hold the same element"),
        ("puts all warps along the rows", "min(warps, rows // down)", "warps", "hold the same element"),
        ("forgets warps", "warps // warps_down)", "1)", "every warp has its place"),
    ),
)

# --- 2: a ring in shared memory -------------------------------------------------------------------------


def _plans(
    tile: tuple[int, int, int], budget: int, result_stays: bool, expected: int
) -> Callable[[Any], None]:
    rows, columns, depth = tile
    what = f"tiles of {rows} x {columns}, {depth} deep, and {budget} bytes"

    def check(ring: Callable[..., Any]) -> None:
        stages = ring(rows, columns, depth, 2, budget, result_stays, 0)[0]
        apart = "beside the ring" if result_stays else "in its place"
        require(
            stages == expected,
            f"for {what}, with the result {apart}: {stages} slots instead of {expected}",
            "a slot costs a tile of a, one of b and two barriers of 8 bytes; the result may lie in the ring's "
            "place when the ring is done with",
        )

    return check


def _phases(step: int, slot: int, consumer: int, producer: int, hint: str) -> Callable[[Any], None]:
    def check(ring: Callable[..., Any]) -> None:
        found = tuple(ring(128, 128, 64, 2, 98_352, False, step)[1:])
        require(
            found == (slot, consumer, producer),
            f"with 3 slots, at step {step}: slot, consumer's parity, producer's parity are {found}",
            hint,
        )

    return check


RING = """def ring(rows, columns, depth, element_bytes, budget, result_stays, step):
    result = rows * columns * element_bytes
    each = (rows + columns) * depth * element_bytes + 16
    stages = (budget - result) // each if result_stays else budget // each
    turn = step // stages
    return stages, step % stages, turn % 2, 1 - turn % 2
"""
SIZE = Exercise(
    name="ring-and-phases",
    task="Say how many slots fit into shared memory, and which parities are waited for at a step.",
    entry="ring",
    starter='''def ring(rows, columns, depth, element_bytes, budget, result_stays, step):
    """Return (slots, slot of the step, parity for the consumer, parity for the producer).

    The tile of the result is rows x columns, the products of one step are `depth` deep,
    and `budget` is in bytes. Each slot holds a tile of a and one of b and has two
    barriers of 8 bytes. If result_stays, the result needs a place of its own; else it
    may overwrite the ring, which is no smaller.
    """
    slots = budget // ((rows + columns) * depth)
    return slots, step, 0, 0
''',
    reference=RING,
    properties={
        "three slots fill their budget": _plans((128, 128, 64), 98_352, False, 3),
        "a byte less is a slot less": _plans((128, 128, 64), 98_351, False, 2),
        "a result beside the ring": _plans((128, 128, 64), 131_120, True, 3),
        "and a byte less": _plans((128, 128, 64), 131_119, True, 2),
        "a tile that is no square": _plans((64, 256, 32), 100_000, False, 4),
        "the first step": _phases(0, 0, 0, 1, "a new barrier lets whoever waits for parity 1 pass"),
        "the last of the first round": _phases(2, 2, 0, 1, "each slot has barriers of its own"),
        "the second round": _phases(4, 1, 1, 0, "the parity changes with each round, not with each step"),
        "the third round": _phases(6, 0, 0, 1, "a parity is one bit: the third round looks like the first"),
    },
    wrong=mutants(
        RING,
        ("counts elements, not bytes", "depth * element_bytes + 16", "depth + 16", "two barriers of 8 bytes"),
        ("forgets the barriers", " + 16", "", "two barriers of 8 bytes"),
        ("never lets the result stay", "if result_stays", "if False", "in the ring's place"),
        ("changes the parity at each step", "turn = step // stages", "turn = step", "with each round"),
        ("lets the producer wait like the consumer", "1 - turn % 2", "turn % 2", "lets whoever waits"),
        ("counts rounds without end", "turn % 2, 1 - turn % 2", "turn, 1 - turn", "one bit"),
    ),
)

# --- 3: a protocol to repair ----------------------------------------------------------------------------

TILE = (4, 2, 2)


def _recording(kernel: Any, steps: int, stages: int, position: tuple[int, int] = (0, 0)) -> Any:
    rows, columns, depth = TILE
    shapes = ((2 * rows, steps * depth), (steps * depth, 2 * columns), (2 * rows, 2 * columns))
    tiles = ((rows, depth), (depth, columns), (rows, columns))
    matrices = map(Descriptor, "abc", shapes, tiles)
    return record(kernel, *matrices, steps * depth, position=position, STAGES=stages)


def _every_order(kernel: Any) -> None:
    for steps, stages in ((1, 1), (2, 2), (3, 2), (5, 2), (7, 3)):
        verdict = explore(_recording(kernel, steps, stages))
        kind = verdict.problem.partition(":")[0]
        hints = {
            "deadlock": "who waits for whom? A new barrier lets parity 1 pass, and every wait needs an "
            "arrival that somebody still makes",
            "race": "a slot may be read when all bytes of both tiles are there, and filled again when "
            "the product that reads it is done",
        }
        hint = hints.get(kind, "each slot has barriers of its own")
        require(not verdict.problem, f"with {steps} steps and {stages} slots, {verdict.problem}", hint)


def _right_numbers(kernel: Any) -> None:
    rows, columns, depth = TILE
    random = np.random.default_rng(0)
    a, b = (random.integers(-4, 5, shape) for shape in ((2 * rows, 5 * depth), (5 * depth, 2 * columns)))
    matrices = {"a": a, "b": b, "c": np.zeros((2 * rows, 2 * columns))}
    for position in grid(2 * rows, 2 * columns, TILE):
        recording = _recording(kernel, 5, 2, position)
        evaluated(recording, run(recording), matrices)
    require(np.array_equal(matrices["c"], a @ b), "the result is not a @ b", "which tile does a step copy?")


def _runs_ahead(kernel: Any) -> None:
    recording = _recording(kernel, 7, 3)
    copies = [program for program in recording.programs if any(isinstance(o, Copy) for o in program)]
    waits = [operation for operation in recording.programs[0] if isinstance(operation, Wait)]
    require(
        len(recording.programs) == 2 and len(copies) == 1 and copies[0] is recording.programs[1] and waits,
        "not one program copies and another multiplies",
        "the point of the kernel is that both go on at once: repair the waits, keep the programs",
    )


PROTOCOL = """def producer(a, b, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES):
    for step in range(steps):
        slot = step % STAGES
        mbarrier.wait(empty.index(slot), (step // STAGES & 1) ^ 1)
        mbarrier.expect(ready.index(slot), a.block_type.nbytes + b.block_type.nbytes)
        k = step * a.block_type.shape[1]
        tma.async_copy_global_to_shared(a, [row, k], ready.index(slot), a_tiles.index(slot))
        tma.async_copy_global_to_shared(b, [k, column], ready.index(slot), b_tiles.index(slot))


def consumer(c, a_tiles, b_tiles, ready, empty, row, column, steps, STAGES):
    total = gl.zeros(c.block_type.shape, gl.float32)
    for step in range(steps):
        slot = step % STAGES
        mbarrier.wait(ready.index(slot), step // STAGES & 1)
        total = warpgroup_mma(a_tiles.index(slot), b_tiles.index(slot), total, is_async=True)
        total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))
        mbarrier.arrive(empty.index(slot))
    tma.async_copy_shared_to_global(c, [row, column], total)


def kernel(a, b, c, K, STAGES):
    row = gl.program_id(0) * c.block_type.shape[0]
    column = gl.program_id(1) * c.block_type.shape[1]
    a_tiles = gl.allocate_shared_memory(a.dtype, [STAGES, *a.block_type.shape], a.layout)
    b_tiles = gl.allocate_shared_memory(b.dtype, [STAGES, *b.block_type.shape], b.layout)
    ready = mbarrier.allocate_mbarrier(batch=STAGES)
    empty = mbarrier.allocate_mbarrier(batch=STAGES)
    for i in range(STAGES):
        mbarrier.init(ready.index(i), count=1)
        mbarrier.init(empty.index(i), count=1)
    steps = K // a.block_type.shape[1]
    tiles = (a_tiles, b_tiles, ready, empty, row, column, steps, STAGES)
    gl.warp_specialize([(consumer, (c, *tiles)), (producer, (a, b, *tiles))], [1], [24])
"""
_WAIT = "        total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))\n"
_ARRIVE = "        mbarrier.arrive(empty.index(slot))\n"
BROKEN = (
    PROTOCOL.replace("(step // STAGES & 1) ^ 1", "step // STAGES & 1")
    .replace("a.block_type.nbytes + b.block_type.nbytes", "a.block_type.nbytes")
    .replace(_WAIT + _ARRIVE, _ARRIVE + _WAIT)
)
REPAIR = Exercise(
    name="repair-the-ring",
    task="Three mistakes in a ring with a producer and a consumer: mend them, in any order of events.",
    entry="kernel",
    starter=BROKEN,
    reference=PROTOCOL,
    properties={
        "no order of events goes wrong": _every_order,
        "the product is right": _right_numbers,
        "one program copies, the other multiplies": _runs_ahead,
    },
    wrong=mutants(
        PROTOCOL,
        ("waits for the wrong parity", ") ^ 1", ")", "lets parity 1 pass"),
        (
            "announces one tile",
            "a.block_type.nbytes + b.block_type.nbytes",
            "a.block_type.nbytes",
            "all bytes",
        ),
        ("arrives too early", _WAIT + _ARRIVE, _ARRIVE + _WAIT, "the product that reads it is done"),
        (
            "waits for one parity",
            "(ready.index(slot), step // STAGES & 1)",
            "(ready.index(slot), 0)",
            "all bytes",
        ),
        (
            "does not wait at all",
            "mbarrier.wait(empty.index(slot), (step // STAGES & 1) ^ 1)",
            "pass",
            "filled again",
        ),
        ("never arrives", _ARRIVE, "", "somebody still makes"),
        ("copies the first tile again and again", "k = step *", "k = 0 *", "which tile"),
    ),
)

EXERCISES = (LAYOUT, SIZE, REPAIR)
