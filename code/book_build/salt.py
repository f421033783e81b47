"""The key under which an execution is stored: everything that can change its outputs.

jupyter-cache hashes code cells and the kernel's name, so a changed package or an upgraded
framework goes on publishing old outputs. This key also holds the contents of the packages in
`uses` and of the files in `recorded`, and the versions of the distributions in `needs`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from book_build.chapter import Chapter
from book_build.imports import sources_of

FORMAT = 3  # raise it when the executor changes what it stores
SOURCES = {".py", ".c", ".h", ".css", ".js", ".json", ".html", ".tex"}

# Distributions that are one framework in several parts.
COMPANIONS = {"jax": ["jaxlib"], "apache-tvm": ["apache-tvm-ffi"]}


class MissingDistribution(Exception):
    """A page needs a distribution that is not installed."""


class MissingRecord(Exception):
    """A page reads a recorded file that is not there."""


def versions(chapter: Chapter) -> dict[str, str]:
    """Installed versions of what the page needs, Python included. Raises MissingDistribution."""
    found = {"python": platform.python_version()}
    for name in chapter.needs:
        for distribution in [name, *COMPANIONS.get(name, [])]:
            try:
                found[distribution] = metadata.version(distribution)
            except metadata.PackageNotFoundError:
                raise MissingDistribution(
                    f"{chapter.docname}: needs {distribution}, which is not installed; "
                    "add it to requirements.lock and run make again"
                ) from None
    return found


@cache
def package_digest(package: Path, page: str = "") -> str:
    """A digest of the source files of a package under code/, names and contents.

    Of its exercises those of `page` count, which are all that the page can import.
    """
    digest = hashlib.sha256()
    for path in (path for path in sources_of(package, page) if path.suffix in SOURCES):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def recorded_files(chapter: Chapter, code: Path) -> dict[str, Path]:
    """Where the recorded files of a page are, by name. Raises MissingRecord."""
    folder = code.parent / "book" / "recorded"
    for name in chapter.recorded:
        if not (folder / name).is_file():
            raise MissingRecord(
                f"{chapter.docname}: there is no book/recorded/{name}; "
                "run the script that records it, or take it from recorded in the front matter"
            )
    return {name: folder / name for name in chapter.recorded}


def execution_key(chapter: Chapter, code: Path) -> str:
    """The key of the execution that the page would have now, with the packages below `code`."""
    ingredients = {
        "format": FORMAT,
        "cells": [[cell.source, sorted(cell.metadata.get("tags", []))] for cell in chapter.code_cells],
        "packages": {name: package_digest(code / name, chapter.docname) for name in sorted(chapter.uses)},
        "versions": versions(chapter),
        "alone": chapter.runs_alone,
        "recorded": {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in recorded_files(chapter, code).items()
        },
    }
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()[:24]
