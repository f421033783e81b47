"""Every call is tried: the dead ones are dead, and what the table tells to use instead does the work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classic_tvm import CALLS, TOPICS, ClassicCall, Trial, report, try_out

pytest.importorskip("tvm")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.classic)
def test_the_call_has_the_fate_that_the_table_tells_and_the_replacement_works(call: ClassicCall) -> None:
    trial = try_out(call)
    assert trial.fate == call.fate
    assert bool(trial.said) == (call.fate != "stays")
    assert "/" not in trial.said, "a place on this machine"


def test_each_call_stands_once_under_a_known_topic() -> None:
    assert len({call.classic for call in CALLS}) == len(CALLS)
    assert {call.topic for call in CALLS} == set(TOPICS)
    assert all(call.classic != call.now for call in CALLS)


def test_a_replacement_that_does_not_do_the_work_is_refused() -> None:
    idle = replace(CALLS[0], now="x = t.numpy() * 2", proof="x.tolist() == a.tolist()")
    with pytest.raises(AssertionError, match=r"^x = t\.numpy\(\) \* 2 does not give x\.tolist"):
        try_out(idle)


def test_a_call_that_works_again_is_told_apart() -> None:
    alive = replace(CALLS[0], classic="t.numpy()")
    assert try_out(alive).fate == "stays"
    loud = replace(CALLS[0], classic="import warnings; warnings.warn('use y. It is new', DeprecationWarning)")
    assert try_out(loud) == Trial(loud, "warns", "DeprecationWarning: use y")


def test_the_report_says_what_happened_and_what_to_use_in_lines_that_fit() -> None:
    text = report(
        [
            Trial(CALLS[0], "gone", "ImportError: cannot import name 'relay' from 'tvm'"),
            Trial(replace(CALLS[0], change=0), "stays", ""),
        ]
    )
    assert text.splitlines()[:4] == [
        "from tvm import relay",
        "    today: ImportError: cannot import name 'relay' from 'tvm'",
        "    since: 0.20, pull request 17656; in tvm.d2l.ai",
        "    use:   from tvm.relax.frontend.torch import from_exported_program",
    ]
    assert "since: 0.20; in tvm.d2l.ai" in text
    assert max(map(len, text.splitlines())) <= 88
