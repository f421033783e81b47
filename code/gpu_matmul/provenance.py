"""Which line of a kernel's source each operation of its module with layouts comes from."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

from lowering_explorer.adapters.debug_locations import mlir

_HERE = Path(__file__).parent


def operations(ttgir: str) -> list[tuple[str, str]]:
    """The operations on tiles and barriers of a module of TTGIR in order, each with its line of the source.

    A line counts if it stands in this package, so that of a library's function its call counts. Operations
    that only name a part of memory or give it back are left out.
    """
    lines: list[str] = []

    def resolve(file: str, number: int) -> tuple[int, ...]:
        if Path(file).parent != _HERE:
            return ()
        lines.append(linecache.getline(file, number).strip())
        return (len(lines) - 1,)

    text, places = mlir(ttgir, resolve)
    found = []
    for line, numbers in zip(text.splitlines(), places, strict=True):
        operation = re.match(r"\s*(?:%[\w:#, %]+ = )?(ttn?g\.\w+)", line)
        if operation and operation[1] not in ("ttg.memdesc_index", "ttg.local_dealloc"):
            found.append((operation[1], lines[numbers[0]] if numbers else ""))
    return found
