"""Lowerings as data: they survive JSON, and their errors say what there is."""

from __future__ import annotations

import pytest

from lowering_explorer import Capture, Lowering, Source, Stage, compare


def stage(name: str, level: str = "assembly", language: str = "x86", **fields: object) -> Stage:
    return Stage(name, level, language, fields.pop("text", "  ret\n"), **fields)  # type: ignore[arg-type]


LOWERING = Lowering(
    "f",
    ("f32[2]",),
    Source("f.py", {3: "def f(x):", 4: "    return x * x"}),
    "a machine",
    (
        Capture(
            "xla",
            "1",
            (
                stage(
                    "HLO", "tensor IR", "hlo", source_lines=((4,),), counts={"operations": 2, "multiply": 1}
                ),
                stage("assembly of a", counts={"instructions": 5, "widest vector register in bits": 256}),
                stage("assembly of b", counts={"instructions": 7, "widest vector register in bits": 128}),
            ),
        ),
        Capture("tvm", "2", (stage("assembly", counts={"instructions": 9, "call": 1}),), "tvm stopped"),
    ),
)


def test_survives_json() -> None:
    assert Lowering.from_json(LOWERING.to_json()) == LOWERING


@pytest.mark.parametrize("text", ["{}", "[]", '{"function": "f", "captures": 3}', "not json"])
def test_refuses_other_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"this is not the JSON of a lowering|Expecting value"):
        Lowering.from_json(text)


def test_finds_the_lines_that_came_from_a_source_line() -> None:
    assert LOWERING["xla"]["HLO"].lines_from(4) == [0]
    assert LOWERING["xla"]["HLO"].lines_from(3) == []


def test_names_what_it_has_when_asked_for_something_else() -> None:
    with pytest.raises(
        KeyError, match="xla has no stage 'PTX'; it has: 'HLO', 'assembly of a', 'assembly of b'"
    ):
        LOWERING["xla"]["PTX"]
    with pytest.raises(KeyError, match="not captured: 'triton'; captured: xla, tvm"):
        LOWERING["triton"]


def test_refuses_stages_that_contradict_themselves() -> None:
    with pytest.raises(ValueError, match="no level 'somewhere'"):
        stage("x", "somewhere")
    with pytest.raises(ValueError, match="its source lines do not match its lines"):
        stage("x", source_lines=((), ()))


def test_compares_like_with_like_and_adds_up_kernels() -> None:
    found = compare(LOWERING, "assembly")
    assert found.columns == ("xla: assembly of 2 kernels", "tvm: assembly")
    assert dict(found.rows) == {
        "instructions": (12, 9),
        "widest vector register in bits": (256, None),
        "call": (None, 1),
    }


def test_compares_programs_and_gives_an_operation_one_name() -> None:
    reports = stage("guards", "tensor IR", "text", counts={"guards": 3})
    stages = {
        "xla": stage("HLO", "tensor IR", "hlo", counts={"multiply": 2, "dot": 1}),
        "inductor": stage("ATen", "tensor IR", "python", counts={"mul": 1, "mm": 1}),
        "triton": stage("TTIR", "tensor IR", "mlir", counts={"arith.mulf": 4, "tt.dot": 1}),
    }
    captures = tuple(Capture(compiler, "", (each, reports)) for compiler, each in stages.items())
    found = compare(Lowering("f", (), Source("f.py", {}), "", captures), "tensor IR")
    assert found.columns == ("xla: HLO", "inductor: ATen", "triton: TTIR")
    assert dict(found.rows) == {"multiply": (2, 1, 4), "dot": (1, 1, 1)}


def test_compares_what_the_assembly_was_made_from() -> None:
    aside = stage("for another machine", "loops", "python", counts={"blocks": 9})
    loops = stage("loops", "loops", "python", counts={"blocks": 2})
    captures = (Capture("tvm", "", (loops, stage("assembly", parent="loops"), aside)),)
    found = compare(Lowering("f", (), Source("f.py", {}), "", captures), "loops")
    assert (found.columns, found.rows) == (("tvm: loops",), (("blocks", (2,)),))


def test_heads_a_column_with_the_number_of_kernels_and_not_with_the_name_of_one() -> None:
    stages = (stage("HLO after start of HLO_passes", "tensor IR"), stage("assembly of fused_add_mul_0"))
    one = Lowering("f", (), Source("f", {}), "", (Capture("xla", "", stages),))
    assert compare(one, "assembly").columns == ("xla: assembly of 1 kernel",)
    assert compare(one, "tensor IR").columns == ("xla: HLO after start of HLO_passes",)


def test_compares_only_what_is_asked_for() -> None:
    assert compare(LOWERING, "assembly", ["call"]).rows == (("call", (None, 1)),)
    with pytest.raises(ValueError, match="no level 'nowhere'; levels are Python, graph,"):
        compare(LOWERING, "nowhere")


def test_escapes_names_in_html() -> None:
    wild = Lowering("f", (), Source("f", {}), "", (Capture("<b>", "", (stage("<i>", counts={"<u>": 1}),)),))
    html = compare(wild, "assembly")._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;u&gt;" in html
