"""Tuning on executors; records, interruptions, resuming, the bar."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.tensor_compiler.tuning import (
    GEMM,
    LEGAL,
    choices,
    length_of_text,
    pretend,
    tiles,
)

import tensor_compiler as tc
from tensor_compiler import Function, parse, replay
from tensor_compiler.tuning import (
    Outcome,
    Random,
    Task,
    load,
    measure,
    tune,
)


def searched(executor: Executor) -> None:
    tuned = tune(parse(GEMM), tiles, trials=5, executor=executor, batch=2, strategy=Random(), threads=1)
    counts = Counter(record.verdict for record in tuned.records)
    assert sum(counts[each] for each in ("first", "faster", "slower", "tie")) == 5, tuned.records
    assert set(counts) <= {"first", "faster", "slower", "tie", "refused"}
    expected = tune(
        parse(GEMM), tiles, trials=5, batch=2, strategy=Random(), measure=pretend(length_of_text), threads=1
    )
    assert choices(tuned) == choices(expected)  # chance does not depend on who measures


def test_threads_measure() -> None:
    with ThreadPoolExecutor(2) as pool:
        searched(pool)


def test_processes_measure() -> None:
    with ProcessPoolExecutor(2) as pool:
        searched(pool)


@pytest.mark.slow
def test_a_dask_cluster_measures() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, \
            distributed.Client(cluster) as client, client.get_executor() as pool:  # fmt: skip
        searched(pool)


def test_a_broken_executor_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    with ProcessPoolExecutor(1) as pool, pytest.raises(Exception, match=r"terminated abruptly"):
        tune(parse(GEMM), tiles, executor=pool, records=path, measure=dies_at_eight)
    assert len(load(path)) >= 1
    assert all(record.choices != {"rows": 8} for record in load(path))


def dies_at_eight(task: Task) -> Outcome:
    if "i_i in serial(8)" in tc.show(task.candidate):
        os._exit(1)
    return pretend(length_of_text)(task)


def test_an_interrupted_search_keeps_its_records_and_goes_on_without_measuring_twice(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    seen: list[Function] = []

    def clock(task: Task) -> Outcome:
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(task.candidate)
        return pretend(length_of_text)(task)

    cut = tune(parse(GEMM), tiles, strategy=Random(), records=path, batch=4, measure=clock)
    assert cut.interrupted
    assert str(cut).endswith("; interrupted)")
    assert load(path) == list(cut.records)
    assert sum(record.verdict != "refused" for record in cut.records) == 5 == len(seen)

    def rest(task: Task) -> Outcome:
        assert task.candidate not in seen
        seen.append(task.candidate)
        return pretend(length_of_text)(task)

    done = tune(parse(GEMM), tiles, strategy=Random(), records=path, measure=rest)
    assert not done.interrupted
    assert len(seen) == len(LEGAL)
    assert load(path) == list(done.records)
    assert done.records[: len(cut.records)] == cut.records
    assert [each.verdict for each in done.records].count("first") == 1
    again = tune(parse(GEMM), tiles, records=path, measure=rest)
    assert again.records == done.records


class Immediate(Executor):
    """Work is done when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def test_what_is_done_when_ctrl_c_comes_is_kept_unless_it_failed_of_it(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    seen: list[Task] = []

    def clock(task: Task) -> Outcome:
        seen.append(task)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return Outcome("failed", reason="killed") if len(seen) == 5 else pretend(length_of_text)(task)

    tuned = tune(
        parse(GEMM), tiles, executor=Immediate(), strategy=Random(), batch=5, records=path, measure=clock
    )
    assert tuned.interrupted
    assert load(path) == list(tuned.records)
    kept = [replay(parse(GEMM), each.json).function for each in tuned.records if each.verdict != "refused"]
    submitted = [task.candidate for task in seen]
    assert len(submitted) >= 5
    assert kept == [each for n, each in enumerate(submitted, 1) if n not in (3, 5)]


INTERRUPTED = """
import os, sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from tensor_compiler import parse
from tensor_compiler.tuning import Random, tune
from tests.tensor_compiler.test_tuning_records import slowly
from tests.tensor_compiler.tuning import GEMM, tiles

with eval(sys.argv[1])(2) as pool:
    print(tune(parse(GEMM), tiles, records=os.environ["RECORDS"], measure=slowly, strategy=Random(),
               batch=4, executor=pool))
"""


def slowly(task: Task) -> Outcome:
    """So slowly, once there are two records, that the interruption comes in time."""
    outcome = measure(task)
    path = Path(os.environ["RECORDS"])
    time.sleep(3 if path.exists() and path.read_bytes().count(b"\n") >= 2 else 0.2)
    return outcome


@pytest.mark.parametrize("executor", ["ThreadPoolExecutor", "ProcessPoolExecutor"])
def test_ctrl_c_ends_a_search_with_what_it_found(tmp_path: Path, executor: str) -> None:
    """As a terminal sends it: to the search, its workers, and the C compilers that they wait for."""
    path = tmp_path / "records.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, executor], stdout=-1, stderr=-1, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RECORDS": str(path)},
        start_new_session=True,
    )  # fmt: skip
    for _ in range(600):
        if path.exists() and path.read_bytes().count(b"\n") >= 2:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    printed, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert printed.rstrip().endswith("; interrupted)")
    assert 2 <= len(load(path)) < len(LEGAL)
    assert {record.verdict for record in load(path)} <= {"first", "faster", "slower", "tie", "refused"}


