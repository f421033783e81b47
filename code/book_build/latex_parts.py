"""The captions of the table of contents as parts of the printed book; Sphinx drops them in LaTeX."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.texescape import escape, tex_replacements

# Sphinx turns these signs into math even inside code, where it breaks the wrapping of long lines.
SIGNS_LEFT_ALONE = {"✓", "✔", "✕", "✖"}


def setup(app: Sphinx) -> None:
    """Insert one \\part before each captioned toctree of the root page."""
    app.connect("doctree-read", _insert_parts)
    tex_replacements[:] = [pair for pair in tex_replacements if pair[0] not in SIGNS_LEFT_ALONE]


def _insert_parts(app: Sphinx, doctree: nodes.document) -> None:
    if app.builder.name != "latex" or app.env.docname != app.config.root_doc:
        return
    for toctree in list(doctree.findall(addnodes.toctree)):
        if caption := toctree.get("caption"):
            part = nodes.raw("", f"\\part{{{escape(caption, app.config.latex_engine)}}}\n", format="latex")
            compound = toctree.parent
            compound.parent.insert(compound.parent.index(compound), part)
