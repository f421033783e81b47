"""Arguments: what a compiler is told of an array, and how that is written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lowering_explorer import Array, BadArgument, Tiles
from lowering_explorer.argument import DTYPES, described, parse, with_arrays, written

arrays = st.builds(
    Array, st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 9999), max_size=4).map(tuple)
)


@given(arrays)
def test_reads_what_it_writes(array: Array) -> None:
    assert parse(str(array)) == array


@given(arrays, st.lists(st.integers(1, 99), min_size=1, max_size=4).map(tuple))
def test_reads_the_tiles_that_it_writes(array: Array, tile: tuple[int, ...]) -> None:
    assert parse(written(described(Tiles(array, tile)))) == Tiles(array, tile)


def test_tiles_are_described_to_a_kernel_and_refused_to_a_function() -> None:
    tiles = Tiles(Array("f16", (8, 64)), (8, 32))
    assert with_arrays(([tiles],), str, lambda tiles: tiles.tile) == ([(8, 32)],)
    with pytest.raises(BadArgument) as refusal:
        with_arrays(([tiles],), str)
    assert str(refusal.value) == (
        "f16[8,64]@[8,32] goes to a Triton or Gluon kernel; pass f16[8,64] to a function"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f32[128, 1024]", Array("f32", (128, 1024))),
        ("float32[8]", Array("f32", (8,))),
        ("i8[]", Array("s8", ())),
        ("bool[4]", Array("pred", (4,))),
        ("f16[256,512]@[64, 32]", Tiles(Array("f16", (256, 512)), (64, 32))),
        ("3", 3),
        ("-2.5", -2.5),
        ("True", True),
    ],
)
def test_reads_the_usual_spellings(text: str, value: object) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("f33[4]", "'f33[4]' has no known dtype; known are f16, bf16, f32, f64, s8, s16, s32, s64, u8, pred"),
        ("f32(4)", "'f32(4)' is neither an array such as f32[128,1024] nor a number"),
        ("f32[4;5]", "'f32[4;5]' is neither an array such as f32[128,1024] nor a number"),
    ],
)
def test_refuses_word_for_word(text: str, sentence: str) -> None:
    with pytest.raises(BadArgument) as refusal:
        parse(text)
    assert str(refusal.value) == sentence


def test_describes_arrays_of_any_library_in_any_container() -> None:
    value = {
        "w": [np.zeros((2, 3), np.float16), torch.zeros(4, dtype=torch.bfloat16)],
        "n": (1, None, "same"),
    }
    expected = {"w": [Array("f16", (2, 3)), Array("bf16", (4,))], "n": (1, None, "same")}
    assert described(value) == expected
    assert written(described(value)) == "{w: [f16[2,3], bf16[4]], n: (1, None, same)}"
    assert with_arrays(expected, lambda array: array.dtype_name)["w"] == ["float16", "bfloat16"]


def test_refuses_what_no_compiler_takes() -> None:
    with pytest.raises(BadArgument, match="an array of dtype complex64 cannot be passed; known are float16"):
        described(np.zeros(2, np.complex64))
    with pytest.raises(BadArgument, match="an argument of type object cannot be passed"):
        described(object())
