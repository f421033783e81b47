"""`lower`: what it refuses, what it keeps when a compiler stops, and that it answers the same twice."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.lowering_explorer import functions
from tests.lowering_explorer.finding import line_of

from lowering_explorer import Array, BadArgument, Capture, Lowering, NotAvailable, NotSendable, lower

X = Array("f32", (4, 8))


def through_xla(function: Any, *arguments: Any, **limits: Any) -> Capture:
    return lower(function, *arguments, through=["xla"], **limits)["xla"]


def through_inductor(function: Any, *arguments: Any, **limits: Any) -> Capture:
    return lower(function, *arguments, through=["inductor"], **limits)["inductor"]


# Before any process starts


def closing(captured: int) -> Any:
    def inner(x: Any) -> Any:
        return x + captured

    return inner


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (3, "3 is not callable; pass a function"),
        (None, "None is not callable; pass a function"),
        (lambda x: x, "a lambda has no name to find it by; give it one with def"),
        (closing(1), "inner closes over captured; pass them as arguments"),
        (
            functools.partial(functions.product, y=1),
            "an object of type partial cannot be sent to another process; "
            "write a function that calls it, in a module that can be imported",
        ),
    ],
)
def test_refuses_what_no_other_process_can_find(function: Any, sentence: str) -> None:
    with pytest.raises(NotSendable) as refusal:
        lower(function, X, through=["xla"])
    assert str(refusal.value) == sentence


def test_refuses_globals_that_cannot_travel(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from lowering_explorer import NotSendable, lower\n"
        "class Model: ...\n"
        "model = Model()\n"
        "def predict(x):\n    return model(x)\n"
        "try:\n    lower(predict, 1.0, through=['xla'])\nexcept NotSendable as refusal:\n    print(refusal)\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    assert said == "predict uses the global model of type Model; pass it as an argument\n"


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        (
            object(),
            "an argument of type object cannot be passed to a compiler's process; "
            "pass arrays, numbers, strings, or tuples, lists and dicts of them",
        ),
        (
            Path("x"),
            f"an argument of type {type(Path('x')).__name__} cannot be passed to a compiler's process; "
            "pass arrays, numbers, strings, or tuples, lists and dicts of them",
        ),
    ],
)
def test_refuses_arguments_that_no_compiler_takes(argument: Any, sentence: str) -> None:
    with pytest.raises(BadArgument) as refusal:
        lower(functions.norm, argument, through=["xla"])
    assert str(refusal.value) == sentence


def test_refuses_compilers_and_options_that_nobody_knows() -> None:
    with pytest.raises(NotAvailable, match=r"^no compiler 'gcc'; known are xla, xla-plain, inductor, "):
        lower(functions.norm, X, through=["gcc"])
    with pytest.raises(NotAvailable, match=r"^name at least one compiler, such as through=\['xla'\]$"):
        lower(functions.norm, X, through=[])
    with pytest.raises(BadArgument) as refusal:
        lower(functions.norm, X, through=["xla", "inductor"], options={"grad": True})
    assert str(refusal.value) == "xla, inductor: no option 'grad'; options are gradient, dynamic"
    with pytest.raises(BadArgument, match=r"^xla: no option 'dynamic'; there are none$"):
        lower(functions.norm, X, through=["xla"], options={"dynamic": True})


def test_a_compiler_that_is_absent_or_of_another_version_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(distribution: str) -> str:
        if distribution == "jax":
            raise importlib.metadata.PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    lowering = lower(functions.norm, X, X, through=["xla", "inductor", "triton"])
    assert [capture.problem for capture in lowering] == [
        "xla needs jax, which is not installed: pip install 'jax>=0.10.2,<0.10.3'",
        "inductor was verified with torch from 2.13.0 up to, not including, 2.14; installed is 1.0",
        "triton was verified with triton from 3.7.1 up to, not including, 3.8; installed is 1.0",
    ]
    assert [capture.stages for capture in lowering] == [(), (), ()]
    assert "unit * g" in str(lowering.source)


# What goes wrong in a compiler


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "arguments", "sentence"),
    [
        (
            functions.product,
            (X, X),
            "TypeError: dot_general requires contracting dimensions to have the same shape, got (8,) and "
            "(4,) (functions.py, line {line}). Check that the arguments' shapes fit each other.",
        ),
        (
            functions.product,
            (X,),
            "TypeError: product() missing 1 required positional argument: 'y'. "
            "Give one argument for each parameter of the function.",
        ),
        (
            functions.branching,
            (X,),
            "TracerBoolConversionError: Attempted boolean conversion of traced array with shape bool[] "
            "(functions.py, line {line}). The function decides by the value of an array, which is not known "
            "when it is compiled: use jax.lax.cond, jax.lax.while_loop or jax.numpy.where.",
        ),
        (
            functions.through_numpy,
            (X,),
            "TracerArrayConversionError: The numpy.ndarray conversion method __array__() was called on "
            "traced array with shape float32[4,8] (functions.py, line {line}). "
            "The function calls NumPy on an array: use jax.numpy or the array API.",
        ),
        (
            functions.raising,
            (X,),
            "ValueError: no <b>good</b> & proper reason (functions.py, line {line}).",
        ),
        (
            functions.error_function,
            (Array("s32", (4,)),),
            "TypeError: erf does not accept dtype int32. Accepted dtypes are subtypes of floating "
            "(functions.py, line {line}). The operation does not take this dtype; pass another.",
        ),
        (
            functions.dying,
            (X,),
            "its process died with SIGSEGV, in the compiler or in native code of the function; "
            "call the function without the explorer to see in which",
        ),
        (
            functions.exiting,
            (X,),
            "its process ended with exit status 7 and without a word; does the function exit?",
        ),
    ],
)
def test_xla_says_what_is_wrong_where_and_what_to_do(
    function: Any, arguments: tuple[Array, ...], sentence: str
) -> None:
    capture = through_xla(function, *arguments)
    line = line_of(function, "  # here") if "{line}" in sentence else 0
    assert capture.problem == f"xla stopped before its first stage: {sentence.format(line=line)}"
    assert capture.stages == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "arguments", "reached", "sentence"),
    [
        (
            functions.product,
            (X, X),
            "bytecode",
            "a and b must have same reduction dim, but got [4, 8] X [4, 8] (functions.py, line {line}). "
            "Check that the arguments' shapes fit each other.",
        ),
        (
            functions.without_result,
            (X,),
            "bytecode",
            "the function computes nothing from its tensors; return the result of an operation",
        ),
        (
            functions.misspelt,
            (X,),
            "graph break",
            "AttributeError: 'Tensor' object has no attribute 'frobnicate' (functions.py, line {line}). "
            "Its arguments are torch tensors: write it in the array API or in torch.",
        ),
        (
            functions.dying,
            (X,),
            "guards",
            "its process died with SIGSEGV, in the compiler or in native code of the function; "
            "call the function without the explorer to see in which",
        ),
    ],
)
def test_inductor_says_what_is_wrong_where_and_what_to_do(
    function: Any, arguments: tuple[Array, ...], reached: str, sentence: str
) -> None:
    capture = through_inductor(function, *arguments)
    line = line_of(function, "  # here") if "{line}" in sentence else 0
    assert capture.problem == f"inductor stopped after the stage {reached!r}: {sentence.format(line=line)}"
    assert capture.stages[-1].name == reached


@pytest.mark.slow
def test_inductor_goes_round_a_branch_on_data_at_which_xla_stops() -> None:
    lowering = lower(functions.branching, X, through=["xla", "inductor"])
    assert lowering["xla"].problem
    capture = lowering["inductor"]
    assert capture.problem == ""
    assert capture["graph break"].lines_from(line_of(functions.branching, "if x.sum()"))
    assert "Data-dependent branching" in capture["graph break"].note
    assert capture["FX graph"].counts == {"operations": 2, "sum": 1, "gt": 1}
    assert capture["FX graph (part 2)"].counts == {"operations": 1, "mul": 1}
    assert capture["bytecode (part 2)"].parent == "bytecode after Dynamo"


@pytest.mark.slow
def test_a_time_limit_ends_what_has_no_end() -> None:
    capture = through_xla(functions.endless, X, time_limit=4.0)
    assert capture.problem == (
        "xla stopped before its first stage: it was still at work after 4 s; "
        "raise the time limit or take smaller shapes"
    )
    assert capture.seconds >= 4


@pytest.mark.slow
def test_tells_of_each_stage_and_keeps_html_in_a_source_as_it_is() -> None:
    seen: list[tuple[str, str]] = []
    lowering = lower(functions.tagged, X, through=["xla"], progress=lambda *told: seen.append(told))
    assert seen == [("xla", stage.name) for stage in lowering.stages]
    tag = '<script>alert("&")</script>'
    assert tag in str(lowering.source)
    assert tag in str(Lowering.from_json(lowering.to_json()).source)


# The same answer twice

AGAIN = """
import sys
from pathlib import Path
from tests.lowering_explorer import functions, kernels
from lowering_explorer import Array, lower
x, g = Array("f32", (8, 64)), Array("f32", (64,))
options = {"targets": ["sm_90", "sm_80", "gfx942"]}
lowering = lower(functions.norm, x, g, through=["xla", "xla-plain", "inductor"])
Path(sys.argv[1]).write_text(lowering.to_json(), "utf-8")
lowering = lower(kernels.norm_kernel, x, g, x, 64, BLOCK=64, through=["triton"], options=options)
Path(sys.argv[2]).write_text(lowering.to_json(), "utf-8")
"""


@pytest.mark.slow
def test_another_process_with_another_hash_seed_and_folder_captures_the_same_bytes(
    norm: Lowering, triton_norm: Lowering, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4321", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", AGAIN, "norm.json", "triton.json"]
    subprocess.run(command, env=environment, check=True, cwd=tmp_path)
    for name, first in (("norm", norm), ("triton", triton_norm)):
        second = Lowering.from_json((tmp_path / f"{name}.json").read_text("utf-8"))
        for one, other in zip(first, second, strict=True):
            assert [stage.name for stage in one] == [stage.name for stage in other]
            for stage, again in zip(one, other, strict=True):
                assert stage.text == again.text, stage.name
                assert stage.source_lines == again.source_lines, stage.name
                assert stage.counts == again.counts, stage.name
            assert one.stages == other.stages
            assert (one.flags, one.problem, one.version) == (other.flags, other.problem, other.version)


@pytest.mark.slow
def test_no_path_of_this_machine_is_in_a_stage(norm: Lowering, triton_norm: Lowering, root: Path) -> None:
    for stage in [*norm.stages, *triton_norm.stages]:
        assert str(root) not in stage.text
        assert "/lowering-" not in stage.text
        assert "site-packages" not in stage.text
