"""Functions that nobody prepared: each compiler takes them to machine code or says why it cannot.

A run captures a few of them, every one of them with LOWERING_TRIALS=all.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.lowering_explorer import unprepared
from tests.lowering_explorer.finding import line_of
from tests.lowering_explorer.places import check_parents

from lowering_explorer import BadArgument, lower

SOME = {
    *("jax_scan", "jax_router", "jax_nonzero", "torch_fft", "transformer_layer", "torch_cond"),
    *("int8_matmul", "torch_nonzero"),
}
TRIALS = [
    trial
    for trial in unprepared.TRIALS
    if os.environ.get("LOWERING_TRIALS") == "all" or trial.function.__name__ in SOME
]


@pytest.mark.slow
@pytest.mark.parametrize("trial", TRIALS, ids=str)
def test_captures_what_nobody_prepared_or_says_why_not(trial: unprepared.Trial) -> None:
    (capture,) = lower(trial.function, *trial.arguments, through=[trial.compiler])
    line = line_of(trial.function, "# here") if "{line}" in trial.problem else 0
    assert capture.problem == trial.problem.format(line=line)
    check_parents(capture)
    if trial.problem:
        return
    last = capture.at(trial.level)[-1]
    assert sum(last.counts.values()) > 0
    assert any(stage.source_lines for stage in capture.at("tensor IR"))


def test_complex_arguments_are_refused_before_any_compiler_starts() -> None:
    with pytest.raises(BadArgument) as refusal:
        lower(unprepared.torch_fft, np.zeros((4, 16), np.complex64), through=["inductor"])
    assert str(refusal.value) == (
        "an array of dtype complex64 cannot be passed; known are float16, bfloat16, float32, float64, int8, "
        "int16, int32, int64, uint8, bool"
    )
