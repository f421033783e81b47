"""One build: lint, execute, let Sphinx write, publish, report."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from book_build.chapter import Chapter, UnreadableChapter, read_chapter
from book_build.execution import Outcome, execute_chapters
from book_build.layout import Layout
from book_build.lint import lint
from book_build.printing import print_pdf
from book_build.progress import Progress
from book_build.publication import write_publication
from book_build.sphinx_build import publish, run_sphinx
from book_build.store import Store


def build(layout: Layout, builders: Sequence[str]) -> int:
    """Build the book with each of `builders` (html, pdf, epub) from one execution; return an exit status.

    0: everything is clean and published. 1: a page failed or Sphinx warned; what was good before is
    still published, and every other page is up to date.
    """
    began = time.monotonic()
    outcomes = execute(layout)
    clean = not any(outcome.failed for outcome in outcomes)
    for builder in builders:
        clean = _write(layout, builder) and clean
    _report(outcomes, time.monotonic() - began)
    return 0 if clean else 1


def execute(layout: Layout) -> list[Outcome]:
    """Lint and execute the pages of the book, write the publication table, return one outcome per page."""
    store = Store(layout.executions)
    readable, texts, problems = _read_and_lint(layout, store)
    executing = [chapter for chapter in readable if chapter.code_cells]
    done = {o.docname: o for o in execute_chapters(executing, layout.code, store, Progress())}
    outcomes = [
        problems.get(name) or done.get(name) or Outcome(name, None, fresh=False) for name in layout.docnames()
    ]
    write_publication(layout.executions, outcomes, texts)
    return outcomes


def lint_all(layout: Layout) -> int:
    """Check every page against the contract without executing any; return an exit status."""
    _, _, problems = _read_and_lint(layout, Store(layout.executions))
    for outcome in problems.values():
        print(outcome.traceback or outcome.problem, file=sys.stderr)
    return 1 if problems else 0


def _read_and_lint(layout: Layout, store: Store) -> tuple[list[Chapter], dict[str, str], dict[str, Outcome]]:
    """The pages that keep the contract, the texts of all pages, and an outcome for each other page."""
    kept: list[Chapter] = []
    texts: dict[str, str] = {}
    problems: dict[str, Outcome] = {}
    for docname in layout.docnames():
        texts[docname] = ""
        try:
            chapter = read_chapter(layout.book, docname)
        except UnreadableChapter as error:
            problems[docname] = Outcome(docname, store.last_good(docname), True, str(error))
            continue
        texts[docname] = chapter.text
        complaints = [f"book/{docname}.md:{c.line}: {c.sentence}" for c in lint(chapter, layout.code)]
        if complaints:
            problem = complaints[0] + (f" (and {len(complaints) - 1} more)" if complaints[1:] else "")
            last_good = store.last_good(docname)
            problems[docname] = Outcome(docname, last_good, True, problem, "\n".join(complaints))
        else:
            kept.append(chapter)
    return kept, texts, problems


def _write(layout: Layout, builder: str) -> bool:
    """Run one builder and publish its output if it is clean; return whether it is."""
    if builder == "pdf":
        return run_sphinx(layout, "latex") and print_pdf(layout)
    began = time.monotonic()
    if not run_sphinx(layout, builder):
        print(
            f"{builder}: not published, Sphinx has warned; the last good output stays in place",
            file=sys.stderr,
        )
        return False
    source, target = layout.sphinx(builder), layout.build / builder
    changed = publish(source, target)
    first = target / ("index.html" if builder == "html" else "")
    print(f"{builder}: {first} ({changed} files new or changed, {time.monotonic() - began:.1f} s)")
    return True


def _report(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Print a line per executed page, and each failure in full."""
    print(f"\n{'page':<42} {'seconds':>8}  {'state':<7} verdict")
    for outcome in outcomes:
        if outcome.execution is None and not outcome.failed:
            continue
        shown = replace(
            outcome, seconds=outcome.seconds or (outcome.execution.seconds if outcome.execution else 0.0)
        )
        state = "fresh" if outcome.fresh else "cached"
        print(f"{shown.docname:<42} {shown.seconds:8.1f}  {state:<7} {'FAILED' if shown.failed else 'ok'}")
    for outcome in outcomes:
        if outcome.failed:
            print(f"\nFAILED {outcome.docname}: {outcome.problem}", file=sys.stderr)
            if outcome.traceback:
                print(outcome.traceback, file=sys.stderr)
    print(f"\n{seconds:.0f} s in all")
