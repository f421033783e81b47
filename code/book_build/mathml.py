"""Formulas as MathML: no script, no font and no request, and a screen reader can speak them."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """Register the renderer `mathml` for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))


def _mathml(formula: str, node: nodes.Element, as_block: bool) -> str:
    try:
        return str(tex2mathml(formula, as_block=as_block))
    except MathError as error:
        logger.warning("the formula %r cannot be converted to MathML: %s", formula, error, location=node)
        return f"<code>{nodes.unescape(formula)}</code>"


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node.astext(), node, as_block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    attributes: dict[str, Any] = {"ids": node.get("ids", [])}
    translator.body.append(translator.starttag(node, "div", CLASS="math", tabindex="0", **attributes))
    translator.body.append(_mathml(node.astext(), node, as_block=True))
    if number := node.get("number"):
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append("</div>\n")
    raise nodes.SkipNode
