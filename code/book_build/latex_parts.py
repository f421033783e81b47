"""What Sphinx does to the structure of a book in LaTeX, put right: parts, contents and bibliography."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.latex.nodes import thebibliography
from sphinx.builders.latex.transforms import BibliographyTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.texescape import escape, tex_replacements

from lowering_explorer.rendering.latex import TEXT

# Sphinx turns these signs into math even inside code, where it breaks the wrapping of long lines.
SIGNS_LEFT_ALONE = {"✓", "✔", "✕", "✖"}


def setup(app: Sphinx) -> None:
    """Insert one \\part before each captioned toctree of the root page; keep the bibliography in place."""
    app.connect("doctree-read", _insert_parts)
    app.connect("doctree-read", lambda app, doctree: keep_text(doctree))
    app.add_post_transform(BibliographyPlace)
    app.add_post_transform(BibliographyInPlace)
    tex_replacements[:] = [pair for pair in tex_replacements if pair[0] not in SIGNS_LEFT_ALONE]


def _insert_parts(app: Sphinx, doctree: nodes.document) -> None:
    if app.builder.name != "latex" or app.env.docname != app.config.root_doc:
        return
    for toctree in list(doctree.findall(addnodes.toctree)):
        if caption := toctree.get("caption"):
            part = nodes.raw("", f"\\part{{{escape(caption, app.config.latex_engine)}}}\n", format="latex")
            compound = toctree.parent
            compound.parent.insert(compound.parent.index(compound), part)
            del toctree["caption"]  # Sphinx would call the table of contents by the first caption


def keep_text(doctree: nodes.document) -> None:
    """Set what a cell printed as LaTeX as it is: MyST-NB takes it for a formula."""
    for formula in list(doctree.findall(nodes.math_block)):
        if "text_latex" in formula["classes"] and formula.astext().startswith(TEXT):
            formula.replace_self(nodes.raw("", formula.astext(), format="latex"))


class bibliography_place(nodes.Invisible, nodes.Element):  # noqa: N801 -- docutils names nodes so
    """Marks where the first citation stood."""


class BibliographyPlace(SphinxPostTransform):
    """Marks the place of the citations before Sphinx gathers them at the end of the book."""

    default_priority = BibliographyTransform.default_priority - 1
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Insert the mark before the first citation."""
        if first := next(self.document.findall(nodes.citation), None):
            first.parent.insert(first.parent.index(first), bibliography_place())


class BibliographyInPlace(SphinxPostTransform):
    """Moves the gathered citations back to where the author put them, without a heading of their own."""

    default_priority = BibliographyTransform.default_priority + 1
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Put the bibliography where the mark is."""
        for place in list(self.document.findall(bibliography_place)):
            gathered = next(self.document.findall(thebibliography))
            gathered.parent.remove(gathered)
            place.replace_self(gathered)
