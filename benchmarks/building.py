"""Prints what building the book costs: the figures of BENCHMARKS.md.

Builds into a copy of the repository below a temporary folder, so that the reader's own _build
stays as it is: python benchmarks/building.py
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

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


@dataclass(frozen=True)
class Load:
    """What a browser with an empty cache fetched for one page, and how long that took."""

    page: str
    bytes: int  # compressed as a server sends them, without the page's own figures
    milliseconds: float  # from the start of the navigation to the load event

    def __str__(self) -> str:
        return f"{self.page:<24} {self.bytes / 1000:4.0f} kB, {self.milliseconds:4.0f} ms"


def loads(site: Path) -> Iterator[Load]:
    """Open every page of the site from the disk in Chromium; the median of five visits each."""
    program = shutil.which("chromium")
    if program is None:
        print("page weights and load times: not measured, no chromium")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in sorted(site.rglob("*.html")):
            if "_static" in path.parts:
                continue
            times = []
            for _ in range(5):
                page = browser.new_context().new_page()
                fetched: set[str] = set()
                page.on("request", lambda request, into=fetched: into.add(request.url))
                page.goto(path.as_uri())
                times.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
                page.context.close()
            weight = sum(_compressed(url) for url in fetched if "/_images/" not in url)
            yield Load(path.relative_to(site).with_suffix("").as_posix(), weight, statistics.median(times))
        browser.close()


def _compressed(url: str) -> int:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return 0
    data = Path(unquote(parts.path)).read_bytes()
    return len(data) if parts.path.endswith(".woff2") else len(gzip.compress(data, 9))


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
        print("per page: compressed weight (goal 300 kB), time until loaded from the disk")
        for load in loads(root / "_build" / "html"):
            print(f"  {load}")


if __name__ == "__main__":
    main()
