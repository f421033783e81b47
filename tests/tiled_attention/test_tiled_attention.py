"""The forms of attention agree, and their counts are the closed forms."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiled_attention import (
    FULL,
    Machine,
    Quantised,
    attend,
    block_sides,
    finish,
    keys_outside,
    merge,
    moved_by_keys_outside,
    moved_by_queries_outside,
    moved_by_standard,
    queries_outside,
    rotation,
    simulate,
    standard,
    utilisation,
)
from tiled_attention.low_precision import rounded, with_scale

sides = st.integers(1, 40)


def head(tokens: int, width: int, seed: int = 0, size: float = 1.0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [size * random.standard_normal((tokens, width)) for _ in range(3)]


def oracle(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = (q @ k.T / np.sqrt(q.shape[1])).astype(np.longdouble)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ v


@settings(deadline=None)
@given(sides, sides, sides, sides, st.sampled_from([1e-3, 1.0, 30.0]))
def test_all_forms_give_attention_and_move_what_their_formulas_say(
    tokens: int, width: int, rows: int, columns: int, size: float
) -> None:
    q, k, v = head(tokens, width, size=size)
    wanted = oracle(q, k, v)
    runs = [
        (moved_by_standard(tokens, width), partial(standard, q, k, v)),
        (moved_by_keys_outside(tokens, width, columns), partial(keys_outside, q, k, v, rows, columns)),
        (moved_by_queries_outside(tokens, width, rows), partial(queries_outside, q, k, v, rows, columns)),
    ]
    for moved, run in runs:
        machine = Machine()
        np.testing.assert_allclose(run(machine), wanted, rtol=1e-9, atol=1e-9 * size)
        assert machine.moved == moved
        assert machine.operations["matmul"] == 4 * tokens**2 * width


def test_the_papers_tile_leaves_the_papers_terms() -> None:
    tokens, width, on_chip = 1024, 64, 16384
    rows, columns = block_sides(on_chip, width)
    assert (rows, columns) == (64, 64)
    exact = 12 * (tokens * width) ** 2 // on_chip + 16 * tokens**2 * width // on_chip + 2 * tokens * width
    assert moved_by_keys_outside(tokens, width, columns) == exact


@settings(deadline=None)
@given(
    st.integers(1, 30), st.integers(1, 8), st.lists(st.integers(1, 30), min_size=1, max_size=5), st.randoms()
)
def test_parts_merge_to_the_whole_in_any_order(
    tokens: int, width: int, sizes: list[int], order: object
) -> None:
    q = head(tokens, width)[0]
    _, k, v = head(sum(sizes), width, seed=1, size=20.0)
    ends = np.cumsum(sizes)
    parts = [
        attend(q, k[end - size : end], v[end - size : end]) for size, end in zip(sizes, ends, strict=True)
    ]
    order.shuffle(parts)  # type: ignore[attr-defined]
    total = parts[0]
    for part in parts[1:]:
        total = merge(total, part)
    np.testing.assert_allclose(total.result, oracle(q, k, v), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("ahead", [False, True])
def test_a_schedule_keeps_order_inputs_and_units(groups: int, ahead: bool) -> None:
    steps = simulate(groups, 7, product=2, softmax=3, ahead=ahead)
    assert len(steps) == groups * 7 * 3
    ends = {step.task: step.end for step in steps}
    for step in steps:
        before = step.task.needs
        assert before is None or ends[before] <= step.start
    for unit in ("tensor cores", "exponentials"):
        busy = sorted((step.start, step.end) for step in steps if step.task.unit == unit)
        assert all(end <= start for (_, end), (start, _) in pairwise(busy))
    assert finish(steps) >= max(groups * 7 * 4, groups * 7 * 3)


def test_who_waits_in_the_model() -> None:
    alone = simulate(1, 50, product=1, softmax=1)
    assert utilisation(alone) == pytest.approx(2 / 3)
    assert utilisation(simulate(2, 50, product=1, softmax=1)) > 0.99
    assert utilisation(simulate(1, 50, product=1, softmax=1, ahead=True)) > 0.99
    assert utilisation(simulate(1, 50, product=1, softmax=2)) == pytest.approx(1 / 2)
    assert utilisation(simulate(2, 50, product=1, softmax=4)) == pytest.approx(1 / 2, abs=0.02)


def test_rounding_gives_numbers_of_the_format() -> None:
    x = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    assert set(rounded(x).ravel()) <= set(
        np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(float)
    )
    assert np.abs(with_scale(x, 128) - x).max() < np.abs(x).max() / 16
    assert np.abs(with_scale(x, None)).max() == pytest.approx(np.abs(x).max())


@pytest.mark.parametrize("width", [1, 2, 64])
def test_a_rotation_changes_no_score(width: int) -> None:
    q, k, _ = head(10, width)
    turn = rotation(width)
    np.testing.assert_allclose((q @ turn) @ (k @ turn).T, q @ k.T, atol=1e-5)
    np.testing.assert_allclose(np.abs(turn), width**-0.5, rtol=1e-6)


def test_a_rotation_needs_a_power_of_two() -> None:
    with pytest.raises(ValueError, match=r"^a Hadamard matrix of side 48 is built for powers of two only$"):
        rotation(48)


def test_outliers_hurt_less_after_a_rotation() -> None:
    random = np.random.default_rng(1)
    shape = (512, 64)
    q, k, v = (
        (
            random.standard_normal(shape) + (random.random(shape) < 1e-3) * 10 * random.standard_normal(shape)
        ).astype(np.float32)
        for _ in range(3)
    )
    wanted = oracle(*(each.astype(np.float64) for each in (q, k, v)))
    plain, full = (np.sqrt(np.mean((how(q, k, v) - wanted) ** 2)) for how in (Quantised(None, False), FULL))
    assert 1.2 * full < plain < 0.1
