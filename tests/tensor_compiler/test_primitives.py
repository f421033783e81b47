"""Each primitive before and after, and each refusal, as text that is also run.

A file in `rewrites` holds a program, steps, and what they make or the error that they raise.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.tensor_compiler.rewriting import REWRITES, SIZES, assert_same, inputs, interpreted

from tensor_compiler import parse, primitives, show
from tensor_compiler.kernel import compile_function
from tensor_compiler.primitives import PRIMITIVES
from tensor_compiler.schedule import Schedule, replay
from tensor_compiler.target import host_target

FILES = sorted(REWRITES.glob("*.txt"))
REASSOCIATING = ("rfactor", "online", "vectorize_reduction", "derive_softmax", "derive_causal")


def sections(file: Path) -> tuple[str, str, str, str]:
    """The program, the steps as JSON, what is expected (after, or an error), and its text."""
    before, steps, kind, after = re.fullmatch(
        r"(.*)\n== steps\n(.*)\n== (\w+)\n(.*)\n", file.read_text(), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    return before, f"[{', '.join(steps.splitlines())}]", kind, after


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_rewrite_makes_what_it_says_and_computes_the_same(file: Path) -> None:
    text, steps, kind, wanted = sections(file)
    before = parse(text)
    assert show(before) == text
    if kind != "after":
        with pytest.raises((ValueError, LookupError)) as refusal:
            replay(before, steps)
        assert type(refusal.value).__name__ == kind
        assert refusal.value.args[0] == wanted
        return
    schedule = replay(before, steps)
    assert schedule.show() == wanted
    assert parse(wanted) == schedule.function
    assert json.loads(schedule.json()) == json.loads(steps)
    if any(step.trusted for step in schedule.trace):
        return
    exact = not file.stem.startswith(REASSOCIATING)
    kernel = compile_function(schedule.function, host_target().strict(), threads=2)
    for seed, size in enumerate(SIZES if before.sizes else SIZES[:2]):
        given = inputs(before, seed, size)
        result = interpreted(before, given)
        assert_same(interpreted(schedule.function, given, seed), result, exact)
        arrays = [array.copy() for array in given]
        kernel(*arrays)
        assert_same(arrays, result, exact=False)


def test_each_primitive_is_shown_at_work_and_refusing() -> None:
    working = {file.stem for file in FILES if "refused" not in file.stem}
    refusing = {file.stem.split("_refused")[0] for file in FILES if "refused" in file.stem}
    for primitive in PRIMITIVES:
        assert any(name.startswith(primitive) for name in working), primitive
        assert primitive in refusing, primitive


def test_online_softmax_survives_what_would_be_infinity_minus_infinity() -> None:
    text, steps, _, _ = sections(REWRITES / "online.txt")
    X = np.full((3, 8), -np.inf, np.float32)
    X[:, 5] = [0.0, 80.0, -80.0]
    Y = np.zeros_like(X)
    Z = np.zeros_like(X)
    interpreted_after = replay(parse(text), steps).function
    _, Y = interpreted(interpreted_after, [X, Y])
    _, Z = interpreted(parse(text), [X, Z])
    np.testing.assert_array_equal(Y, Z)
    assert Y[0, 5] == 1.0


def test_every_refusal_of_the_source_is_reached() -> None:
    """Each reason that is written in a primitive occurs in a file, so that no refusal goes untested."""
    texts = "\n".join(file.read_text() for file in FILES)
    folder = Path(str(primitives.__file__)).parent
    written = re.compile(r'(?:reason = |Refused\(\s*\w+, )f"([^"\n\\]*)')
    sources = [*folder.glob("*.py"), folder.parent / "legality.py"]
    reasons = [reason for source in sources for reason in written.findall(source.read_text())]
    assert len(reasons) > 30
    for reason in reasons:
        pattern = re.sub(r"\\\{.*?\\\}", ".*", re.escape(reason))
        assert re.search(pattern, texts), reason


def test_a_refused_step_changes_nothing() -> None:
    schedule = Schedule(parse("def f(A: f32[9]):\n    for i in serial(8):\n        A[i + 1] = A[i]"))
    with pytest.raises(ValueError, match="cannot be parallel"):
        schedule.parallel("i")
    assert schedule.trace == ()
    assert len(schedule.history) == 1
