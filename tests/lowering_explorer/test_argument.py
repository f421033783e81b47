"""Arguments: what a compiler is told of an array, and how that is written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lowering_explorer import Array, BadArgument
from lowering_explorer.argument import DTYPES, described, parse, with_arrays, written

arrays = st.builds(
    Array, st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 9999), max_size=4).map(tuple)
)


@given(arrays)
def test_reads_what_it_writes(array: Array) -> None:
    assert parse(str(array)) == array


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f32[128, 1024]", Array("f32", (128, 1024))),
        ("float32[8]", Array("f32", (8,))),
        ("i8[]", Array("s8", ())),
        ("bool[4]", Array("pred", (4,))),
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
