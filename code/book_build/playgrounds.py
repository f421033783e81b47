"""The directive `schedule-playground`: a still on every page, and in a browser the compiler itself.

```{schedule-playground} matmul
reorder(loops=['k', 'j'])
vectorize(loop='j')
```
"""

from __future__ import annotations

import json
import shutil
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import schedule_playground
from book_build import pyodide
from schedule_playground import PROGRAMS, Attempt, play, read_step
from schedule_playground.modules import archive, closure, path_of
from schedule_playground.offers import CHOICES, OFFERS, kind
from schedule_playground.programs import CACHE

PACKAGE = Path(schedule_playground.__file__).parent
SHOWN = "schedule_playground"  # in the metadata of a page that has one
SCRIPTS = ("playground.js", "playground.css", "playground-worker.js")
MODULES = "playground-modules.zip"


def setup(app: Sphinx) -> None:
    """Register the directive, and ship what it runs with the pages."""
    app.add_node(playground, html=(open_element, close_element))
    for builder in ("latex", "text"):
        app.add_node(playground, override=True, **{builder: (_as_container, _as_container)})
    app.add_directive("schedule-playground", SchedulePlayground)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _ship)


class playground(nodes.General, nodes.Element):  # noqa: N801 -- docutils names nodes so
    """Holds the still; `play` is what the script starts from."""


def _as_container(translator: Any, node: nodes.Element) -> None:
    """Print what is inside."""


def open_element(translator: Any, node: nodes.Element) -> None:
    play = f' data-play="{escape(node["play"])}"' if translator.builder.name == "html" else ""
    translator.body.append(f'<div class="schedule-playground" id="{node["ids"][0]}"{play}>')


def close_element(translator: Any, node: nodes.Element) -> None:
    translator.body.append("</div>")


class SchedulePlayground(SphinxDirective):
    """The program that the argument names, and a step of a schedule in each line of the body."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the playground with its still."""
        program = self.arguments[0]
        if program not in PROGRAMS:
            raise self.error(f"'{program}' is no program to play with: choose {' or '.join(PROGRAMS)}")
        try:
            steps = [read_step(line) for line in self.content if line.strip()]
        except ValueError as problem:
            raise self.error(str(problem)) from None
        for module in closure():
            self.env.note_dependency(str(path_of(module)))
        self.env.metadata[self.env.docname][SHOWN] = True
        asked = {
            "program": program,
            "steps": [{"primitive": step.primitive, "arguments": step.arguments} for step in steps],
            "programs": {name: example.title for name, example in PROGRAMS.items()},
            "offers": {name: [(each, kind(each)) for each in asks] for name, asks in OFFERS.items()},
            "choices": CHOICES,
            "cache": CACHE,
            "megabytes": pyodide.MEGABYTES,
        }
        number = self.env.new_serialno("schedule-playground")
        node = playground(play=json.dumps(asked), ids=[f"schedule-playground-{number}"])
        node += nodes.container("", *still(program, play(program, steps)[0]), classes=["still"])
        return [node]


def still(program: str, attempts: tuple[Attempt, ...]) -> list[nodes.Node]:
    """What the playground shows, one step below the other, for paper and for a reader without a script."""
    head = (
        f"A schedule of the {PROGRAMS[program].title}, step by step. "
        f"New lines are marked +, lines that a refusal points at >. "
        f"Misses are simulated, in a cache of {CACHE}."
    )
    shown: list[nodes.Node] = [nodes.paragraph("", head)]
    for attempt in attempts:
        shown.append(nodes.paragraph("", "", *said(attempt)))
        lines = "\n".join(f"{mark} {text}".rstrip() for mark, text in attempt.lines)
        shown.append(nodes.literal_block(lines, lines, language="none"))
    c = attempts[-1].c.rstrip()
    return [*shown, nodes.paragraph("", "The C in the end:"), nodes.literal_block(c, c, language="c")]


def said(attempt: Attempt) -> list[nodes.Node]:
    """A sentence on an attempt."""
    step, refusal = attempt.step, attempt.refusal
    start: nodes.Node = nodes.literal("", str(step)) if step else nodes.Text("The program as it is")
    if refusal:
        hint = f" Hint: {refusal.hint}." if refusal.hint else ""
        return [start, nodes.Text(f" is refused: {refusal.reason}.{hint}")]
    return [start, nodes.Text(f": {attempt.traffic or 'accesses that no simulation follows'}.")]


def _load(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the script on the pages that have a playground."""
    if app.builder.name == "html" and app.env.metadata.get(pagename, {}).get(SHOWN):
        app.add_css_file("playground.css")
        app.add_js_file("playground.js", loading_method="defer")


def _ship(app: Sphinx, exception: Exception | None) -> None:
    """Lay the script, the modules and Pyodide beside the pages, if one has a playground."""
    if exception is None and app.builder.name == "html":
        shown = any(SHOWN in metadata for metadata in app.env.metadata.values())
        (ship if shown else withdraw)(Path(app.outdir) / "_static")


def ship(static: Path) -> None:
    """Write everything that a playground loads below `static`. Raises NoPyodide."""
    for name in SCRIPTS:
        shutil.copyfile(PACKAGE / name, static / name)
    (static / MODULES).write_bytes(archive())
    pyodide.unpack(static / "pyodide")
    for licence in (PACKAGE / "licences").glob("*.txt"):
        shutil.copyfile(licence, static / "pyodide" / licence.name)


def withdraw(static: Path) -> None:
    """Remove it."""
    for name in (*SCRIPTS, MODULES):
        (static / name).unlink(missing_ok=True)
    shutil.rmtree(static / "pyodide", ignore_errors=True)
