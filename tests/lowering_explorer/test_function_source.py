"""A function travels to another process, or says in one sentence why it cannot."""

from __future__ import annotations

import functools
import math
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lowering_explorer import NotSendable
from lowering_explorer.function_source import sent, source_of
from the_block import attention, block


def test_a_function_of_a_module_is_sent_by_name() -> None:
    assert (sent(block).module, sent(block).name, sent(block).text) == ("the_block.block", "block", "")


def test_the_source_holds_the_callees_in_the_file_with_their_line_numbers() -> None:
    source = source_of(attention)
    file = Path(source.file).read_text("utf-8").splitlines()
    assert all(file[number - 1] == line for number, line in source.lines.items())
    assert "def rmsnorm" in str(source)
    assert "def softmax" in str(source)
    assert "def mlp" not in str(source)


NOTEBOOK = """
import math
import numpy as np
from functools import reduce

SCALE = 3
SHAPES = [(1, 2), (3, 4)]
Lookup = object()

def scaled(x):
    return x * SCALE

def program(x, shapes=SHAPES):
    return reduce(lambda a, b: a + b, [scaled(x)]) + math.pi + np.float32(len(SHAPES))

def needs_an_object(x):
    return Lookup

a = x = depth = Lookup

def outer():
    captured = 1
    def inner(x):
        return x + captured
    return inner

def recursive(x, depth=0):
    return x if depth else recursive(x, 1)
"""


def in_main(tmp_path: Path, expression: str) -> str:
    """What an expression gives in a script that holds NOTEBOOK."""
    script = tmp_path / "script.py"
    script.write_text(
        NOTEBOOK
        + "\nfrom lowering_explorer.function_source import NotSendable, sent\nfrom pathlib import Path\n"
        f"try:\n    print({expression})\nexcept NotSendable as refusal:\n    print(refusal)\n"
    )
    return subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.strip()


def test_a_function_of_a_notebook_takes_what_it_names_along(tmp_path: Path) -> None:
    text = in_main(tmp_path, "sent(program).text")
    names: dict[str, object] = {}
    exec(compile(text, "sent", "exec"), names)
    assert names["program"](1.0) == pytest.approx(3 + math.pi + 2)  # type: ignore[operator]
    assert "Lookup" not in text


def test_a_parameter_hides_an_object_of_the_same_name(tmp_path: Path) -> None:
    assert "Lookup" not in in_main(tmp_path, "sent(program).text + sent(recursive).text")


def test_a_recursive_function_travels_once(tmp_path: Path) -> None:
    assert in_main(tmp_path, "sent(recursive).text").count("def recursive") == 1


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (
            "sent(needs_an_object)",
            "needs_an_object uses the global Lookup of type object; pass it as an argument",
        ),
        ("sent(outer())", "inner closes over captured; pass them as arguments"),
        ("sent(lambda x: x)", "a lambda has no name to find it by; give it one with def"),
        ("sent(3)", "3 is not callable; pass a function"),
    ],
)
def test_refuses_in_one_sentence(expression: str, sentence: str, tmp_path: Path) -> None:
    assert in_main(tmp_path, expression) == sentence


class Layer:
    def __call__(self, x: float) -> float:
        return x


def test_refuses_an_object_that_no_module_names() -> None:
    with pytest.raises(NotSendable, match="an object of type Layer cannot be sent to another process"):
        sent(Layer())


def test_finds_the_function_below_a_decorator() -> None:
    @functools.wraps(block)
    def wrapped(*arrays: object) -> object:
        return block(*arrays)

    assert source_of(wrapped) == source_of(block)


def test_a_sent_text_has_lines_in_the_other_process(tmp_path: Path) -> None:
    text = in_main(tmp_path, "sent(scaled).text")
    assert textwrap.dedent(text).rstrip().endswith("return x * SCALE")
