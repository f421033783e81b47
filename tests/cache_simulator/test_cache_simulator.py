"""The model of a cache against a slower one, and loop functions whose misses can be computed by hand."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_simulator import Cache, CannotSimulate, simulate
from tensor_compiler import Schedule, parse

SWEEP = """
def sweep(x: f32[64, 64], y: f32[64]):
    for i in serial(64):
        y[i] = 0.0
        for j in serial(64):
            y[i] += x[{index}]
"""
PRODUCT = """
def matmul(A: f32[{n}, {n}], B: f32[{n}, {n}], C: f32[{n}, {n}]):
    for i in serial({n}):
        for j in serial({n}):
            for k in serial({n}):
                C[i, j] += A[i, k] * B[k, j]
"""
PRODUCT_32 = parse(PRODUCT.format(n=32))
LARGE = 1 << 20  # bytes: a cache in which everything fits


@given(st.lists(st.integers(0, 40), max_size=200), st.sampled_from([(1, 1), (1, 4), (2, 2), (4, 1)]))
def test_a_cache_keeps_the_lines_used_last_in_each_set(numbers: list[int], shape: tuple[int, int]) -> None:
    sets, ways = shape
    cache = Cache(sets * ways * 16, line=16, ways=ways)
    for at, number in enumerate(numbers):
        rivals = [other for other in numbers[:at] if other % sets == number % sets]
        last_used = list(dict.fromkeys(reversed(rivals)))[:ways]
        assert cache.touch(16 * number + 15) == (number in last_used)


def test_a_line_that_was_dropped_is_not_here() -> None:
    cache = Cache()
    assert [cache.touch(130), cache.touch(191), cache.touch(192)] == [False, True, False]
    cache.drop(128)
    assert not cache.touch(130)


def test_along_rows_one_access_in_a_line_misses_along_columns_each_does() -> None:
    tiny = 1024  # bytes: 16 lines, fewer than a column of x touches
    along = simulate(parse(SWEEP.format(index="i, j")), Cache(tiny, ways=16))
    down = simulate(parse(SWEEP.format(index="j, i")), Cache(tiny, ways=16))
    assert along.touches == down.touches == Counter(x=64 * 64, y=64 * 65)
    assert along.misses[0] == Counter(x=64 * 64 // 16, y=64 // 16)
    assert down.misses[0] == Counter(x=64 * 64, y=64 // 16)
    assert str(along) == "8,256 accesses, 260 misses"


def test_what_fits_misses_once_a_line_in_any_order() -> None:
    once = Counter(A=64, B=64, C=64)
    assert simulate(PRODUCT_32, Cache(LARGE)).misses == (once,)
    schedule = Schedule(PRODUCT_32)
    schedule.reorder("k", "i", "j")
    assert simulate(schedule.function, Cache(LARGE)).misses == (once,)


def test_a_tile_that_fits_saves_misses() -> None:
    schedule = Schedule(parse(PRODUCT.format(n=64)))
    plain = simulate(schedule.function, Cache(4096, ways=64))
    schedule.tile(("i", "j", "k"), (16, 16, 16))
    tiled = simulate(schedule.function, Cache(4096, ways=64))
    assert tiled.touches == plain.touches
    assert plain.misses[0]["B"] == 64**3  # a column is touched again after 64 others
    assert tiled.misses[0].total() * 4 < plain.misses[0].total()


def test_the_second_cache_sees_what_the_first_misses() -> None:
    levels = simulate(PRODUCT_32, Cache(1024), Cache(LARGE))
    assert levels.misses[0] == simulate(PRODUCT_32, Cache(1024)).misses[0]
    assert levels.misses[1] == simulate(PRODUCT_32, Cache(LARGE)).misses[0]
    assert str(levels).count("then") == 1


def test_registers_touch_no_memory_and_a_tile_instruction_touches_its_elements() -> None:
    function = parse("""
def dots(A: u8[2, 4], B: s8[4, 4], C: s32[4]):
    kept = registers(s32[4])
    for i in unrolled(4):
        kept[i] = 0
    for k in serial(2):
        total = C[k]
        if k > 0:
            for j in vectorized(4):
                kept[j] += s32(A[k, j]) * s32(B[j, k]) + total
    for i2 in serial(4):
        C[i2]: non_temporal = kept[i2]
""")
    traffic = simulate(function)
    assert traffic.touches == Counter(A=4, B=4, C=2 + 4)
    assert traffic.misses[0] == Counter(A=1, B=1, C=1 + 4)


def test_sizes_are_given_by_name() -> None:
    function = parse("def f(n: s64, x: f32[n]):\n    for i in serial(n):\n        x[i] = 0.0\n")
    assert simulate(function, sizes={"n": 40}).misses[0] == Counter(x=3)
    with pytest.raises(CannotSimulate) as refusal:
        simulate(function)
    assert str(refusal.value) == "give a number for 'n' in sizes"


def test_what_depends_on_numbers_in_memory_is_refused() -> None:
    function = parse("def f(x: s64[4], y: f32[4]):\n    for i in serial(4):\n        y[x[i]] = 0.0\n")
    with pytest.raises(CannotSimulate) as refusal:
        simulate(function)
    assert str(refusal.value) == "'x[i]' depends on numbers in memory, which a simulation has not"


def test_sizes_that_no_cache_has_are_refused() -> None:
    with pytest.raises(
        ValueError, match="100 bytes are not sets of 8 lines of 64 bytes: choose a multiple of 512"
    ):
        Cache(100)
