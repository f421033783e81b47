"""What cells print as LaTeX: tables and code stay as they are, formulas stay formulas."""

from __future__ import annotations

from docutils import nodes
from docutils.utils import new_document
from tests.lowering_explorer.made_by_hand import LOWERING

from book_build.latex_parts import keep_text
from lowering_explorer import compare


def printed(text: str) -> nodes.math_block:
    return nodes.math_block(text=text, classes=["output", "text_latex"])


def test_tables_and_excerpts_are_no_formulas() -> None:
    outputs = [
        LOWERING._repr_mimebundle_()["text/latex"],
        LOWERING["xla"]["HLO"]._repr_mimebundle_()["text/latex"],
        compare(LOWERING, "loops")._repr_latex_(),
    ]
    document = new_document("page")
    document += [printed(text) for text in outputs]
    keep_text(document)
    assert [(type(node), node.astext()) for node in document.children] == [
        (nodes.raw, text) for text in outputs
    ]


def test_formulas_are() -> None:
    document = new_document("page")
    document += [printed(r"\frac{a}{b}"), nodes.math_block(text="% text, not a formula\nx")]
    keep_text(document)
    assert all(isinstance(node, nodes.math_block) for node in document.children)
