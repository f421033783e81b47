"""Solutions of the graded exercises: folded below each exercise, and an appendix on paper.

They are the references that the graders are tested with, and the wrong answers that these reject.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book_build.status import link_to
from graders import Exercise, exercises
from graders.registry import chapters

DIRECTIVE = "solutions"


def setup(app: Sphinx) -> None:
    """Fold the solutions into the pages, and register the directive of the appendix."""
    app.add_node(
        solution,
        html=(open_solution, close_solution),
        latex=(open_plain, close_plain),
        text=(open_plain, close_plain),
    )
    app.add_directive(DIRECTIVE, Solutions)
    app.connect("doctree-read", _fold_into_page)


class solution(nodes.General, nodes.Element):  # noqa: N801 -- docutils names nodes so
    """Holds the solution of the exercise `name`."""


def open_solution(translator: Any, node: nodes.Element) -> None:
    summary = f"<summary>Solution of <em>{escape(node['name'])}</em></summary>"
    translator.body.append(f'<details class="solution">{summary}')


def close_solution(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</details>")


def open_plain(translator: Any, node: nodes.Element) -> None:
    """Print what is inside: paper does not fold."""


def close_plain(translator: Any, node: nodes.Element) -> None:
    """End it."""


def solved(exercise: Exercise) -> list[nodes.Node]:
    """The reference, and which answers the grader rejects."""
    source = exercise.reference.strip("\n")
    rejected = "; ".join(wrong.name for wrong in exercise.wrong)
    return [
        nodes.literal_block(source, source, language="python"),
        nodes.paragraph("", f"What the grader rejects, by name: {rejected}."),
    ]


def _fold_into_page(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    if app.builder.name == "latex" or docname not in chapters():
        return
    for section in doctree.findall(nodes.section):
        if section[0].astext() == "Exercises":
            fold_into(section, exercises(docname))


def fold_into(section: nodes.section, found: dict[str, Exercise]) -> None:
    """Put each solution behind its exercise, a paragraph such as "1 (graded). *name.* ..."."""
    starts = [
        position
        for position, node in enumerate(section)
        if isinstance(node, nodes.paragraph) and re.match(r"\d+ \(", node.astext())
    ]
    ends = [*starts[1:], len(section)]
    for start, end in reversed(list(zip(starts, ends, strict=True))):
        name = next((each.astext().rstrip(".") for each in section[start].findall(nodes.emphasis)), "")
        if re.match(r"\d+ \(graded", section[start].astext()):
            section.insert(end, solution("", *solved(found[name]), name=name))


class Solutions(SphinxDirective):
    """The solutions of all chapters, for paper; elsewhere a sentence that says where they are."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each chapter."""
        self.env.metadata[self.env.docname]["book_directives"] = [DIRECTIVE]
        if self.env.app.builder.name != "latex":
            return [nodes.paragraph("", "On these pages each solution is folded below its exercise.")]
        shown = [docname for docname in self.env.book_publication if docname in chapters()]  # type: ignore[attr-defined]
        return [self.chapter(docname) for docname in shown]

    def chapter(self, docname: str) -> nodes.section:
        title = nodes.title("", "", link_to(self.env, docname))
        section = nodes.section("", title, ids=[f"solutions-{docname.replace('/', '-')}"])
        for number, (name, exercise) in enumerate(exercises(docname).items(), start=1):
            head = [
                nodes.strong("", f"{number} "),
                nodes.emphasis("", name),
                nodes.Text(f". {exercise.task}"),
            ]
            section += nodes.paragraph("", "", *head)
            section += solved(exercise)
        return section
