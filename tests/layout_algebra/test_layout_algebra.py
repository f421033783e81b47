"""Layouts, their refusals word for word, banks and the layouts of the tensor core."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from layout_algebra import (
    Layout,
    Swizzle,
    Swizzled,
    complement,
    composition,
    logical_divide,
    right_inverse,
    tensor_core,
    wavefronts,
    zipped_divide,
)


def test_a_layout_prints_as_cute_prints_it() -> None:
    assert str(Layout(((4, 8), (2, 2)), ((16, 1), (8, 64)))) == "((4,8),(2,2)):((16,1),(8,64))"
    assert str(Swizzled(Swizzle(3, 4, 3), Layout((8, 64), (64, 1)))) == "S<3,4,3> o (8,64):(64,1)"
    assert str(Layout((3, (2, 2)))) == "(3,(2,2)):(1,(3,6))"


def test_a_coordinate_may_be_an_integer_at_each_depth() -> None:
    layout = Layout((4, (2, 8)), (2, (1, 8)))
    for i in range(layout.size):
        row, column = i % 4, i // 4
        assert layout(i) == layout(row, column) == layout(row, (column % 2, column // 2))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Layout((4, 8), (8, 1))((1, 2), 3),
            "the shape 4 takes an integer, not the coordinate (1, 2)",
        ),
        (lambda: Layout((4, 8))(1, 2, 3), "the shape (4, 8) has 2 modes, the coordinate (1, 2, 3) not"),
        (lambda: Layout((4, 8), 1), "the shape (4, 8) needs a stride of its own structure, not 1"),
        (lambda: Layout((4, 0)), "the shape (4, 0) has an extent that is not positive"),
        (
            lambda: composition(Layout((6, 2), (8, 2)), Layout(2, 4)),
            "(6,2):(8,2) after 2:4: neither of 4 and 6 divides the other",
        ),
        (
            lambda: composition(Layout((3, 4), (8, 12)), Layout(4)),
            "(3,4):(8,12) after 4:1: 4 elements do not fill modes of 3",
        ),
        (
            lambda: complement(Layout((2, 2), (2, 3)), 12),
            "(2,2):(2,3) has no complement: its stride 3 is no multiple of 4",
        ),
        (lambda: zipped_divide(Layout((4, 8)), (2,)), "(4,8):(1,4) has 2 modes: give as many tiles, not 1"),
        (
            lambda: Swizzle(3, 3, 2),
            "S<3,3,2> needs bits and base of at least 0 and a shift of at least 3 bits",
        ),
    ],
)
def test_refusals(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make()


def test_a_divided_tile_holds_the_elements_of_the_tile() -> None:
    rows = Layout((8, 16), (16, 1))
    tiles = zipped_divide(rows, (2, 4))
    for i in range(8):
        for j in range(16):
            assert tiles((i % 2, j % 4), (i // 2, j // 4)) == rows(i, j)
    assert logical_divide(rows, (2, 4))((1, 3), (2, 1)) == rows(7, 6)


def test_the_right_inverse_finds_what_an_offset_holds() -> None:
    rows = Layout((4, 8), (8, 1))
    inverse = right_inverse(rows)
    assert inverse.size == rows.size
    assert [rows(inverse(i)) for i in range(rows.size)] == list(range(rows.size))


def test_a_swizzle_permutes_and_keeps_what_lies_below_its_base_together() -> None:
    swizzle = Swizzle(3, 3, 3)
    assert sorted(map(swizzle, range(512))) == list(range(512))
    assert all(swizzle(i) - i % 8 == swizzle(i - i % 8) for i in range(512))


def test_wavefronts_of_accesses_that_one_can_count_by_hand() -> None:
    assert wavefronts([4 * lane for lane in range(32)], 4) == 1
    assert wavefronts([0] * 32, 4) == 1, "threads that want the same word share it"
    assert wavefronts([8 * lane for lane in range(32)], 4) == 2
    assert wavefronts([128 * lane for lane in range(32)], 4) == 32
    assert wavefronts([132 * lane for lane in range(32)], 4) == 1
    assert wavefronts([16 * lane for lane in range(32)], 16) == 4, "four times as many bytes as leave at once"
    assert wavefronts([128 * lane for lane in range(8)], 16) == 8
    assert wavefronts([2 * lane for lane in range(32)], 2) == 1, "two halves of one word"


@pytest.mark.parametrize("width", [64, 128, 256])
def test_padding_and_swizzle_both_make_the_rows_of_ldmatrix_free_of_conflicts(width: int) -> None:
    plain = Layout((64, width), (width, 1))
    padded = Layout((64, width), (width + 8, 1))
    shift = 3 if width < 128 else width.bit_length() - 4
    swizzled = Swizzled(Swizzle(3, 3, shift), plain)
    for row in range(0, 64, 8):
        for column in range(0, width, 8):
            steps = [
                wavefronts([2 * layout(row + i, column) for i in range(8)], 16)
                for layout in (plain, padded, swizzled)
            ]
            assert steps == [8, 1, 1]


def test_the_layouts_of_the_tensor_core_are_those_of_the_manual() -> None:
    for lane in range(32):
        for value in range(8):
            row, column = tensor_core.place_in_a(lane, value)
            assert tensor_core.A(lane, value) == row + tensor_core.M * column
        for value in range(4):
            column, depth = tensor_core.place_in_b(lane, value)
            assert tensor_core.B(lane, value) == column + tensor_core.N * depth
            row, column = tensor_core.place_in_c(lane, value)
            assert tensor_core.C(lane, value) == row + tensor_core.M * column
    for layout, size in ((tensor_core.A, 256), (tensor_core.B, 128), (tensor_core.C, 128)):
        assert sorted(layout.offsets) == list(range(size))


def test_the_instruction_adds_a_product_to_the_accumulators() -> None:
    a = [[float((m * 5 + k * 3) % 7) for k in range(16)] for m in range(16)]
    b = [[float((n * 2 + k) % 5) for k in range(16)] for n in range(8)]

    def registers(layout: Layout, tile: list[list[float]], values: int) -> list[list[float]]:
        rows = len(tile)
        places = [[divmod(layout(lane, value), rows) for value in range(values)] for lane in range(32)]
        return [[tile[row][column] for column, row in lane] for lane in places]

    c = [[float(m - n) for n in range(8)] for m in range(16)]
    made = tensor_core.mma(
        registers(tensor_core.A, a, 8), registers(tensor_core.B, b, 4), registers(tensor_core.C, c, 4)
    )
    product = [[c[m][n] + sum(a[m][k] * b[n][k] for k in range(16)) for n in range(8)] for m in range(16)]
    assert made == registers(tensor_core.C, product, 4)
