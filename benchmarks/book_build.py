"""Prints what building the book costs: the figures of BENCHMARKS.md.

Builds into a copy of the repository below a temporary folder, so that the reader's own _build
stays as it is: python benchmarks/book_build.py
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from book_build.layout import Layout
from book_build.publication import read_publication
from book_build.store import Execution, Store
from measurement.machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "start/first_hour"
PACKAGE = "the_block"


def timed_build(root: Path, *targets: str) -> float:
    """Seconds of one `python -m book_build`, which must succeed."""
    command = [sys.executable, "-m", "book_build", *targets, "--root", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(root / "code")}
    began = time.monotonic()
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return time.monotonic() - began


def executions(root: Path) -> list[Execution]:
    """The executions that the build publishes."""
    folder = Layout(root).executions
    store = Store(folder)
    found = (store.find(e.docname, e.key) for e in read_publication(folder).values() if e.key)
    return [execution for execution in found if execution]


def page_weights(site: Path) -> list[tuple[int, Path]]:
    """Compressed bytes of each HTML file alone, heaviest first."""
    weights = [(len(gzip.compress(path.read_bytes(), 9)), path) for path in site.rglob("*.html")]
    return sorted(weights, reverse=True)


def main() -> None:
    """Build from nothing, then again after each kind of change, and print a line each."""
    cores = os.cpu_count() or 1
    print(f"machine: {describe_machine()}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "book"
        tracked = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in filter(None, tracked.stdout.split("\0")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)

        cold = timed_build(root, "html")
        runs = executions(root)
        cells = sum(run.cell_seconds for run in runs)
        goal = 1.25 * cells / cores + 60
        print(f"cold build, {len(runs)} executed pages: {cold:.1f} s (goal {goal:.1f} s)")
        print(f"  sum of cell seconds / {cores} cores: {cells / cores:.1f} s")
        print(f"null rebuild: {timed_build(root, 'html'):.1f} s (goal 10 s)")

        chapter = root / "book" / f"{CHAPTER}.md"
        chapter.write_text(chapter.read_text().replace("```{code-cell}\n", "```{code-cell}\npass\n", 1))
        seconds = timed_build(root, "html")
        own = next(run.cell_seconds for run in executions(root) if run.docname == CHAPTER)
        print(f"rebuild after a change of {CHAPTER}: {seconds:.1f} s (goal {own + 10:.1f} s)")

        with (root / "code" / PACKAGE / "__init__.py").open("a") as source:
            source.write("\n# changed\n")
        users = sum(PACKAGE in run.chapter.uses for run in runs)
        seconds = timed_build(root, "html")
        print(f"rebuild after a change of code/{PACKAGE}, used by {users} pages: {seconds:.1f} s")

        print(f"PDF from the stored executions: {timed_build(root, 'pdf'):.1f} s")
        print(f"EPUB from the stored executions: {timed_build(root, 'epub'):.1f} s")
        for weight, path in page_weights(root / "_build" / "html")[:3]:
            print(f"page weight, HTML alone, compressed: {weight / 1000:.0f} kB {path.name}")


if __name__ == "__main__":
    main()
