"""The machine code of a kernel that Inductor compiled, with the lines of C++ and of Python it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lowering_explorer.adapters.shared_library import listing
from lowering_explorer.stage import Lines


def located(library: Path, code: str, code_lines: Sequence[Lines]) -> tuple[str, tuple[Lines, ...]]:
    """The kernel of a shared library of Inductor's, and the source lines of each line of the listing.

    `code` is the kernel's C++, `code_lines` its source lines. Raises CannotCapture where there is no objdump.
    """
    source = library.with_suffix(".cpp")
    first = source.read_text().partition(code.strip())[0].count("\n") + 1
    return listing(library, "kernel", code.strip().splitlines(), code_lines, (source.name, first))
