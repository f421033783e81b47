"""The census counts what the compilers print; the map shows it whole, in every form."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

import the_block
from level_map import LEVELS, Artefact, CensusFailed, LevelMap, census
from the_block import S, arguments
from the_block.block import namespace


def chain(x: Any) -> Any:
    """Four elementwise operations and a sum."""
    xp = namespace(x)
    return xp.sum(xp.exp(x * 2 + 1) / 3, axis=-1)


X = [np.ones((8, 64), dtype=np.float32)]


def test_numpy_runs_each_operation() -> None:
    assert census("NumPy", chain, X)["Python"].count == 5


def test_xla_counts_follow_the_program() -> None:
    found = census("XLA", chain, X)
    assert found["graph"].count == 5
    assert found["tensor IR"].count > found["graph"].count  # broadcasts and constants
    assert found["loops"].count < found["graph"].count
    assert found["LLVM IR"].count > 0
    assert found["assembly"].count > 0


def test_inductor_fuses_the_chain_into_one_kernel() -> None:
    found = census("Inductor", chain, X)
    assert (found["graph"].count, found["loops"].count) == (5, 1)
    assert found["loops"].sentence == "1 calls of generated C++ loops and 0 of the matrix library."
    assert found["vector IR"].count > 0
    assert found["assembly"].count > 0


def test_tvm_fuses_the_chain_into_at_most_two_kernels() -> None:
    found = census("TVM", chain, X)
    assert found["tensor IR"].count == 5
    assert found["loops"].count <= 2
    assert found["assembly"].count > 0


def test_a_matrix_product_stays_a_kernel_of_its_own() -> None:
    arrays = arguments("mlp", S)
    assert (
        census("NumPy", the_block.mlp, arrays)["Python"].count
        > census("XLA", the_block.mlp, arrays)["loops"].count
    )
    assert census("XLA", the_block.mlp, arrays)["loops"].count >= 2


def crash(x: Any) -> Any:
    """A function that ends its process."""
    import os

    os.abort()


def endless(x: Any) -> Any:
    """A function that never returns."""
    while True:
        pass


def untraceable(x: Any) -> Any:
    """A function whose path depends on a value."""
    return x if x.sum() > 0 else -x


def test_a_crash_becomes_an_error_that_names_the_compiler() -> None:
    with pytest.raises(CensusFailed) as refusal:
        census("XLA", crash, X)
    assert str(refusal.value) == "XLA failed: its process died with SIGABRT"


def test_a_time_limit_ends_a_census() -> None:
    with pytest.raises(CensusFailed) as refusal:
        census("NumPy", endless, X, time_limit=2)
    assert str(refusal.value) == "NumPy was still working after 2 s"


def test_what_a_compiler_cannot_take_is_said() -> None:
    with pytest.raises(CensusFailed, match=r"^XLA failed: .*TracerBoolConversionError"):
        census("XLA", untraceable, X)


def test_an_unknown_compiler_is_refused() -> None:
    with pytest.raises(ValueError, match="no census of 'GCC'; choose one of NumPy, XLA, Inductor, TVM"):
        census("GCC", chain, X)


@pytest.fixture
def small() -> LevelMap:
    return LevelMap(
        {
            "A<b>": {"Python": Artefact("calls", 33, "calls", "One & one.")},
            "B": {"loops": Artefact("loops", 12, "kernels", "Fused.")},
        }
    )


def test_html_holds_every_level_and_escapes(small: LevelMap) -> None:
    page = small.to_html()
    assert [re.search(rf'scope="row">{level}', page) is not None for level in LEVELS] == [True] * len(LEVELS)
    assert "A&lt;b&gt;" in page
    assert "One &amp; one." in page
    assert page.count("<details>") == 2
    assert "<script" not in page
    assert "http" not in page


def test_the_still_shows_the_same_counts(small: LevelMap) -> None:
    bundle = small._repr_mimebundle_()
    text = PdfReader(io.BytesIO(base64.b64decode(bundle["application/pdf"]))).pages[0].extract_text()
    assert "33 calls" in text
    assert "12 kernels" in text
    assert bundle == small._repr_mimebundle_()  # the same bytes each time


def test_text_is_a_table(small: LevelMap) -> None:
    assert str(small).splitlines()[0].split() == ["level", "A<b>", "B"]
    assert "loops: 12 kernels" in str(small)
