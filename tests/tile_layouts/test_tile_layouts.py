"""The layouts are Triton's: every element compared with what Triton's own printer says of it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import triton.experimental.gluon.language as gl

from tile_layouts import Blocked, Owners, Swizzled, TensorCore, layouts_of, rounds


def owners_by_triton(layout: gl.DistributedLayout, shape: tuple[int, int]) -> Owners:
    """Of each element the first thread and register, from Triton's view of the tile."""
    first = [
        cell.split("|")[0] for cell in re.findall(r"T *\d+: *\d+(?:\| *T *\d+: *\d+)*", view(layout, shape))
    ]
    pairs = np.array([[int(number) for number in re.findall(r"\d+", cell)] for cell in first])
    return Owners(pairs[:, 0].reshape(shape), pairs[:, 1].reshape(shape))


def view(layout: gl.DistributedLayout | gl.SharedLayout, shape: tuple[int, int]) -> str:
    return str(layout.format_tensor_view(list(shape)))


@pytest.mark.parametrize(
    ("per_thread", "per_warp", "warps", "order", "shape"),
    [
        ((1, 8), (4, 8), (4, 1), (1, 0), (32, 64)),
        ((1, 8), (4, 8), (4, 1), (1, 0), (16, 64)),  # as large as all threads together
        ((1, 8), (4, 8), (4, 1), (1, 0), (8, 64)),  # smaller: warps share elements
        ((2, 2), (4, 8), (2, 1), (0, 1), (32, 32)),  # columns first, repeated
        ((1, 4), (2, 16), (1, 2), (1, 0), (8, 256)),
    ],
)
def test_blocked(
    per_thread: tuple[int, int],
    per_warp: tuple[int, int],
    warps: tuple[int, int],
    order: tuple[int, int],
    shape: tuple[int, int],
) -> None:
    theirs = gl.BlockedLayout(list(per_thread), list(per_warp), list(warps), list(order))
    expected = owners_by_triton(theirs, shape)
    found = Blocked(per_thread, per_warp, warps, order).owners(shape)
    assert np.array_equal(found.thread, expected.thread)
    assert np.array_equal(found.register, expected.register)


@pytest.mark.parametrize(("warps", "shape"), [((1, 1), (16, 8)), ((2, 2), (64, 32)), ((4, 1), (128, 64))])
def test_tensor_core(warps: tuple[int, int], shape: tuple[int, int]) -> None:
    theirs = gl.NVMMADistributedLayout(version=[2, 0], warps_per_cta=list(warps), instr_shape=[16, 8])
    expected = owners_by_triton(theirs, shape)
    found = TensorCore(warps).owners(shape)
    assert np.array_equal(found.thread, expected.thread)
    assert np.array_equal(found.register, expected.register)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (Swizzled(8, 1, 8), (16, 64)),
        (Swizzled(8, 2, 4), (16, 32)),
        (Swizzled(1, 1, 1), (8, 8)),
        (Swizzled(4, 1, 4, (0, 1)), (32, 16)),
    ],
)
def test_swizzled(layout: Swizzled, shape: tuple[int, int]) -> None:
    theirs = gl.SwizzledSharedLayout(layout.vec, layout.per_phase, layout.max_phase, list(layout.order))
    # Triton prints, in the order of memory, which element lies there.
    text = theirs.format_hardware_view(list(shape))
    elements = [(int(row), int(column)) for row, column in re.findall(r"-> \( *(\d+), *(\d+)\)", text)]
    found = layout.offsets(shape)
    assert len(elements) == found.size
    assert [int(found[element]) for element in elements] == list(range(found.size))


def test_a_thread_holds_each_of_its_registers_once() -> None:
    for owners in (
        Blocked((2, 2), (4, 8), (2, 2), (1, 0)).owners((64, 64)),
        TensorCore((2, 2)).owners((64, 64)),
    ):
        places = set(zip(owners.thread.flat, owners.register.flat, strict=True))
        assert len(places) == 64 * 64
        assert {register for _, register in places} == set(range(64 * 64 // 128))


def test_a_column_of_pieces_takes_eight_rounds_and_with_a_swizzle_one() -> None:
    for layout, expected in ((Swizzled(8, 1, 1), 8), (Swizzled(8, 1, 8), 1)):
        for piece in range(8):
            assert rounds(2 * layout.offsets((8, 64))[:, 8 * piece], 16) == expected


def test_rounds_counts_words_of_one_bank_and_not_threads() -> None:
    lane = np.arange(32)
    assert rounds(4 * lane, 4) == 1
    assert rounds(8 * lane, 4) == 2
    assert rounds(128 * lane, 4) == 32
    assert rounds(0 * lane, 4) == 1  # one word for all
    assert rounds(2 * lane, 2) == 1  # two threads to a word


def test_layouts_are_read_from_the_text() -> None:
    blocked = "sizePerThread = [1, 8], threadsPerWarp = [4, 8], warpsPerCTA = [4, 1], order = [1, 0]"
    module = f"""#blocked = #ttg.blocked<{{{blocked}}}>
#linear = #ttg.linear<{{register = [[0, 1]], lane = [[0, 2]], warp = [], block = []}}>
#mma = #ttg.nvidia_mma<{{versionMajor = 2, versionMinor = 0, warpsPerCTA = [2, 2], instrShape = [16, 8]}}>
#mma1 = #ttg.nvidia_mma<{{versionMajor = 3, warpsPerCTA = [4, 1], instrShape = [16, 64, 16]}}>
#shared = #ttg.swizzled_shared<{{vec = 8, perPhase = 1, maxPhase = 8, order = [1, 0]}}>
#smem = #ttg.shared_memory
"""
    assert layouts_of(module) == {
        "blocked": Blocked((1, 8), (4, 8), (4, 1), (1, 0)),
        "mma": TensorCore((2, 2)),
        "shared": Swizzled(8, 1, 8),
    }
