"""Claims hold or stop the chapter; quoted values reach the prose as MyST-NB's glue expects them."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from claims import claim, quote
from claims.claim import MIME_TYPE


def test_a_false_claim_stops_with_its_sentence_and_evidence() -> None:
    with pytest.raises(AssertionError) as failure:
        claim("Fusion saves bytes", np.bool_(False), fused=8.5, kernels=3, machine="cpu")
    assert str(failure.value) == "Claim fails: Fusion saves bytes (fused = 8.5, kernels = 3, machine = cpu)"


@pytest.mark.parametrize("condition", ["no", 1, None, [False], np.array([True])])
def test_a_condition_must_be_a_truth_value(condition: object) -> None:
    with pytest.raises(TypeError, match="claim needs a condition that is True or False, not "):
        claim("Anything", condition)


def test_a_claim_needs_a_sentence() -> None:
    with pytest.raises(ValueError, match="claim needs a sentence"):
        claim("  ", True)


@pytest.mark.parametrize("name", ["", "two words", "a-b"])
def test_a_quoted_value_needs_an_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="a quoted value needs a name that is an identifier, not "):
        quote(name, 1)


def test_quote_returns_its_value() -> None:
    value = np.float32(1.5)
    assert quote("value", value) is value


def test_in_a_notebook_both_leave_their_messages() -> None:
    source = "from claims import claim, quote\nclaim('<b> holds', 2 > 1, two=2, wrong=float('inf'))\n"
    source += "quote('ops', 12)\nquote('x', 0.5);"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3").execute()
    claimed, ops, x = notebook.cells[0].outputs
    assert claimed.data[MIME_TYPE] == {"sentence": "<b> holds", "evidence": {"two": 2, "wrong": "inf"}}
    text = "Claim holds: &lt;b&gt; holds (two = 2, wrong = inf)"
    assert claimed.data["text/html"] == f'<p class="claim">{text}</p>'
    assert [o.metadata.scrapbook.name for o in (ops, x)] == ["ops", "x"]
    assert [o.data["application/papermill.record/text/plain"] for o in (ops, x)] == ["12", "0.5"]


def test_importing_claims_loads_no_framework() -> None:
    probe = "import sys, claims; print({'numpy', 'IPython', 'sphinx', 'myst_nb'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
