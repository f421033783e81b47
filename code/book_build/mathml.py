"""Formulas as MathML: no script, no request, and a screen reader can speak them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
APPLY_FUNCTION = "\N{FUNCTION APPLICATION}"
THIN_SPACE = "0.1667em"
SCRIPTS = ("msub", "msup", "msubsup", "munder", "mover", "munderover")
OPENING = ("(", "[", "{", "⟨")


def setup(app: Sphinx) -> None:
    """Register the renderer `mathml` for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))


def mathml(formula: str, as_block: bool) -> str:
    """A LaTeX formula as one MathML element, spaced as TeX spaces it.

    docutils converts; MathML Core leaves three of TeX's spacing rules (The TeXbook, chapter 18) to the
    converter: a thin space beside the name of a function, none about operators in sub- and
    superscripts, none about a bare vertical bar. Raises MathError for a command that
    docutils does not know.
    """
    text = tex2mathml(formula, as_block=as_block).replace("&ApplyFunction;", APPLY_FUNCTION)
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        element.tail = None
        if len(element):
            element.text = None
    root.set("xmlns", NAMESPACE)
    for row in list(root.iter()):
        _space_function_names(row)
        if row.tag in SCRIPTS:
            for operator in _operators(row[1:]):
                operator.attrib.update(lspace="0", rspace="0")
    for operator in _operators([root]):
        if operator.text == "|":
            operator.attrib.update(lspace="0", rspace="0")
    return ElementTree.tostring(root, encoding="unicode")


def _operators(elements: list[Element]) -> Iterator[Element]:
    for element in elements:
        yield from element.iter("mo")


def _space_function_names(row: Element) -> None:
    """Insert thin spaces before and after `log` and its kind, except at fences and operators."""
    children = list(row)
    spaced: list[Element] = []
    for index, child in enumerate(children):
        names_function = index + 1 < len(children) and children[index + 1].text == APPLY_FUNCTION
        if names_function and spaced and spaced[-1].tag != "mo":
            spaced.append(Element("mspace", width=THIN_SPACE))
        spaced.append(child)
        if child.text == APPLY_FUNCTION and index + 1 < len(children):
            argument = children[index + 1]
            if argument.text not in OPENING and not (len(argument) and argument[0].text in OPENING):
                spaced.append(Element("mspace", width=THIN_SPACE))
    row[:] = spaced


def _rendered(formula: str, node: nodes.Element, as_block: bool) -> str:
    try:
        return mathml(formula, as_block)
    except MathError as error:
        logger.warning(
            "the formula %r cannot be converted to MathML: %s (for several lines write aligned inside $$)",
            formula,
            error,
            location=node,
        )
        return f"<code>{nodes.unescape(formula)}</code>"


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_rendered(node.astext(), node, as_block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    attributes: dict[str, Any] = {"ids": node.get("ids", [])}
    translator.body.append(translator.starttag(node, "div", CLASS="math", tabindex="0", **attributes))
    translator.body.append(_rendered(node.astext(), node, as_block=True))
    if number := node.get("number"):
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append("</div>\n")
    raise nodes.SkipNode
