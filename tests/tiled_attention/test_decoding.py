"""Splits are exact and move what is said; a constant serves inside its window; padding and blocks by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiled_attention.test_tiled_attention import head, oracle

from tiled_attention.decoding import combined, modelled_time, moved_by_split, split, waves
from tiled_attention.flat_product import operations_per_number, padded, wasted
from tiled_attention.one_maximum import OneMaximum


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 70))
def test_a_split_is_attention(keys: int, width: int, splits: int) -> None:
    q, k, v = head(keys, width, size=5.0)
    parts = split(q[:1], k, v, splits)
    assert len(parts) == min(splits, keys)
    np.testing.assert_allclose(combined(parts), oracle(q[:1], k, v), rtol=1e-9, atol=1e-9)


def test_what_a_split_moves() -> None:
    assert moved_by_split(keys=10, width=4, splits=1) == 2 * 40 + 4 + 4
    assert moved_by_split(keys=10, width=4, splits=3) == 2 * 40 + 3 * 4 + 4 + 3 * (6 + 6)


def test_time_is_waves_of_the_longest_part() -> None:
    assert [waves(programs, 4) for programs in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]
    assert modelled_time(keys=10, heads=3, splits=3, multiprocessors=4, start=5) == 3 * (4 + 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("spread", [0.5, 3.0, 60.0])
def test_one_maximum_gives_softmax_whether_or_not_it_falls_back(dtype: type, spread: float) -> None:
    scores, _, v = head(40, 40, size=spread)
    how = OneMaximum(0.0, -9.0, 9.0, dtype)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    wanted = weights @ v / weights.sum(axis=1, keepdims=True)
    assert how.falls_back(scores).any() == (spread > 2)
    for parts in (1, 7):
        np.testing.assert_allclose(
            how(scores, v, parts), wanted, atol=spread * (5e-3 if dtype == np.float16 else 1e-5)
        )


def test_a_score_at_the_end_of_the_window_falls_back() -> None:
    how = OneMaximum(1.0, -2.0, 3.0)
    scores = np.array([[1.0, 3.9], [1.0, 4.0], [-1.0, 1.0], [-0.9, 1.0]])
    assert how.falls_back(scores).ravel().tolist() == [False, True, True, False]


def test_padding_and_blocks() -> None:
    assert [padded(rows, 8) for rows in (1, 8, 9)] == [8, 8, 16]
    assert wasted(3, 4) == 0.25
    assert operations_per_number(rows=2, inner=3, columns=5) == 60 / (6 + 15 + 10)
