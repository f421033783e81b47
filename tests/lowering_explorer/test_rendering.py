"""What a page holds, what print gets, and excerpts of stages."""

from __future__ import annotations

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from itertools import pairwise
from textwrap import dedent
from typing import Any

import pytest
from tests.lowering_explorer.made_by_hand import AFTER, LOWERING, WILD

from lowering_explorer import LANGUAGES, Capture, Lowering, Source, Stage, compare
from lowering_explorer.comparison import Comparison
from lowering_explorer.rendering import latex, page
from lowering_explorer.rendering.highlighting import styled_lines
from lowering_explorer.rendering.payload import payload

STAGE = LOWERING["xla"]["HLO after a pass"]


def unpacked(text: str) -> dict[str, Any]:
    return dict(json.loads(zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS)))


def flat(runs: list[int]) -> list[int]:
    starts, lengths = runs[::2], runs[1::2]
    return [start + step for start, length in zip(starts, lengths, strict=True) for step in range(length)]


def test_every_text_and_every_source_line_comes_out_of_the_payload() -> None:
    data = unpacked(payload(LOWERING))
    lines = data["lines"].split("\n")
    for capture, kept in zip(LOWERING, data["captures"], strict=True):
        for stage, packed in zip(capture, kept["stages"], strict=True):
            assert "".join(f"{lines[number]}\n" for number in flat(packed["rows"])) == stage.text
            runs = packed["origins"]
            origins = [
                data["origins"][n]
                for n, times in zip(runs[::2], runs[1::2], strict=True)
                for _ in range(times)
            ]
            assert [tuple(each) for each in origins] == list(stage.source_lines)
    assert [lines[number] for number in flat(data["source"]["rows"])] == list(LOWERING.source.lines.values())


