"""The kernels of gpu_matmul on the simulator: right in all orders, and wrong when one line of theirs is."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gluon_simulator import Deadlock, Race, Recording, evaluated, explore, grid, record, run
from gpu_matmul import copy_engine, copy_groups, specialized, tensor_memory
from gpu_matmul.altered import altered
from gpu_matmul.simulated import simulated_arguments

TILES = {copy_groups: (16, 16, 8)}  # of the others: 16 x 8, 4 deep
MODULES = [copy_groups, copy_engine, specialized, tensor_memory]


def kernel_of(module: ModuleType) -> Any:
    return next(value for name, value in vars(module).items() if name.endswith("_kernel"))


def recorded(module: ModuleType, m: int, n: int, k: int, stages: int, position: Any = (0, 0)) -> Recording:
    tile = TILES.get(module, (16, 8, 4))
    arguments, constants = simulated_arguments(m, n, k, tile, descriptors=module is not copy_groups)
    return record(kernel_of(module), *arguments, position=position, STAGES=stages, **constants)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("depths", [1, 2, 7])
def test_the_product_is_a_product_in_random_orders(module: ModuleType, stages: int, depths: int) -> None:
    tile = TILES.get(module, (16, 8, 4))
    m, n, k = 2 * tile[0], 3 * tile[1], depths * tile[2]
    random = np.random.default_rng(stages)
    a, b = (random.integers(-4, 5, shape).astype(np.float16) for shape in ((m, k), (k, n)))
    matrices = {"a": a, "b": b, "c": np.full((m, n), np.nan, np.float16)}
    for seed, position in enumerate(grid(m, n, tile)):
        recording = recorded(module, m, n, k, stages, position)
        evaluated(recording, run(recording, seed), matrices)
    assert np.array_equal(matrices["c"], (a.astype(int) @ b.astype(int)).astype(np.float16))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(("stages", "depths"), [(2, 1), (2, 6), (3, 7)])
def test_every_order_gives_one_result(module: ModuleType, stages: int, depths: int) -> None:
    tile = TILES.get(module, (16, 8, 4))
    verdict = explore(recorded(module, tile[0], tile[1], depths * tile[2], stages))
    assert verdict.problem == ""
    assert verdict.result is not None
    ((_, products),) = verdict.result.written
    assert len(products) == depths


READY = "mbarrier.wait(ready.index(slot), step // STAGES & 1)"
EMPTY = "mbarrier.wait(empty.index(slot), (step // STAGES & 1) ^ 1)"
REFILL = "mbarrier.wait(empty.index(refill), (step - 1) // STAGES & 1, pred=step > 0)"
BYTES = "a.block_type.nbytes + b.block_type.nbytes"
MUTANTS = [
    (specialized, EMPTY, "pass", "race: "),
    (specialized, READY, "pass", "race: "),
    (specialized, "(step // STAGES & 1) ^ 1", "step // STAGES & 1", "deadlock: "),
    (specialized, READY, "mbarrier.wait(ready.index(slot), 0)", "race: "),
    (specialized, "mbarrier.arrive(empty.index(slot), count=1)", "pass", "deadlock: "),
    (specialized, "total = warpgroup_mma_wait(num_outstanding=0, deps=(total,))", "pass", "race: "),
    (specialized, BYTES, "a.block_type.nbytes", "race: "),
    (specialized, BYTES, f"{BYTES} + 2", "deadlock: "),
    (specialized, "[k, column], barrier, b_tiles", "[k, column], ready.index(0), b_tiles", ""),
    (copy_engine, READY, "pass", "race: "),
    (copy_engine, "num_outstanding=1", "num_outstanding=2", "race: "),
    (copy_engine, "num_outstanding=0", "num_outstanding=1", "race: "),
    (copy_engine, "ahead = step + STAGES - 1", "ahead = step + STAGES", "race: "),
    (copy_engine, "step // STAGES & 1", "step & 1", ""),
    (tensor_memory, REFILL, "pass", "race: "),
    (tensor_memory, "mbarriers=[empty.index(slot)]", "mbarriers=[]", "deadlock: "),
    (tensor_memory, "mbarrier.wait(empty.index(last % STAGES), last // STAGES & 1)", "pass", "race: "),
    (copy_groups, "async_copy.wait_group(STAGES - 2)", "async_copy.wait_group(STAGES - 1)", "race: "),
    (copy_groups, "ahead % STAGES", "step % STAGES", ""),
]  # fmt: skip


@pytest.mark.parametrize(("module", "old", "new", "problem"), MUTANTS)
def test_a_mutant_goes_wrong_in_some_order(module: ModuleType, old: str, new: str, problem: str) -> None:
    changed = altered(module, old, new)
    tile = TILES.get(module, (16, 8, 4))
    arguments, constants = simulated_arguments(
        tile[0], tile[1], 7 * tile[2], tile, descriptors=module is not copy_groups
    )
    recording = record(kernel_of(changed), *arguments, STAGES=3, **constants)
    verdict = explore(recording)
    assert verdict.problem != ""
    assert verdict.problem.startswith(problem)


def test_a_wrong_tile_shows_in_the_numbers() -> None:
    """No order is wrong, but the product is: the simulator moves the tiles that the kernel names."""
    changed = altered(copy_engine, "k = ahead * depth", "k = step * depth")
    arguments, constants = simulated_arguments(16, 8, 28, (16, 8, 4), descriptors=True)
    recording = record(kernel_of(changed), *arguments, STAGES=3, **constants)
    assert explore(recording).problem == ""
    a, b = np.ones((16, 28), np.float16), np.arange(28 * 8, dtype=np.float16).reshape(28, 8)
    c = np.zeros((16, 8), np.float16)
    evaluated(recording, run(recording), {"a": a, "b": b, "c": c})
    assert not np.array_equal(c, a @ b)


def test_a_random_order_finds_a_deadlock_and_a_race_too() -> None:
    arguments, constants = simulated_arguments(16, 8, 28, (16, 8, 4), descriptors=True)
    stuck = altered(specialized, "mbarrier.arrive(empty.index(slot), count=1)", "pass")
    with pytest.raises(Deadlock) as deadlock:
        run(record(kernel_of(stuck), *arguments, STAGES=2, **constants))
    assert str(deadlock.value) == (
        "consumer waits at ready[0] for parity 1, producer waits at empty[0] for parity 0, "
        "and nothing will wake them"
    )
    early = altered(specialized, EMPTY, "pass")
    with pytest.raises(Race):
        run(record(kernel_of(early), *arguments, STAGES=2, **constants))


def test_a_text_that_is_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"neither gpu_matmul\.specialized nor"):
        altered(specialized, "mbarrier.frobnicate()", "pass")
