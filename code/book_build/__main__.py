"""Command line of the build: ``python -m book_build html pdf epub``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from book_build.build import build, lint_all
from book_build.layout import Layout
from book_build.serve import serve

BUILDERS = ("html", "pdf", "epub")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse `arguments` and build; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m book_build", description="Execute and build the book.")
    parser.add_argument(
        "targets",
        nargs="+",
        choices=(*BUILDERS, "serve", "lint"),
        metavar="target",
        help=f"one or more of {', '.join(BUILDERS)}; or serve; or lint",
    )
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the folder with conf.py, book/ and code/"
    )
    parser.add_argument("--port", type=int, default=8000, help="port of serve on localhost")
    options = parser.parse_args(arguments)
    layout = Layout(options.root.resolve())
    for needed in ("conf.py", "book/_toc.yml", "code"):
        if not (layout.root / needed).exists():
            print(f"{layout.root} is not the root of a book: it has no {needed}; say --root", file=sys.stderr)
            return 2
    if "serve" in options.targets:
        return serve(layout, options.port)
    if "lint" in options.targets:
        return lint_all(layout)
    return build(layout, options.targets)


if __name__ == "__main__":
    sys.exit(main())
