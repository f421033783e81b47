"""Recordings on a device that is made up: only what is right is timed, and nothing good is lost."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.measurement import toy_suite

from measurement.record import (
    Peaks,
    Recording,
    Result,
    Suite,
    UnreadableRecording,
    digest_of,
    read_recordings,
    source_of,
)
from measurement.record.case import relative_error
from measurement.record.command_line import commit, main
from measurement.record.measure import SAMPLES, measure
from measurement.record.result import FAILED, NOT_RUN, RIGHT, WRONG, Timing

SUITE = "tests.measurement.toy_suite:kernels"
FILE = "toy-gpu-80gb.json"


def recorded(folder: Path) -> Recording:
    ((path, recording),) = read_recordings(folder)
    assert path.name == FILE
    return recording


def test_a_run_leaves_a_recording_that_says_what_it_depends_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gpu", SUITE, "-o", str(tmp_path)]) == 0
    recording = recorded(tmp_path)
    assert (recording.device, recording.driver, recording.toolkit) == ("Toy GPU 80GB", "1.2", "TOY 3.4")
    assert recording.versions["numpy"] == importlib.metadata.version("numpy")
    assert recording.command == f"python -m measurement.record gpu {SUITE} -o {tmp_path}"
    assert recording.date.endswith("+00:00")
    assert recording.suite == SUITE
    assert [result.name for result in recording.results] == ["toy/double", "toy/again"]
    timing = recording.results[0].timing
    assert timing is not None
    assert timing.seconds == pytest.approx(40e-6)
    assert timing.interval == pytest.approx((40e-6, 40e-6))
    assert timing.percent == pytest.approx(25)  # 10 us of bytes at 100 GB/s, in 40 us
    assert (timing.limit, timing.samples, timing.clock) == ("memory", SAMPLES, "the clock of toy")
    assert recording.results[0].digest == digest_of("tests.measurement.toy_suite:double")
    assert Recording.from_json(recording.to_json()) == recording
    assert "25 % of the peak of memory" in capsys.readouterr().out


def test_a_kernel_that_is_not_right_is_recorded_as_such_and_never_timed() -> None:
    device, peaks = toy_suite.ToyDevice(), toy_suite.ToyDevice().peaks()
    results = {case.name: measure(case, device, peaks) for case in toy_suite.broken().cases}
    assert {name.removeprefix("toy/"): result.state for name, result in results.items()} == {
        "right": RIGHT,
        "wrong": WRONG,
        "unfinished": WRONG,
        "shape": WRONG,
        "second": WRONG,
        "raising": FAILED,
        "elsewhere": NOT_RUN,
    }
    assert {name.removeprefix("toy/"): result.reason for name, result in results.items()} == {
        "right": "",
        "wrong": "element [5] is 11, the oracle says 12: an error of 6.25e-02, the tolerance is 1.00e-06",
        "unfinished": "element [7] is nan, the oracle says 16",
        "shape": "the result has the shape (3,), the oracle's (8,)",
        "second": "right once, then wrong: element [7] is 1776, the oracle says 16: "
        "an error of 1.10e+02, the tolerance is 1.00e-06",
        "raising": "RuntimeError: out of shared memory",
        "elsewhere": "it is written for another generation",
    }
    assert results["toy/wrong"].error == pytest.approx(1 / 16)
    assert results["toy/unfinished"].error is None  # JSON has no infinity
    assert [name for name, result in results.items() if result.timing] == ["toy/right"]
    assert device.timed == 2 * SAMPLES  # right, and second, which is wrong only once it ran again


def test_a_run_with_a_wrong_kernel_records_it_and_says_so_by_its_status(tmp_path: Path) -> None:
    assert main(["gpu", "tests.measurement.toy_suite:broken", "-o", str(tmp_path)]) == 1
    recording = recorded(tmp_path)
    assert recording.right == {"toy/right"}
    assert len(recording.results) == 7
    assert recording.versions["no-such-distribution"] == "not installed"


def test_a_rerun_that_is_worse_or_does_not_end_leaves_the_recording_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["gpu", SUITE, "-o", str(tmp_path)])
    before = (tmp_path / FILE).read_bytes()
    capsys.readouterr()

    assert main(["gpu", "tests.measurement.toy_suite:absent", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "measurement.record: there is no toy here; buy one\n"
    with pytest.raises(KeyboardInterrupt):
        main(["gpu", "tests.measurement.toy_suite:interrupted", "-o", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    capsys.readouterr()

    assert main(["gpu", "tests.measurement.toy_suite:regressed", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"measurement.record: {FILE} stays as it was, because toy/double, right in it, is not right now; "
        f"the new recording is {FILE}.refused: mend the cause and record again, or remove {FILE} first\n"
    )
    assert (tmp_path / FILE).read_bytes() == before
    assert Recording.from_json((tmp_path / f"{FILE}.refused").read_text()).right == {"toy/again"}

    (tmp_path / FILE).unlink()
    assert main(["gpu", "tests.measurement.toy_suite:regressed", "-o", str(tmp_path)]) == 1
    assert recorded(tmp_path).right == {"toy/again"}
    assert main(["gpu", SUITE, "-o", str(tmp_path)]) == 0
    assert recorded(tmp_path).right == {"toy/double", "toy/again"}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_some_cases_are_listed_or_printed_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gpu", "tests.measurement.toy_suite:absent", "--list", "--case", "toy/d*"]) == 0
    assert capsys.readouterr().out == "toy/double: twice an array\n"
    assert main(["gpu", SUITE, "-o", str(tmp_path), "--case", "toy/again"]) == 0
    out = capsys.readouterr().out
    assert "toy/again: error 0.0e+00 of 1.0e-06, 40 us [40, 40]" in out
    assert "toy/double" not in out
    assert "nothing was written" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["toy"], "'toy' is not of the form module:function, such as recorded_kernels:kernels"),
        (["no_such:f"], "the module no_such does not load, because there is no no_such"),
        (["tests.measurement.toy_suite:f"], "tests.measurement.toy_suite has no function f"),
        (
            ["tests.measurement.toy_suite:nothing"],
            "tests.measurement.toy_suite:nothing returns int, not a measurement.record.Suite",
        ),
        ([SUITE, "--case", "tritn/*"], "no case is called 'tritn/*'; choose of toy/double, toy/again"),
        ([SUITE, "-o", "no/such"], "no/such is no folder; make it first, or name another after -o"),
    ],
)
def test_bad_usage_is_refused_in_one_sentence(
    arguments: list[str], refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gpu", *arguments]) == 2
    assert capsys.readouterr() == ("", f"measurement.record: {refusal}\n")


def test_the_command_is_a_module_of_its_own(root: Path) -> None:
    command = [sys.executable, "-m", "measurement.record", "gpu", SUITE, "--list"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "toy/double: twice an array\ntoy/again: twice an array\n")


def test_two_cases_of_one_name_are_no_suite() -> None:
    with pytest.raises(ValueError, match=r"^two cases are called toy/a$"):
        Suite([toy_suite.case("toy/a"), toy_suite.case("toy/a")], toy_suite.ToyDevice, ())


def remove(name: str) -> Callable[[Any], object]:
    return lambda data: data.pop(name)


def put(name: str, value: object) -> Callable[[Any], object]:
    return lambda data: data.__setitem__(name, value)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (put("kind", "cpu"), "it is not of the kind 'gpu'"),
        (put("format", 0), "it has the format 0, this is 1: record again"),
        (remove("driver"), "the recording lacks driver"),
        (put("colour", "red"), "the recording has colour, which nothing reads"),
        (put("date", 3), "the recording: date is 3, not str"),
        (lambda data: data["peaks"].pop("how"), "peaks lacks how"),
        (lambda data: data["results"][0].update(error="0"), "result 0: error is '0', not float | None"),
        (lambda data: data["results"][0].update(error=True), "result 0: error is True, not float | None"),
        (
            lambda data: data["results"][0]["timing"].update(samples=1.5),
            "the timing of result 0: samples is 1.5, not int",
        ),
        (
            lambda data: data["results"][0].update(state="fast"),
            "toy/double: the state 'fast' is none of right, wrong, failed, not run",
        ),
        (
            lambda data: data["results"][0].update(error=1),
            "toy/double: its error exceeds its tolerance, so it is not right",
        ),
        (
            lambda data: data["results"][0].update(state="wrong", reason="x"),
            "toy/double: a result has times if and only if it is right",
        ),
        (
            lambda data: data["results"][0].update(reason="x"),
            "toy/double: a result has a reason if and only if it is not right",
        ),
    ],
)
def test_a_file_that_is_no_recording_is_refused_for_its_reason(
    spoil: Callable[[Any], object], sentence: str, tmp_path: Path
) -> None:
    main(["gpu", SUITE, "-o", str(tmp_path)])
    data = json.loads((tmp_path / FILE).read_text())
    spoil(data)
    with pytest.raises(UnreadableRecording) as refusal:
        Recording.from_json(json.dumps(data))
    assert str(refusal.value) == sentence


def test_other_files_of_the_folder_are_passed_over_and_torn_ones_named(tmp_path: Path) -> None:
    (tmp_path / "tensor_compiler.json").write_text('{"script": "another"}')
    assert read_recordings(tmp_path) == []
    (tmp_path / "torn.json").write_text('{"kind": "gp')
    with pytest.raises(UnreadableRecording, match=r"^torn\.json is no JSON: "):
        read_recordings(tmp_path)
    (tmp_path / "torn.json").write_text('{"kind": "gpu", "format": 7}')
    with pytest.raises(UnreadableRecording) as refusal:
        read_recordings(tmp_path)
    assert str(refusal.value) == "torn.json cannot be read: it has the format 7, this is 1: record again"


def test_the_roofline_sets_the_shortest_time() -> None:
    peaks = Peaks(bandwidth=100.0, arithmetic={"float32": 50.0, "bfloat16": 500.0}, how="made up")
    assert peaks.shortest(10**9, 10**9, "float32") == (pytest.approx(1 / 50), "arithmetic")
    assert peaks.shortest(10**9, 10**9, "bfloat16") == (pytest.approx(1 / 100), "memory")
    assert peaks.shortest(0, 10**9, "float32") == (pytest.approx(1 / 100), "memory")
    with pytest.raises(KeyError):
        peaks.shortest(1, 1, "float8")


def test_the_error_is_that_of_the_worst_element() -> None:
    expected = np.array([[4.0, -8.0], [0.0, 2.0]])
    assert relative_error(expected, expected)[0] == 0
    error, sentence = relative_error(expected + np.array([[0, 0.5], [1, 0]]), expected)
    assert error == 1 / 8
    assert sentence == "element [1, 0] is 1, the oracle says 0"


def test_a_result_with_times_that_is_not_right_cannot_be_made() -> None:
    timing = Timing(1.0, (1.0, 1.0), 10, "a clock", 1.0, "memory")
    with pytest.raises(ValueError, match="a result has times if and only if it is right"):
        Result("a", "t", "m:k", "0", WRONG, 1.0, 0.1, "too far", timing)


def test_a_kernel_has_a_source_and_its_digest_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a_module_with_a_kernel.py"
    source.write_text("def kernel(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert source_of("a_module_with_a_kernel:kernel") == source
    before = digest_of("a_module_with_a_kernel:kernel")
    source.write_text("def kernel(): pass\n")
    assert digest_of("a_module_with_a_kernel:kernel") != before
    with pytest.raises(ValueError, match=r"^there is no module no\.such, in which no\.such:k should be$"):
        source_of("no.such:k")


def test_the_commit_says_when_files_differ_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))  # whatever lies around it

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert commit(tmp_path) == "unknown, outside a checkout"
    git("init", "-q")
    (tmp_path / "file").write_text("old")
    git("add", "file")
    git("commit", "-q", "-m", "a")
    head = git("rev-parse", "HEAD")
    assert commit(tmp_path) == head
    (tmp_path / "file").write_text("new")
    assert commit(tmp_path) == f"{head} with uncommitted changes"
