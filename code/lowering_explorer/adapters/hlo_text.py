"""HLO as XLA prints it into a dump: takes out the bookkeeping, keeps what it says about the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lowering_explorer.stage import Lines

_TABLES = re.compile(r"^(FileNames|FunctionNames|FileLocations|StackFrames)\n(?:\d+ .*\n)*\n*", re.MULTILINE)
_METADATA = re.compile(r", metadata=\{((?:[^{}\"]|\"[^\"]*\")*)\}")
_PLACE = re.compile(r'source_file="([^"]*)" source_line=(\d+)')
_HEADER = re.compile(r"^(HloModule [\w.-]+).*$", re.MULTILINE)
_COMPUTATION = re.compile(r"^(?:ENTRY )?%([\w.-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%(\S+) = (?:\((?:[^()]|\([^()]*\))*\)|\S+) ([a-z][\w-]*)\((.*)$")
_CALLED = re.compile(r"(?:calls|to_apply|body|condition|\w+_computations?)=(\{[^}]*\}|%[\w.-]+)")

IDLE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}  # they run nothing


def located(text: str, resolve: Callable[[str, int], Lines]) -> tuple[str, tuple[Lines, ...]]:
    """The module without tables and metadata, and the source lines of each of its lines."""
    kept: list[str] = []
    found: list[Lines] = []
    for line in _HEADER.sub(r"\1", _TABLES.sub("", text)).strip().splitlines():
        metadata = _METADATA.search(line)
        place = _PLACE.search(metadata[1]) if metadata else None
        kept.append(_METADATA.sub("", line))
        found.append(resolve(place[1], int(place[2])) if place else ())
    return "\n".join(kept) + "\n", tuple(found)


def computations(text: str) -> Mapping[str, list[str]]:
    """Name -> lines of each computation of a module; the entry is also there as ENTRY."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        if start := _COMPUTATION.match(line):
            current = found.setdefault(start[1], [])
            if line.startswith("ENTRY"):
                found["ENTRY"] = current
        elif line == "}":
            current = None
        elif current is not None:
            current.append(line)
    return found


def instruction(line: str) -> tuple[str, str, str] | None:
    """Name, opcode and what follows the opcode's bracket, of a line that holds an instruction."""
    match = _INSTRUCTION.match(line)
    return (match[1], match[2], match[3]) if match else None


def kernels(text: str) -> list[tuple[str, str]]:
    """Name and opcode of each instruction of the entry computation that runs something."""
    found = (instruction(line) for line in computations(text).get("ENTRY", ()))
    return [(name, opcode) for name, opcode, _ in filter(None, found) if opcode not in IDLE]


def kernel_lines(text: str, source_lines: tuple[Lines, ...]) -> Mapping[str, Lines]:
    """Computation or instruction -> the source lines of all that it runs: of a fusion, what was fused."""
    found: dict[str, set[int]] = {}
    where = ""
    for line, lines in zip(text.splitlines(), source_lines, strict=True):
        if start := _COMPUTATION.match(line):  # a computation stands before those that call it
            where = start[1]
            found[where] = set()
        elif parts := instruction(line):
            called = (name for names in _CALLED.findall(parts[2]) for name in re.findall(r"[\w.-]+", names))
            found[parts[0]] = set(lines).union(*(found.get(name, ()) for name in called))
            found[where] |= found[parts[0]]
    return {name: tuple(sorted(lines)) for name, lines in found.items()}
