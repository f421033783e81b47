"""The cache simulator, on programs whose misses can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from measurement import CacheCounts, simulate_caches

LINE, L1 = 64, 32 << 10
READ = """
void read(const volatile float *x, int count, int stride, int rounds) {
    for (int round = 0; round < rounds; round++)
        for (int n = 0; n < count; n++) (void)x[(long)n * stride];
}
"""


def aligned(bytes_: int) -> np.ndarray:
    memory = np.zeros(bytes_ + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + bytes_]


def read(count: int, stride: int, rounds: int) -> CacheCounts:
    return simulate_caches(READ, "read", aligned(count * stride * 4), count, stride, rounds)


def test_neighbours_share_a_line() -> None:
    assert read(160, 1, 1) == CacheCounts(touched=160, missed_l1=10, missed_l2=10)


def test_what_fits_misses_once_and_what_does_not_misses_each_time() -> None:
    fits, lines = L1 // LINE, 2 * L1 // LINE
    assert read(fits, 16, 3) == CacheCounts(3 * fits, fits, fits)
    assert read(lines, 16, 3) == CacheCounts(3 * lines, 3 * lines, lines)


def test_nine_lines_of_one_set_push_each_other_out() -> None:
    assert read(8, 1024, 5) == CacheCounts(40, 8, 8)  # 4096 bytes apart: the same set of L1
    assert read(9, 1024, 5) == CacheCounts(45, 45, 9)


def test_vectors_are_one_access_and_stores_count() -> None:
    source = """
    typedef float vector __attribute__((vector_size(64)));
    void copy(vector *y, const vector *x, int n) { for (int i = 0; i < n; i++) y[i] = x[i] * 2; }
    """
    x, y = aligned(64 * 100), aligned(64 * 100)
    assert simulate_caches(source, "copy", y, x, 100) == CacheCounts(200, 200, 200)
    assert simulate_caches(source, "copy", y, x.view()[64:], 99).touched == 198


def test_a_vector_off_its_line_touches_two() -> None:
    source = """
    typedef float vector __attribute__((vector_size(64), aligned(4)));
    void twice(vector *x, int n) { for (int i = 0; i < n; i++) x[i] *= 2; }
    """
    assert simulate_caches(source, "twice", aligned(64 * 11)[4:], 10) == CacheCounts(40, 11, 11)


def test_headers_are_found(tmp_path: Path) -> None:
    (tmp_path / "width.h").write_text("#define WIDTH 7\n")
    source = '#include "width.h"\nvoid fill(volatile char *x) { for (int i = 0; i < WIDTH; i++) x[i] = 1; }'
    assert simulate_caches(source, "fill", aligned(64), include=[tmp_path]).touched == 7


def test_without_gcc_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError) as refused:
        read(1, 1, 1)
    assert str(refused.value) == (
        "the cache simulator needs gcc; on Debian or Ubuntu: sudo apt-get install gcc"
    )
