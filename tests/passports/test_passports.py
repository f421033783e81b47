"""A passport takes answers to its own questions only, and says what it lacks."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from passports import FIELDS, MIME_TYPE, Entry, Passport, complaints

PASSPORT = Passport("XLA", "0.10.2")


def complete() -> list[Entry]:
    return [Entry("XLA", "0.10.2", field.name, "so", {}) for field in FIELDS]


def test_a_passport_has_no_other_fields() -> None:
    with pytest.raises(ValueError, match=r"^a passport has no field 'colour'; its fields are capture, "):
        PASSPORT.enter("colour", "blue")


@pytest.mark.parametrize("answer", ["", "  ", "two\nlines", "x" * 201])
def test_an_answer_is_one_line(answer: str) -> None:
    with pytest.raises(ValueError, match=r"^fusion: an answer is one line of 1 to 200 characters, this has "):
        PASSPORT.enter("fusion", answer)


def test_a_complete_passport_has_no_complaint() -> None:
    assert complaints(complete()) == []


def test_missing_doubled_and_foreign_entries_are_named() -> None:
    entries = [entry for entry in complete() if entry.field not in ("layout", "tuning")]
    entries += [Entry("TVM", "0.27", "memory", "so", {})]
    assert complaints(entries) == [
        "entries of more than one passport: TVM 0.27, XLA 0.10.2",
        "no cell enters layout, tuning",
        "more than one cell enters memory",
    ]


def test_an_entry_leaves_an_anchor_in_the_output_of_its_cell() -> None:
    source = "from passports import Passport\nimport numpy as np\n"
    source += "Passport('XLA', '0.10.2').enter('dynamic_shapes', 'a < b', compiles=np.float64(8), by='jit')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    entry = Entry(**output.data[MIME_TYPE])
    assert entry == Entry("XLA", "0.10.2", "dynamic_shapes", "a < b", {"compiles": 8.0, "by": "jit"})
    text = "Passport of XLA, dynamic shapes: a &lt; b"
    assert output.data["text/html"] == f'<p class="claim" id="passport-dynamic_shapes">{text}</p>'
