"""What each group of warps does in a kernel whose warps have been specialized."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lowering_explorer.counting import counted

_BEGIN = re.compile(r"^    (?:(default) \{|(partition\d+)\(.*\) num_warps\((\d+)\) \{)")
_END = re.compile(r"^    \} ?: \(")


@dataclass(frozen=True)
class Partition:
    """A group of warps with a program of its own: how many warps, and how many of each operation it holds."""

    name: str
    warps: int
    operations: dict[str, int]


def partitions(ttgir: str) -> list[Partition]:
    """The partitions of a module of TTGIR with one `ttg.warp_specialize`; none where it has none."""
    warps = re.search(r'"ttg.num-warps" = (\d+)', ttgir)
    found: list[tuple[str, int, list[str]]] = []
    inside = False
    for line in ttgir.splitlines():
        if begin := _BEGIN.match(line):
            inside = True
            number = begin[3] or (warps[1] if warps else "0")
            found.append((begin[1] or begin[2], int(number), []))
        elif _END.match(line):
            inside = False
        elif inside:
            found[-1][2].append(line)
    return [Partition(name, number, dict(counted("mlir", "\n".join(lines)))) for name, number, lines in found]
