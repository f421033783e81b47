"""What Dynamo did: rewritten bytecode, guards, and which programs each way of capturing gets right."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from pytorch_anatomy import guards, outcomes, rewritings  # noqa: E402
from pytorch_anatomy.guards import Guard, read  # noqa: E402
from pytorch_anatomy.programs import straight, value_branch  # noqa: E402

SCALE = 2.0


def scaled(x: Any) -> Any:
    return torch.exp(x) * SCALE


def watched(x: Any) -> Any:
    y = torch.exp(x)
    print("seen")
    return y + 1


def test_the_new_code_calls_the_graph_and_nothing_of_the_profiler() -> None:
    (rewriting,) = rewritings(scaled, torch.ones(3))
    assert rewriting.name == "scaled"
    assert any("exp" in line for line in rewriting.before)
    assert not any("exp" in line or "tmp_" in line or "record_" in line for line in rewriting.after)
    assert len(rewriting.graphs) == 1
    assert rewriting.continuations == ()
    place = next(n for n, line in enumerate(rewriting.after) if "__compiled_fn" in line)
    assert rewriting.after[place + 1].split() == ["LOAD_FAST", "x"]
    assert rewriting.after[place + 2].split() == ["CALL", "1"]


def test_a_break_leaves_two_code_objects_and_a_name_without_hashes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = rewritings(watched, torch.ones(3))
    assert capsys.readouterr().out == "seen\n"
    assert len(first.graphs) == len(second.graphs) == 1
    (continuation,) = first.continuations
    assert continuation.rpartition("_")[2].isdigit()
    assert second.continuations == ()


def test_the_hook_is_gone_afterwards() -> None:
    before = rewritings(scaled, torch.ones(3))
    torch.compile(straight, backend="eager")(torch.ones(3))
    assert [each.name for each in before] == ["scaled"]


def test_guards_name_the_argument_and_the_global() -> None:
    found = guards(scaled, torch.ones(3))
    (tensor,) = [each for each in found if each.kind == "TENSOR_MATCH"]
    assert (tensor.subject, tensor.about) == ("x", "dtype, shape, strides")
    assert "size=[3]" in tensor.condition
    (constant,) = [each for each in found if each.subject == "SCALE"]
    assert constant.kind == "EQUALS_MATCH"
    assert constant.condition.endswith("== 2.0")
    assert "exp" in {each.subject for each in found if each.about == "another function"}


def test_a_changed_constant_is_what_its_guard_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(scaled, backend="eager")
    compiled(torch.ones(3))
    monkeypatch.setitem(scaled.__globals__, "SCALE", 3.0)
    with (
        torch.compiler.set_stance("fail_on_recompile"),
        pytest.raises(RuntimeError, match=r"G\['SCALE'\] == 2.0"),
    ):
        compiled(torch.ones(3))


def test_ids_and_comments_do_not_reach_the_reader() -> None:
    line = "| | +- ID_MATCH: ___check_obj_id(G['f'].__code__, 139872345234)  # f(x)  # a.py:3 in g"
    assert read(line) == [Guard("ID_MATCH", "f", "___check_obj_id(G['f'].__code__, ID)")]
    assert read("no guard here") == []


def test_outcomes_tell_right_wrong_and_refused_apart() -> None:
    found = {(each.program, each.way): each for each in outcomes([straight, value_branch])}
    assert len(found) == 8
    assert {found["straight", way].verdict for way in ("script", "trace", "export", "dynamo")} == {"right"}
    assert found["value_branch", "trace"].verdict == "wrong"
    assert found["value_branch", "export"].verdict == "refused"
    dynamo = found["value_branch", "dynamo"]
    assert (dynamo.verdict, dynamo.graphs) == ("right", 3)
    assert found["straight", "dynamo"].graphs == 1


def test_outcomes_judge_by_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture that computes something else is wrong, whichever way it was made."""
    monkeypatch.setattr(
        "pytorch_anatomy.graph_capture._captured", lambda program, way, graphs: lambda x: program(x) + 1
    )
    assert {each.verdict for each in outcomes([straight])} == {"wrong"}
