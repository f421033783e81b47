"""What a playground answers: the compiler's own loops, C, misses and refusals, without numpy."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cache_simulator import simulate
from schedule_playground import PROGRAMS, Refusal, play, read_step
from schedule_playground.modules import archive, closure
from schedule_playground.offers import CHOICES, OFFERS, kind
from schedule_playground.play import COPIES, TARGET, copies
from schedule_playground.programs import CACHE, cache
from schedule_playground.session import answer
from tensor_compiler import Schedule, c_source, parse, show
from tensor_compiler.primitives import PRIMITIVES
from tensor_compiler.schedule import Step

INTERCHANGE = [
    "reorder(loops=['k', 'j'])",
    "decompose_reduction(loop='k', at='i')",
    "reorder(loops=['k', 'j'])",
    "vectorize(loop='j')",
]


def steps(*lines: str) -> list[Step]:
    return [read_step(line) for line in lines]


def text(lines: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(f"{mark} {line}".rstrip() for mark, line in lines)


def test_each_step_shows_what_the_compiler_makes_of_it() -> None:
    attempts, function = play("matmul", steps(*INTERCHANGE))
    schedule = Schedule(PROGRAMS["matmul"].function)
    schedule.decompose_reduction("k", "i")
    schedule.reorder("k", "j").vectorize("j")
    assert function == schedule.function
    taken = [attempt for attempt in attempts if not attempt.refusal]
    for attempt, expected in zip(taken, schedule.history, strict=True):
        assert "\n".join(line for _, line in attempt.lines) == show(expected)
        assert attempt.c == c_source(expected, TARGET)
        assert attempt.traffic == simulate(expected, cache())


def test_new_lines_are_marked() -> None:
    attempts, _ = play("matmul", steps(*INTERCHANGE))
    assert (
        text(attempts[3].lines)
        == """\
  def matmul(A: f32[16, 16], B: f32[16, 16], C: f32[16, 16]):
      for i_init in serial(16):
          for j_init in serial(16):
              C[i_init, j_init] = 0.0
      for i in serial(16):
+         for k in serial(16):
+             for j in serial(16):
                  C[i, j] += A[i, k] * B[k, j]"""
    )


def test_a_refusal_marks_the_guilty_lines_and_changes_nothing() -> None:
    attempts, function = play("matmul", steps(INTERCHANGE[0]))
    assert function == PROGRAMS["matmul"].function
    assert attempts[1].refusal == Refusal(
        "'k' is not all that 'j' holds",
        "name the loops between them too, or move what stands beside the loop with decompose_reduction",
    )
    assert (
        text(attempts[1].lines)
        == """\
  def matmul(A: f32[16, 16], B: f32[16, 16], C: f32[16, 16]):
      for i in serial(16):
          for j in serial(16):
>             C[i, j] = 0.0
>             for k in serial(16):
                  C[i, j] += A[i, k] * B[k, j]"""
    )
    assert attempts[1].traffic == attempts[0].traffic


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("unroll(loop='q')", "there is no loop 'q': choose one of i, j, k"),
        ("unroll()", "unroll() missing 1 required positional argument: 'loop'"),
        ("unroll(loop='k', much=1)", "'unroll' takes loop, not 'much'"),
    ],
)
def test_a_step_that_is_none_is_refused_in_a_sentence(line: str, reason: str) -> None:
    attempts, function = play("matmul", steps(line))
    assert attempts[1].refusal == Refusal(reason, "")
    assert function == PROGRAMS["matmul"].function


@pytest.mark.parametrize("line", ["unroll", "unroll('k')", "unroll(loop=k)", "a.b(loop='k')", "unroll(loop="])
def test_a_line_that_is_no_call_is_refused(line: str) -> None:
    said = f"'{line}' is no step: write a call with named arguments, such as unroll(loop='k')"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        read_step(line)


def test_a_step_reads_back_as_it_is_spelled() -> None:
    for line in INTERCHANGE:
        assert str(read_step(line)) == line


def test_interchange_saves_misses_and_so_does_merging_the_loops_of_rmsnorm() -> None:
    before, *_, after = play("matmul", steps(*INTERCHANGE[1:]))[0]
    apart, merged = play("rmsnorm", steps("merge(first='i', second='i_1')"))[0]
    assert before.traffic is not None
    assert after.traffic is not None
    assert apart.traffic is not None
    assert merged.traffic is not None
    assert after.traffic.touches == before.traffic.touches
    assert after.traffic.misses[0].total() * 10 < before.traffic.misses[0].total()
    assert apart.traffic.misses[0]["X"] == 2 * merged.traffic.misses[0]["X"]  # its lines come once, not twice


def test_c_that_nobody_would_read_is_not_written() -> None:
    everything = steps("unroll(loop='i')", "unroll(loop='j')", "unroll(loop='k')")
    *_, two, three = play("matmul", everything)[0]
    assert two.c.count("+=") == 1 + 255
    assert three.c == "/* Unrolled loops would write one statement 4,096 times: unroll shorter loops. */"
    assert copies(parse("def f(A: f32[4]):\n    for i in unrolled(4):\n        A[i] = 0.0\n").body) == 4
    assert COPIES == 256


def test_the_cache_is_as_described() -> None:
    assert f"{cache().size} bytes, {cache().line}-byte lines, {cache().ways} ways" == CACHE


def test_a_form_asks_for_arguments_that_the_primitive_takes() -> None:
    for name, asked in OFFERS.items():
        parameters = inspect.signature(PRIMITIVES[name]).parameters
        assert set(asked) <= set(parameters)
        needed = {each.name for each in parameters.values() if each.default is each.empty}
        assert needed - {"function"} <= set(asked)
    kinds = {each: kind(each) for asked in OFFERS.values() for each in asked}
    assert kinds.pop("factor") == "number"
    assert kinds.pop("loops") == "loops"
    assert kinds.pop("buffer") == "buffer"
    assert {each for each, what in kinds.items() if what == "choice"} == set(CHOICES)


def test_the_packed_modules_answer_without_numpy_and_without_the_repository(tmp_path: Path) -> None:
    (tmp_path / "modules.zip").write_bytes(archive())
    question = json.dumps(
        {
            "program": "matmul",
            "steps": [{"primitive": s.primitive, "arguments": s.arguments} for s in steps(*INTERCHANGE)],
        }
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from schedule_playground.session import answer\n"
        "assert 'numpy' not in sys.modules\n"
        "print(answer(sys.argv[2]))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path / "modules.zip"), question]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert json.loads(result.stdout) == json.loads(answer(question))


def test_the_archive_is_the_same_each_time_and_holds_no_more_than_it_takes() -> None:
    assert archive() == archive()
    assert "tensor_compiler.schedule" in closure()
    assert not {"tensor_compiler.interpreter", "tensor_compiler.graph", "graders"} & set(closure())
