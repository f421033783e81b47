"""Random programs are tame and repeatable, errors are found, and what shrinks gets as small as it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from differential_testing import STEPS, Program, random_program, shrink, smaller

PROGRAMS = [random_program(seed) for seed in range(60)]


def test_programs_are_the_same_at_each_call_and_differ_between_seeds() -> None:
    assert [random_program(seed) for seed in range(60)] == PROGRAMS
    assert len(set(PROGRAMS)) > 50
    assert {step for program in PROGRAMS for step in program.steps} == set(STEPS)


def test_every_random_program_fits_and_stays_tame_in_float32() -> None:
    for program in PROGRAMS:
        assert program.fits
        assert program.error(program) < 1e-4, program


def test_a_column_fits_no_step_for_matrices() -> None:
    assert not Program(1, 8, ("sum_rows", "transpose")).fits
    assert Program(1, 8, ("sum_rows", "spread", "transpose")).fits


def test_steps_do_what_their_names_say() -> None:
    x = Program(2, 3, ()).input(np.float64)
    assert np.allclose(Program(2, 3, ("times_constant",))(x), x.mean(-1, keepdims=True))
    assert np.allclose(Program(2, 3, ("transpose", "sum_rows"))(x)[..., 0], x.sum(1))
    assert np.allclose(Program(2, 3, ("max_rows", "spread"))(x), x + x.max(-1, keepdims=True))


@pytest.mark.parametrize(
    ("wrong", "least"),
    [
        (lambda program: lambda x: 1.01 * program(x), 0.005),
        (lambda program: lambda x: np.zeros_like(program(x)), 0.9),
        (lambda program: lambda x: np.full_like(program(x), np.nan), float("inf")),
    ],
)
def test_a_wrong_compiler_has_an_error(wrong: Callable[[Program], Any], least: float) -> None:
    for program in PROGRAMS[:10]:
        assert program.error(wrong(program)) >= least


def size(program: Program) -> tuple[int, int, int]:
    return len(program.steps), program.batch, program.side


def test_smaller_programs_fit_and_are_smaller_in_one_thing() -> None:
    for program in PROGRAMS:
        for candidate in smaller(program):
            assert candidate.fits
            assert candidate != program
            assert all(a <= b for a, b in zip(size(candidate), size(program), strict=True))
            assert min(candidate.batch, candidate.side) > 0


def test_what_shrinks_keeps_failing_and_nothing_smaller_does() -> None:
    def fails(program: Program) -> bool:
        text = " ".join(program.steps)
        return "times_constant sum_rows" in text and program.batch * program.side**2 >= 1000

    found = [program for program in map(random_program, range(400)) if fails(program)]
    assert len(found) > 5
    for program in found:
        least = shrink(program, fails)
        assert least.steps == ("times_constant", "sum_rows")
        assert fails(least)
        assert not any(map(fails, smaller(least)))


def test_a_program_is_asked_about_once_and_each_answer_is_told() -> None:
    asked: list[Program] = []

    def fails(program: Program) -> bool:
        asked.append(program)
        return "transpose" in program.steps

    told: list[tuple[Program, bool]] = []
    start = Program(4, 32, ("halve", "transpose", "soften", "sum_rows"))
    least = shrink(start, fails, lambda program, failed: told.append((program, failed)))
    assert least == Program(1, 1, ("transpose",))
    assert len(asked) == len(set(asked))
    assert [program for program, _ in told] == asked[1:]
    assert [failed for _, failed in told] == ["transpose" in program.steps for program in asked[1:]]


def test_what_does_not_fail_is_not_shrunk() -> None:
    program = replace(PROGRAMS[0], batch=1)
    with pytest.raises(ValueError, match="does not fail, so there is nothing to shrink"):
        shrink(program, lambda program: False)


@pytest.mark.slow
def test_xla_without_library_fusion_computes_what_numpy_does() -> None:
    import jax

    for program in PROGRAMS[:20]:
        plain = jax.jit(program, compiler_options={"xla_cpu_experimental_ynn_fusion_type": ""})
        assert program.error(plain) < 1e-4, program
