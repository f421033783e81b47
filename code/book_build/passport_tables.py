"""The directives `passport`, of the page's own project, and `passports`, which joins all of them."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book_build.status import StatusDirective, link_to, published, table
from book_build.store import PASSPORT, Execution
from passports import FIELDS, Entry, complaints


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("passport", OwnPassport)
    app.add_directive("passports", JoinedPassports)


def entries_of(execution: Execution) -> list[Entry]:
    """What the cells of a page entered, in their order."""
    return [Entry(**data) for data in execution.published(PASSPORT)]


def link_to_cell(env: BuildEnvironment, docname: str, anchor: str, text: str) -> nodes.Node:
    """A link to the cell's output where pages have such anchors, to the chapter on paper."""
    builder = env.app.builder
    if builder.format != "html":
        return link_to(env, docname, text)
    page = "" if docname == env.docname else builder.get_relative_uri(env.docname, docname)
    return nodes.reference("", text, refuri=f"{page}#{anchor}", internal=True)


class OwnPassport(SphinxDirective):
    """A row per field, which leads to the cell that shows the answer; refuses an incomplete passport."""

    def run(self) -> list[nodes.Node]:
        """Return one table."""
        docname = self.env.docname
        execution = next((e for entry, e in published(self.env) if entry.docname == docname and e), None)
        entries = entries_of(execution) if execution else []
        if found := complaints(entries):
            raise self.error(f"the passport of this page is not complete: {'; '.join(found)}")
        given = {entry.field: entry for entry in entries}
        rows = [
            [
                link_to_cell(self.env, docname, given[field.name].anchor, field.title),
                nodes.Text(given[field.name].answer),
            ]
            for field in FIELDS
        ]
        return [table((f"{entries[0].project} {entries[0].version}", "answer"), rows, (20, 80))]


class JoinedPassports(StatusDirective):
    """For each field, the answers of all projects, in reading order."""

    def run(self) -> list[nodes.Node]:
        """Return a question and a table for each field."""
        pages = [(entry.docname, entries_of(e)) for entry, e in self.published() if e]
        found: list[nodes.Node] = []
        for field in FIELDS:
            rows = [
                [
                    link_to_cell(self.env, docname, entry.anchor, f"{entry.project} {entry.version}"),
                    nodes.Text(entry.answer),
                ]
                for docname, entries in pages
                for entry in entries
                if entry.field == field.name
            ]
            if rows:
                found += [
                    self.question(field.title, field.question),
                    table(("project", "answer"), rows, (20, 80)),
                ]
        return found

    def question(self, title: str, text: str) -> nodes.paragraph:
        return nodes.paragraph("", "", nodes.strong("", f"{title}."), nodes.Text(f" {text}"))
