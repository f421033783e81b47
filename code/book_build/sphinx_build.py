"""Runs Sphinx over the executed chapters, and publishes what came out clean."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from book_build.layout import Layout


def run_sphinx(layout: Layout, builder: str) -> bool:
    """Build with warnings as errors; return whether there was none.

    A page with a warning is already pickled, so the next incremental build would pass over it in
    silence. Dropping the environment makes every build report until the page is mended; outputs
    come from the store, so reading all pages again executes nothing.
    """
    doctrees, output = layout.doctrees(builder), layout.sphinx(builder)
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-c", str(layout.root), "-d", str(doctrees)]
    command += ["-W", "--keep-going", "-n", "-q", "-j", "auto", str(layout.book), str(output)]
    clean = subprocess.run(command, cwd=layout.root, check=False).returncode == 0
    if not clean:
        (doctrees / "environment.pickle").unlink(missing_ok=True)
    return clean


def publish(source: Path, target: Path) -> int:
    """Make `target` equal to `source`; return how many files were new or changed."""
    kept: set[Path] = set()
    changed = 0
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_dir() or path.name == ".buildinfo":
            continue
        kept.add(copy)
        if not _same(path, copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
            changed += 1
    for path in target.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
    return changed


def _same(path: Path, copy: Path) -> bool:
    if not copy.exists():
        return False
    mine, theirs = path.stat(), copy.stat()
    return (mine.st_size, mine.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
