"""Reads Inductor's print of its loops, before and after fusion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from lowering_explorer.adapters.inductor_lines import unmarked
from lowering_explorer.stage import Lines

_NODE = re.compile(r"(\w+): (\w*SchedulerNode)\(")  # the first line of a node, and of each that it fused
_PART = re.compile(r"\w+\.snodes\[\d+\] =")  # stands above the first line of a node that was fused
_BUFFER = re.compile(r"\s+(\w+): \w+$")
_OPERATION = re.compile(r"= ops\.(\w+)\(")


def located(text: str) -> tuple[str, tuple[Lines, ...]]:
    """The nodes without marks and headline, and their source lines: the first line of a node has them all."""
    plain, found = unmarked(text.partition("\n")[2].strip("\n"))
    kept = [(line, lines) for line, lines in zip(plain.splitlines(), found, strict=True) if line.strip()]
    of_node = _by_name([line for line, _ in kept], [lines for _, lines in kept], _NODE)
    result = [
        (line, union(of_node.get(part, ()) for part in re.findall(r"op\d+", node[1])) if node else lines)
        for line, lines in kept
        for node in (_NODE.match(line),)
    ]
    return "".join(f"{line}\n" for line, _ in result), tuple(lines for _, lines in result)


def buffer_lines(text: str, lines: Sequence[Lines]) -> Mapping[str, Lines]:
    """Buffer -> the source lines of the node that writes it, from what `located` returned."""
    found: dict[str, Lines] = {}
    node: Lines = ()
    for line, from_lines in zip(text.splitlines(), lines, strict=True):
        if _NODE.match(line):
            node = from_lines
        elif buffer := _BUFFER.match(line):
            found[buffer[1]] = node
    return found


def node_lines(text: str, lines: Sequence[Lines]) -> Mapping[str, Lines]:
    """Node -> its source lines, from what `located` returned."""
    nodes = zip(map(_NODE.match, text.splitlines()), lines, strict=True)
    return {node[1]: from_lines for node, from_lines in nodes if node}


def counts(text: str) -> Mapping[str, int]:
    """Loop nests and library calls, then the operations inside the loops, in all and by kind.

    A MultiOutput takes one result out of several and runs nothing.
    """
    nodes: Counter[str] = Counter()
    above = ""
    for line in text.splitlines():
        if (node := _NODE.match(line)) and not _PART.match(above) and "(MultiOutput)" not in line:
            nodes["library calls" if node[2].startswith("Extern") else "loop nests"] += 1
        above = line
    kinds = Counter(_OPERATION.findall(text))
    return {**nodes, "operations": kinds.total(), **dict(sorted(kinds.items()))}


def _by_name(text: Sequence[str], lines: Sequence[Lines], first: re.Pattern[str]) -> Mapping[str, Lines]:
    """Name of a node -> all source lines from its first line to the next node's."""
    found: dict[str, Lines] = {}
    name = ""
    for line, from_lines in zip(text, lines, strict=True):
        if node := first.match(line):
            name = node[1]
        found[name] = union([found.get(name, ()), from_lines])
    return found


def union(several: Iterable[Lines]) -> Lines:
    """All lines, each once, in order."""
    return tuple(sorted({line for lines in several for line in lines}))
