"""Directives for the status page, computed from the executions that the build publishes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book_build.publication import Entry
from book_build.store import Execution, Store

STATUS_DIRECTIVES = {"execution-status", "claims-table", "passports"}


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("execution-status", ExecutionStatus)
    app.add_directive("claims-table", ClaimsTable)


def table(head: Sequence[str], rows: Iterable[Sequence[nodes.Node]], widths: Sequence[int]) -> nodes.table:
    """A docutils table of text headings and of cells that hold one node each."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row([nodes.Text(text) for text in head]))
    group += nodes.tbody("", *[_row(cells) for cells in rows])
    return nodes.table("", group, classes=["status", "colwidths-given", "longtable"])


def _short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells])


def link_to(env: BuildEnvironment, docname: str, text: str = "") -> nodes.Node:
    """A cross-reference from the page that is being read to another, with `text` or its title."""
    return addnodes.pending_xref(
        "",
        nodes.inline("", text or docname),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{docname}",
        refdoc=env.docname,
        refexplicit=bool(text),
        refwarn=True,
    )


def published(env: BuildEnvironment) -> list[tuple[Entry, Execution | None]]:
    """Every page that executes, in reading order, with the execution it shows."""
    entries: dict[str, Entry] = env.book_publication  # type: ignore[attr-defined]
    store: Store = env.book_store  # type: ignore[attr-defined]
    return [
        (entry, store.find(entry.docname, entry.key) if entry.key else None)
        for entry in entries.values()
        if entry.key or entry.problem
    ]


class StatusDirective(SphinxDirective):
    """Remembers that its page shows what others published: a new execution makes the page stale."""

    def published(self) -> list[tuple[Entry, Execution | None]]:
        """Every page that executes, in reading order, with the execution it shows."""
        self.env.metadata[self.env.docname]["book_directives"] = sorted(STATUS_DIRECTIVES)
        return published(self.env)


class ExecutionStatus(StatusDirective):
    """A row per executed page: verdict, seconds, date, versions, machine."""

    def run(self) -> list[nodes.Node]:
        """Return one table."""
        rows = []
        for entry, execution in self.published():
            verdict = "failed" if entry.problem else "ok"
            if execution is None:
                rows.append([link_to(self.env, entry.docname), *map(nodes.Text, (verdict, "", "", "", ""))])
                continue
            versions = ", ".join(f"{name} {version}" for name, version in execution.versions.items())
            date = execution.date[:16].replace("T", " ")
            figures = (f"{execution.seconds:.1f}", f"{execution.cell_seconds:.1f}", date, versions)
            rows.append([link_to(self.env, entry.docname), *map(nodes.Text, (verdict, *figures))])
        head = ("page", "verdict", "seconds", "in cells", "executed (UTC)", "versions")
        return [table(head, rows, (16, 11, 11, 10, 16, 36))]


class ClaimsTable(StatusDirective):
    """A row per claim that a published execution asserted."""

    def run(self) -> list[nodes.Node]:
        """Return one table."""
        rows = []
        for entry, execution in self.published():
            for claim in execution.claims() if execution else ():
                evidence = ", ".join(f"{name} = {_short(value)}" for name, value in claim["evidence"].items())
                verdict = nodes.Text("held before the failure" if entry.problem else "holds")
                rows.append(
                    [
                        nodes.Text(claim["sentence"]),
                        verdict,
                        nodes.Text(evidence),
                        link_to(self.env, entry.docname),
                    ]
                )
        return [table(("claim", "verdict", "evidence", "page"), rows, (40, 12, 32, 16))]
