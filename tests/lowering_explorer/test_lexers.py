"""Lexers on texts that real captures hold: no character is lost, none is an error."""

from __future__ import annotations

import pytest
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Error, Keyword, Name, Number
from pygments.util import ClassNotFound

from lowering_explorer import LANGUAGES, Lowering
from lowering_explorer.lexers import NEW, lexer


@pytest.fixture(scope="session")
def texts(
    norm: Lowering, gradient: Lowering, triton_norm: Lowering, gluon_scale: Lowering
) -> dict[str, list[str]]:
    """Language -> the texts that the captures hold in it."""
    found: dict[str, list[str]] = {}
    for lowering in (norm, gradient, triton_norm, gluon_scale):
        for stage in lowering.stages:
            found.setdefault(stage.language, []).append(stage.text)
    return found


@pytest.mark.slow
def test_every_captured_text_keeps_its_characters_and_has_no_error(texts: dict[str, list[str]]) -> None:
    assert set(texts) == set(LANGUAGES) - {"cuda"}  # TVM's
    for language, several in texts.items():
        for text in several:
            tokens = list(lexer(language).get_tokens(text))
            assert "".join(value for _, value in tokens) == text
            wrong = [value for kind, value in tokens if kind in Error]
            assert wrong == [], (language, wrong[:5])


@pytest.mark.slow
def test_every_language_but_a_report_is_told_apart(texts: dict[str, list[str]]) -> None:
    for language in texts.keys() - {"text"}:
        kinds = {kind for kind, value in lexer(language).get_tokens(texts[language][-1]) if value.strip()}
        assert len(kinds) >= 3, (language, kinds)


@pytest.mark.parametrize("language", LANGUAGES)
def test_keeps_what_is_no_program(language: str) -> None:
    text = "\n\n  <b>&amp;</b> \t\u00e9\u2028 %%% \x1f \n no newline"
    assert "".join(value for _, value in lexer(language).get_tokens(text)) == text


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        (
            "hlo",
            "  ROOT %y = f32[8,64]{1,0} multiply(%x, %g)\n",
            [
                *[(Keyword, "ROOT"), (Name.Variable, "%y"), (Keyword.Type, "f32"), (Number, "8")],
                *[(Name.Function, "multiply"), (Name.Variable, "%x")],
            ],
        ),
        (
            "mlir",
            "%0 = stablehlo.add %a, %b : tensor<8x64xf32>\n",
            [
                *[(Name.Variable, "%0"), (Name.Function, "stablehlo.add"), (Keyword.Type, "tensor")],
                *[(Number, "8x64x"), (Keyword.Type, "f32")],
            ],
        ),
        ("sass", "        /*0190*/              @!P0 FFMA R12, R2, R2, R7 ;\n", [(Name.Function, "FFMA")]),
        ("amdgcn", "\tv_mul_f32_e32 v1, v2, v3\n", [(Name.Function, "v_mul_f32_e32")]),
        ("bytecode", " 19         140 LOAD_FAST                4 (unit)\n", [(Number, "140")]),
        ("jaxpr", "    c:f32[8,64] = mul a b\n", [(Keyword.Type, "f32"), (Name.Function, "mul")]),
        ("x86", "        vmulps zmm0,zmm1,zmm2  # 1.5\n", [(Name.Function, "vmulps")]),
    ],
)
def test_names_the_parts_of_a_line(language: str, text: str, tokens: list[tuple[object, str]]) -> None:
    found = [(kind, value.strip()) for kind, value in lexer(language).get_tokens(text)]
    for kind, value in tokens:
        assert any(value == other and each in kind for each, other in found), (kind, value, found)


def test_a_comment_of_inductors_assembly_is_a_comment() -> None:
    tokens = list(lexer("x86").get_tokens("    # auto tmp10 = tmp8 * tmp9;\n"))
    assert {kind for kind, value in tokens if value.strip()} <= {Comment, Comment.Single}


def test_a_new_lexer_hides_none_of_pygments() -> None:
    for each in NEW:
        for alias in each.aliases:
            with pytest.raises(ClassNotFound):
                get_lexer_by_name(alias)
