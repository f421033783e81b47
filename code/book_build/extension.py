"""The Sphinx extension: published executions in, provenance and directives out."""

from __future__ import annotations

import shutil
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book_build import (
    assets,
    epub,
    explorers,
    latex_parts,
    mathml,
    moving,
    passport_tables,
    playgrounds,
    recordings,
    solutions,
    status,
)
from book_build.chapter import parse_chapter
from book_build.layout import Layout
from book_build.publication import Entry, read_publication
from book_build.salt import package_digest
from book_build.solutions import DIRECTIVE
from book_build.status import STATUS_DIRECTIVES
from book_build.store import Store


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.connect("config-inited", _configure_reader)
    app.connect("builder-inited", _load_publication)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-before-read-docs", _notice_new_citations)
    app.connect("env-updated", _pages_that_cite)
    app.connect("source-read", _published_text)
    app.connect("doctree-read", _append_provenance)
    app.connect("html-page-context", _list_citations)
    app.connect("html-page-context", _offer_notebook, priority=400)  # before the theme adds its buttons
    app.add_directive("objectives", Objectives)
    app.add_role("given", _given)
    for part in (assets, epub, explorers, latex_parts, mathml, moving, playgrounds, recordings, solutions):
        part.setup(app)
    for tables in (passport_tables, status):
        tables.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": _version()}


def _version() -> int:
    """Another number for other code, so that no page is shown as an older extension read it."""
    return int(package_digest(Path(__file__).parent)[:12], 16)


def _layout(app: Sphinx) -> Layout:
    return Layout(Path(app.confdir))


def _configure_reader(app: Sphinx, config: Config) -> None:
    config["nb_execution_mode"] = "off"  # the executor has run every page already
    reader = ("book_build.reader.read_page", {"executions": str(_layout(app).executions)}, False)
    config["nb_custom_formats"] = {".md": reader}
    # It numbers the table of contents and keeps nothing per page, but does not say that it is safe.
    app.extensions["sphinx_multitoc_numbering"].parallel_read_safe = True


def _load_publication(app: Sphinx) -> None:
    try:
        table = read_publication(_layout(app).executions)
    except FileNotFoundError:
        raise SystemExit(
            "No chapter has been executed yet: build with `make html`, which does that first."
        ) from None
    app.env.book_publication = table  # type: ignore[attr-defined]
    app.env.book_store = Store(_layout(app).executions)  # type: ignore[attr-defined]


def publication(env: BuildEnvironment) -> dict[str, Entry]:
    """What each page shows in this build."""
    return env.book_publication  # type: ignore[attr-defined,no-any-return]


def _outdated(
    app: Sphinx,
    env: BuildEnvironment,
    added: AbstractSet[str],
    changed: AbstractSet[str],
    removed: AbstractSet[str],
) -> list[str]:
    """Pages whose published execution is another one than when they were read."""
    shown: dict[str, Entry] = getattr(env, "book_shown", {})
    table = publication(env)
    stale = [docname for docname, entry in table.items() if not entry.same_page(shown.get(docname))]
    env.book_shown = table  # type: ignore[attr-defined]
    if stale:
        stale += [
            docname
            for docname in env.found_docs
            if {DIRECTIVE, *STATUS_DIRECTIVES} & _directives(env, docname)
        ]
    return [docname for docname in stale if docname in env.found_docs]


def _directives(env: BuildEnvironment, docname: str) -> set[str]:
    return set(env.metadata.get(docname, {}).get("book_directives", ()))


def _notice_new_citations(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    bibliographies = {key.docname for key in env.get_domain("cite").bibliographies}  # type: ignore[attr-defined]
    env.book_citations_move = bool(bibliographies & set(docnames))  # type: ignore[attr-defined]


def _pages_that_cite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Every page once the bibliography is read again: its anchors are numbered anew then."""
    return sorted(env.found_docs) if env.book_citations_move else []  # type: ignore[attr-defined]


def _published_text(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the text of a failed page by that of its last good execution, or by its problem."""
    entry = publication(app.env).get(docname)
    if entry is None or not entry.problem:
        return
    execution = app.env.book_store.find(docname, entry.key) if entry.key else None  # type: ignore[attr-defined]
    if execution:
        content[0] = execution.text
        return
    title = next((line for line in content[0].splitlines() if line.startswith("# ")), f"# {docname}")
    content[0] = (
        "---\nfile_format: mystnb\nkind: page\n---\n\n"
        f"{title}\n\n:::{{error}}\nThis chapter did not execute on the machine that built this page.\n\n"
        f"```````\n{entry.problem}\n{entry.traceback}\n```````\n:::\n"
    )


def _append_provenance(app: Sphinx, doctree: nodes.document) -> None:
    """End an executed page with where its outputs come from."""
    entry = publication(app.env).get(app.env.docname)
    if entry is None or not entry.key:
        return
    execution = app.env.book_store.find(app.env.docname, entry.key)  # type: ignore[attr-defined]
    versions = ", ".join(f"{name} {version}" for name, version in execution.versions.items())
    flags = " ".join(f"{name}={value}" for name, value in execution.flags.items())
    origin = "executed by the build that wrote this page" if entry.fresh else "taken from the execution cache"
    if entry.problem:
        origin = f"the last good ones: a newer attempt failed ({entry.problem})"
    text = (
        f"Executed {execution.date} in {execution.seconds:.0f} s on {execution.machine}; "
        f"{versions}; {flags}. The outputs are {origin}."
    )
    title_section: nodes.Element = next(doctree.findall(nodes.section), doctree)
    title_section += nodes.container(
        "", nodes.paragraph("", "", nodes.inline("", text)), classes=["provenance"]
    )


def _offer_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the executed notebook beside the page's source, where the theme's download menu finds it."""
    notebook = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    if doctree is None or app.builder.name != "html" or not publication(app.env)[pagename].key:
        return
    copy = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook, copy)
    context["ipynb_source"] = f"{pagename}.ipynb"


def _list_citations(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the entries of the bibliography the role that DPUB-ARIA 1.1 asks for inside a list."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


class Objectives(SphinxDirective):
    """The objectives of the chapter, as its front matter lists them."""

    def run(self) -> list[nodes.Node]:
        """Return one bullet list."""
        chapter = parse_chapter(
            self.env.docname, Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")
        )
        items = []
        for objective in chapter.front_matter.get("objectives", []):
            children, messages = self.parse_inline(objective)
            items.append(nodes.list_item("", nodes.paragraph("", "", *children), *messages))
        return [nodes.bullet_list("", *items)]


def _given(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Inliner,
    options: Any = None,
    content: Any = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """A number that the book itself sets: a budget, a size, a definition."""
    return [nodes.inline(rawtext, text, classes=["given"])], []
