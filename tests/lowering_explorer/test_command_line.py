"""The command line: what it asks `lower`, what it writes, how it ends, and each refusal word for word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.lowering_explorer.made_by_hand import LOWERING

from lowering_explorer import ADAPTERS, Array, Lowering, command_line
from lowering_explorer.adapters import NotAvailable

COMPLETE = replace(LOWERING, captures=LOWERING.captures[:1])
NOTHING = replace(LOWERING, captures=LOWERING.captures[2:])

MODULE = """
import numpy as np

SIZE = 3

def scale(a, b, power=1):
    return (a + b) * b ** power

class Twice:
    def __call__(self, a):
        return a + a

twice = Twice()
"""


@dataclass
class Lower:
    """Stands for `lower`: keeps what it was asked and answers with a lowering that was made by hand."""

    answer: Lowering = COMPLETE
    asked: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def __call__(
        self,
        function: Any,
        *arguments: Any,
        through: Any,
        time_limit: Any,
        options: Any,
        progress: Any,
        **keywords: Any,
    ) -> Lowering:
        settings = {"through": through, "time_limit": time_limit, "options": options}
        self.asked.append((function, arguments, settings | keywords))
        for capture in self.answer:
            for stage in capture:
                progress(capture.compiler, stage.name)
        return self.answer


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder with a module in it, and another module in a folder below."""
    (tmp_path / "theirs.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "deeper.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "below" / "json.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "with-dash.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "failing.py").write_text("import no_such_framework\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("theirs", "deeper", "failing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Lower:
    fake = Lower()
    monkeypatch.setattr(command_line, "lower", fake)
    return fake


def test_it_asks_for_what_it_was_told(project: Path, fake: Lower) -> None:
    options = (
        "--keyword power=2 --time-limit 20 --option gradient=True --option targets=sm_90, -o report.html"
    )
    call = ["theirs:scale", "--arg", "f32[128,1024]", "--arg", "s32[]", "--through", "xla, tvm"]
    status = command_line.main([*call, *options.split()])
    assert status == 0
    [(function, arguments, keywords)] = fake.asked
    assert (function.__module__, function.__name__) == ("theirs", "scale")
    assert arguments == (Array("f32", (128, 1024)), Array("s32", ()))
    assert keywords == {
        "through": ["xla", "tvm"],
        "time_limit": 20.0,
        "options": {"gradient": True, "targets": ("sm_90",)},
        "power": 2,
    }


def test_a_function_is_found_in_a_file_too(project: Path, fake: Lower) -> None:
    assert (
        command_line.main(["below/deeper.py:scale", "--arg", "f32[2]", "--arg", "f32[2]", "-o", "r.html"])
        == 0
    )
    assert Path(fake.asked[0][0].__code__.co_filename) == project / "below" / "deeper.py"


def test_a_kernel_goes_through_the_compiler_that_takes_it(
    project: Path, fake: Lower, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(kind: type) -> Callable[[str], Any]:
        return lambda text: kind()

    for module, compiler in (
        ("triton.runtime.jit", "triton"),
        ("triton.experimental.gluon._runtime", "gluon"),
    ):
        kernel = type("Kernel", (), {"__module__": module, "fn": staticmethod(lambda x: x)})
        monkeypatch.setattr(command_line, "named", found(kernel))
        assert command_line.main(["any:kernel", "--arg", "f32[2]", "-o", "report.html"]) == 0
        assert fake.asked[-1][2]["through"] == [compiler]
        assert ADAPTERS[compiler].takes == "kernel"


def test_it_writes_a_page_and_data_and_tells_each_stage(
    project: Path, fake: Lower, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["theirs:scale", "--arg", "f32[8]", "--arg", "f32[8]"]
    assert command_line.main([*call, "-o", "report.html", "--json", "data"]) == 0
    assert (project / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert Lowering.from_json((project / "data").read_text("utf-8")) == COMPLETE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "xla              1  jaxpr",
        "xla              2  HLO",
        "xla              3  HLO after a pass",
        "xla              4  assembly",
        "wrote report.html",
        "wrote data",
    ]
    assert command_line.main([*call, "-o", "report.json"]) == 0
    assert Lowering.from_json((project / "report.json").read_text("utf-8")) == COMPLETE
    assert sorted(path.name for path in project.iterdir() if "report" in path.name) == [
        "report.html",
        "report.json",
    ]


def test_a_compiler_that_stopped_makes_the_status_1_and_a_report(
    project: Path, fake: Lower, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answer = LOWERING
    assert command_line.main(["theirs:scale", "--arg", "f32[8]", "--arg", "f32[8]", "-o", "report.html"]) == 1
    assert (project / "report.html").exists()
    assert "lowering_explorer: tvm needs apache-tvm, which is not installed\n" in capsys.readouterr().err


def test_a_run_without_a_stage_keeps_the_report_that_is_there(
    project: Path, fake: Lower, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answer = NOTHING
    (project / "report.html").write_text("good", encoding="utf-8")
    assert command_line.main(["theirs:scale", "--arg", "f32[8]", "--arg", "f32[8]", "-o", "report.html"]) == 1
    assert (project / "report.html").read_text("utf-8") == "good"
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lowering_explorer: no compiler reached a stage, so nothing was written; what stood there is kept"
    )


GOOD = "--arg f32[8] --arg f32[8] -o new.html"
REFUSED = {
    f"nowhere:f {GOOD}": "there is no module 'nowhere' in {folder} or among the installed ones",
    f"nowhere.at.all:f {GOOD}": "there is no module 'nowhere.at.all' in {folder} or among the installed ones",
    f"failing:f {GOOD}": (
        "failing cannot be imported: ModuleNotFoundError: No module named 'no_such_framework'"
    ),
    f"theirs:nothing {GOOD}": "theirs has no 'nothing'; it defines scale, Twice",
    f"theirs:SIZE {GOOD}": "theirs:SIZE is not callable: it is of type int",
    f"theirs {GOOD}": "'theirs' names no function; write module:function or file.py:function",
    f"absent.py:f {GOOD}": "there is no file absent.py",
    f"with-dash.py:scale {GOOD}": (
        "with-dash.py cannot be imported: 'with-dash' is not a name in Python; rename the file"
    ),
    f"below/json.py:scale {GOOD}": "below/json.py is hidden by another module named json; rename the file",
    "theirs:scale --arg f33[2] -o new.html": (
        "'f33[2]' has no known dtype; known are f16, bf16, f32, f64, s8, s16, s32, s64, u8, pred"
    ),
    "theirs:scale --arg eight -o new.html": "'eight' is neither an array such as f32[128,1024] nor a number",
    "theirs:scale --arg f32[8] -o new.html": (
        "theirs:scale takes (a, b, power): missing a required argument: 'b'; give --arg or --keyword for each"
    ),
    f"theirs:scale {GOOD} --arg 1 --arg 2": (
        "theirs:scale takes (a, b, power): too many positional arguments; give --arg or --keyword for each"
    ),
    f"theirs:scale {GOOD} --keyword power": "'power' is not of the form name=value",
    f"theirs:scale {GOOD} --keyword through=1": "a keyword cannot be called through here; pass it with --arg",
    f"theirs:scale {GOOD} --through gcc": (
        "no compiler 'gcc'; known are xla, xla-plain, inductor, inductor-cuda, tvm, triton, gluon, "
        "tensor-compiler, xla-gpu, xla-tpu"
    ),
    f"theirs:scale {GOOD} --time-limit soon": (
        "argument --time-limit: 'soon' is not a number of seconds; --help tells more"
    ),
    f"theirs:scale {GOOD} --fast": "unrecognized arguments: --fast; --help tells more",
    "theirs:scale --arg f32[8] --arg f32[8]": "say where to write: -o report.html",
    "theirs:scale --arg f32[8] --arg f32[8] -o away/r.html": "there is no folder away to write r.html into",
    "theirs:scale --arg f32[8] --arg f32[8] -o below": "below is a folder; name a file",
    "": "the following arguments are required: function; --help tells more",
}


@pytest.mark.parametrize("command", REFUSED)
def test_bad_usage_gets_one_sentence_and_captures_nothing(
    command: str, project: Path, fake: Lower, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(project.iterdir())
    assert command_line.main(command.split()) == 2
    said = capsys.readouterr()
    assert said.err == f"lowering_explorer: {REFUSED[command].format(folder=project)}\n"
    assert said.out == ""
    assert fake.asked == []
    assert [path for path in sorted(project.iterdir()) if path.name != "__pycache__"] == before


def test_what_lower_refuses_is_bad_usage_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> Lowering:
        raise NotAvailable("name at least one compiler, such as through=['xla']")

    monkeypatch.setattr(command_line, "lower", refuse)
    assert command_line.main(["theirs:scale", *GOOD.split(), "--through", ","]) == 2
    assert (
        capsys.readouterr().err == "lowering_explorer: name at least one compiler, such as through=['xla']\n"
    )


def test_an_object_that_cannot_be_sent_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["theirs:twice", "--arg", "f32[8]", "-o", "new.html"]) == 2
    assert capsys.readouterr().err == (
        "lowering_explorer: an object of type Twice cannot be sent to another process; "
        "write a function that calls it, in a module that can be imported\n"
    )


@pytest.mark.slow
def test_from_a_readers_own_folder_to_a_page(tmp_path: Path, root: Path) -> None:
    (tmp_path / "mine.py").write_text("def double(x):\n    return x + x\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "lowering_explorer",
        "mine:double",
        "--arg",
        "f32[64]",
        "--through",
        "xla",
    ]
    result = subprocess.run(
        [*command, "-o", "report.html", "--json", "report.json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root / "code")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    capture = Lowering.from_json((tmp_path / "report.json").read_text("utf-8"))["xla"]
    assert capture["jaxpr"].excerpt(r"= add").stage.lines_from(2)
    assert capture.stages[-1].level == "assembly"
    assert len((tmp_path / "report.html").read_bytes()) < 300_000