def test_a_damaged_line_is_skipped_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tuned = tune(parse(GEMM), tiles, trials=3, records=path, measure=pretend(length_of_text))
    good = path.read_text()
    first, *others = good.splitlines(keepends=True)
    damaged = ["{}", "nonsense", "null", '{"workload": 3}', first.replace('"trace": [', '"trace": {"', 1),
               json.dumps({**json.loads(first), "seconds": "soon"})]  # fmt: skip
    for line in damaged:
        path.write_text(first + line.strip() + "\n" + "".join(others))
        with pytest.warns(UserWarning, match=r"^line 2 of records.jsonl is no record and is skipped$"):
            assert load(path) == list(tuned.records)
    path.write_bytes(b"\xff\n" + good.encode())
    with pytest.warns(UserWarning, match=r"^line 1 of records.jsonl is no record and is skipped$"):
        assert load(path) == list(tuned.records)


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tune(parse(GEMM), tiles, trials=3, records=path, measure=pretend(length_of_text))
    path.write_text(path.read_text()[:-40])
    with pytest.warns(UserWarning, match=r"is no record and is skipped$"):
        again = tune(parse(GEMM), tiles, trials=4, records=path, measure=pretend(length_of_text))
    with pytest.warns(UserWarning, match=r"is no record and is skipped$"):
        assert load(path) == list(again.records)


def test_records_of_other_places_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    clock = pretend(length_of_text)
    one = tune(parse(GEMM), tiles, trials=3, records=path, measure=clock, threads=1)
    two = tune(parse(GEMM), tiles, trials=3, records=path, measure=clock, threads=2)
    other = tune(
        parse(GEMM.replace("gemm", "other")), tiles, trials=3, records=path, measure=clock, threads=2
    )
    assert choices(one) == choices(two) == choices(other)
    assert load(path) == [*one.records, *two.records, *other.records]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_goes_to_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        tune(parse(GEMM), tiles, trials=4, measure=pretend(lambda function: 0.25))
        lines = stream.getvalue().split("\r")
        if isinstance(stream, Terminal):
            assert lines[1] == "[------------------------] 0/4"
            assert lines[-1] == "[########################] 4/4  best 0.25 s\n"
            assert "[############------------] 2/4  best 0.25 s" in lines
        else:
            assert lines == [""]