def test_the_payload_holds_each_line_once_and_is_the_same_each_time() -> None:
    lines = unpacked(payload(LOWERING))["lines"].split("\n")
    assert lines.count("  %v5 = f32[8]{0} add(%a, %b)") == 1
    assert payload(LOWERING) == payload(Lowering.from_json(LOWERING.to_json()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_styles_cover_a_line_in_units_of_utf16_and_lose_no_character(language: str) -> None:
    text = 'α = "𝛼" # 1\n\n  %x.1 = f32[8]{0} add(%a) // c\nlast line without an end'
    styled = list(styled_lines(language, text))
    assert [line for line, _ in styled] == text.splitlines()
    for line, style in styled:
        runs = re.findall(r"([a-z.])(\d+)", style)
        assert "".join(kind + length for kind, length in runs) == style
        assert sum(int(length) for _, length in runs) <= len(line.encode("utf-16-le")) // 2
        assert all(one != other for (one, _), (other, _) in pairwise(runs))


class Tags(HTMLParser):
    """Collects the tags of a page, and what stands in attributes that a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "onerror")]


def test_a_report_asks_for_nothing_and_escapes_what_compilers_wrote() -> None:
    wild = Lowering(
        WILD, (WILD,), Source("f.py", {}), "", (Capture("xla", WILD, (), f"xla stopped: {WILD}"),)
    )
    for lowering in (LOWERING, wild):
        found = Tags(page.report(lowering))
        assert "img" not in found.tags
        assert "b" not in found.tags
        assert found.addresses == ["data:,"]


def test_the_scripts_never_make_html_of_text() -> None:
    assert "innerHTML" not in page.script()
    assert "insertAdjacentHTML" not in page.script()


def test_the_still_names_every_stage_and_every_problem() -> None:
    still = page.overview(LOWERING)
    for capture in LOWERING:
        assert all(f"<td>{stage.name}</td>" in still for stage in capture)
    assert "&lt;b&gt;no compiler&lt;/b&gt;" in still
    assert "tvm needs apache-tvm, which is not installed" in still
    assert "21 operations" in still


def test_a_notebook_gets_html_latex_and_text() -> None:
    bundle = LOWERING._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/latex", "text/plain"}
    assert bundle["text/plain"] == str(LOWERING)
    assert bundle["text/html"].count("<script data-lowering-explorer>") == 1


def test_latex_escapes_its_signs_and_keeps_the_text() -> None:
    signs = r"50% of a_b & {c} #1 $x^2~\n"
    escaped = latex.escaped(signs)
    plain = escaped.replace(r"\allowbreak{}", "").replace(r"\textbackslash{}", "\\")
    plain = plain.replace(r"\textasciicircum{}", "^").replace(r"\textasciitilde{}", "~")
    assert re.sub(r"\\([#$%&_{}])", r"\1", plain) == signs
    assert re.search(r"(?<!\\)[#$%&_]", escaped) is None


def test_the_latex_tables_have_as_many_cells_in_each_row_as_columns() -> None:
    for text, columns in (
        (latex.overview(LOWERING), 4),
        (compare(LOWERING, "loops")._repr_latex_(), 3),
    ):
        rows = [row for row in text.splitlines() if row.endswith(r"\\") and "multicolumn" not in row]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}
    assert "tvm needs apache-tvm" in latex.overview(LOWERING)


def test_an_excerpt_shows_the_matches_with_context_and_where_lines_are_left_out() -> None:
    def part(first: int, last: int) -> list[str]:
        return dedent("\n".join(AFTER.splitlines()[first:last])).splitlines()

    assert str(STAGE.excerpt("multiply", context=1)).splitlines() == ["⋯", *part(2, 5), "⋯"]
    assert str(STAGE.excerpt(r"%v(0|3) ", context=1)).splitlines() == [*part(0, 5), "⋯"]
    assert str(STAGE.lines(19, 20)).splitlines() == ["⋯", *part(18, 20)]


def test_an_excerpt_leaves_out_the_indentation_that_its_lines_share() -> None:
    loops = Stage(
        "loops", "loops", "python", "for i in range(2):\n    for j in range(3):\n        x[i] = j\n"
    )
    assert str(loops.lines(2, 3)).splitlines() == ["⋯", "for j in range(3):", "    x[i] = j"]
    assert str(loops.excerpt("= j", 0)).splitlines() == ["⋯", "x[i] = j"]
    assert str(loops.lines(1, 3)) == loops.text


@pytest.mark.parametrize("columns", [1, 5, 9])
def test_a_comparison_takes_the_line_in_print_whatever_its_columns(columns: int) -> None:
    many = Comparison("loops", ("xla: HLO",) * columns, (("multiply", (1,) * columns),))
    shares = re.findall(r"\\dimexpr([\d.]+)\\linewidth-2\\tabcolsep", many._repr_latex_())
    assert len(shares) == columns + 1
    assert 0.99 < sum(map(float, shares)) < 1.005


def test_two_excerpts_of_one_stage_are_no_landmarks_of_one_name() -> None:
    html = STAGE.excerpt("multiply")._repr_mimebundle_()["text/html"]
    assert 'role="group" aria-label="HLO after a pass"' in html


def test_an_excerpt_of_nothing_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^no line of stage 'HLO after a pass' matches 'nowhere'$"):
        STAGE.excerpt("nowhere")
    with pytest.raises(ValueError, match=r"^stage 'HLO after a pass' has lines 1 to 20, not 15 to 21$"):
        STAGE.lines(15, 21)


def test_a_stage_displays_highlighted_and_escaped() -> None:
    bundle = LOWERING["inductor"]["C++"]._repr_mimebundle_()
    assert bundle["text/plain"] == LOWERING["inductor"]["C++"].text
    assert "img" not in Tags(bundle["text/html"]).tags
    assert re.search(r'<span class="\w+">float</span>', bundle["text/html"])
    assert r"\PYG{" in bundle["text/latex"]
    assert bundle["text/latex"].count("\\begin{sphinxVerbatim}") == 1


def test_a_stage_displays_all_of_its_lines() -> None:
    stage = Stage("x", "graph", "text", "a\n\n\nb\n")
    assert stage._repr_mimebundle_()["text/plain"] == "a\n\n\nb\n"
