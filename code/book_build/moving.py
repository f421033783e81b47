"""Figures that move: a browser gets their scripts, an e-book their drawing alone."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from moving_figures.figure import MARK

SCRIPT = re.compile(rf"<script {MARK}.*?</script>", re.DOTALL)


def setup(app: Sphinx) -> None:
    """Take the scripts out of every page that is not for a browser."""
    app.connect("html-page-context", _keep_the_still)


def _keep_the_still(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if app.builder.name != "html" and MARK in context.get("body", ""):
        context["body"] = still(context["body"])


def still(body: str) -> str:
    """The page without the scripts of its figures."""
    return SCRIPT.sub("", body)
