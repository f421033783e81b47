"""Takes the debug locations out of a program's text, and says which source line each line of it came from.

Every function returns the text without its locations and, for each line of that text, its source lines: none
where the compiler kept none. `resolve` decides which places count as source (see `Request.resolve`). Inlined
code has a chain of places, the innermost first; the first that resolves wins, so the body of a library
function counts for the line that called it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath

from lowering_explorer.stage import Lines

Located = tuple[str, tuple[Lines, ...]]
Resolve = Callable[[str, int], Lines]  # of a file and a line in it
Place = tuple[str, int]


def mlir(text: str, resolve: Resolve) -> Located:
    """A module of MLIR, printed with `loc(...)` behind each operation."""
    aliases = dict(re.findall(r"^(#loc\d*) = loc\((.*)\)$", text, re.MULTILINE))
    kept: list[str] = []
    found: list[Lines] = []
    open_regions: list[int] = []  # an operation with a region has its location behind the region's end
    for line in text.splitlines():
        if line.startswith("#loc"):
            continue
        bare, locations = _without_mlir_locations(line)
        lines = _first(_mlir_places(locations[-1], aliases), resolve) if locations else ()
        if bare.lstrip().startswith("}") and open_regions:
            opening = open_regions.pop()
            found[opening] = found[opening] or lines
        if bare.endswith("{"):
            open_regions.append(len(kept))
        kept.append(bare)
        found.append(lines)
    return _trimmed(kept, found)


def _without_mlir_locations(line: str) -> tuple[str, list[str]]:
    """The line without its `loc(...)` parts, and what stands inside each of them."""
    kept, locations, start = "", [], 0
    while (at := line.find(" loc(", start)) >= 0:
        depth, end = 1, at + len(" loc(")
        while depth and end < len(line):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            end += 1
        kept += line[start:at]
        locations.append(line[at + len(" loc(") : end - 1])
        start = end
    return kept + line[start:], locations


def _mlir_places(location: str, aliases: Mapping[str, str]) -> Iterable[Place]:
    """The places of a location; a call site lists the callee before its caller."""
    for alias, file, line in re.findall(r'(#loc\d*)|"([^"]*)":(\d+):', location):
        if alias:
            yield from _mlir_places(aliases.get(alias, ""), aliases)
        else:
            yield file, int(line)


def llvm_ir(text: str, resolve: Resolve) -> Located:
    """A module of LLVM IR with `!dbg` metadata; all metadata goes with the locations."""
    nodes = dict(re.findall(r"^(!\d+) = (.*)$", text, re.MULTILINE))

    def field(node: str, name: str) -> str:
        value = re.search(rf"\b{name}: (!\d+)", nodes.get(node, ""))
        return value[1] if value else ""

    def file_of(node: str) -> str:
        while node and "!DIFile(" not in nodes[node]:
            node = field(node, "file") or field(node, "scope")
        name = re.search(r'filename: "([^"]*)", directory: "([^"]*)"', nodes.get(node, ""))
        return str(PurePath(name[2]) / name[1]) if name else ""

    def places(node: str) -> Iterable[Place]:
        while node:
            line = re.search(r"line: (\d+)", nodes[node])
            yield file_of(field(node, "scope")), int(line[1]) if line else 0
            node = field(node, "inlinedAt")

    kept: list[str] = []
    found: list[Lines] = []
    for line in text.splitlines():
        if re.match(r"!|\s+#dbg_", line):
            continue
        located = None if line.startswith("define ") else re.search(r", !dbg (!\d+)", line)
        kept.append(re.sub(r",? ![\w.]+ !\d+", "", line))
        found.append(_first(places(located[1]), resolve) if located else ())
    return _trimmed(kept, found)


def assembly(text: str, resolve: Resolve) -> Located:
    """PTX, or assembly for the GNU assembler, with `.loc` directives; the debug sections go with them."""
    files = {
        number: str(PurePath(folder) / name) if name else folder
        for number, folder, name in re.findall(
            r'^\s*\.file\s+(\d+) "([^"]*)"(?: "([^"]*)")?', text, re.MULTILINE
        )
    }
    kept: list[str] = []
    found: list[Lines] = []
    lines: Lines = ()
    in_debug_section = False
    for line in text.splitlines():
        if section := re.match(r"\s*\.(?:section\s+(\S+)|text\b)", line):
            in_debug_section = (section[1] or "").startswith(".debug_")
        if at := re.match(r"\s*\.loc\s+(\d+) (\d+)", line):
            lines = _first([(files.get(at[1], ""), int(at[2])), *_call_chain(line)], resolve)
        elif not in_debug_section and not re.match(r"\s*\.file\s|\$?\.?L(__)?tmp\d+:|\$L__func_", line):
            kept.append(line)
            found.append(lines if re.match(r"\s+[@a-z]", line) else ())
        if re.match(r"\S*L(__)?func_begin\d+:", line):
            lines = ()  # a function without directives of its own has no locations
    return _trimmed(kept, found)


def _call_chain(comment: str) -> list[Place]:
    """Reads `standard.py:263:15 @[ kernel.py:12:18 ]`: the places that the first was inlined into."""
    return [(name, int(line)) for name, line in re.findall(r"@\[ ([^:]+):(\d+):", comment)]


def callers_of_inlined(ptx: str, resolve: Resolve) -> dict[Place, Lines]:
    """Places in other files (by name) -> the source lines that inlined them, by the `.loc` lines of PTX."""
    callers: dict[Place, set[int]] = {}
    for name, line, chain in re.findall(r"// ([^:@]+):(\d+):\d+ (@\[.*)$", ptx, re.MULTILINE):
        callers.setdefault((name, int(line)), set()).update(_first(_call_chain(chain), resolve))
    return {place: tuple(sorted(lines)) for place, lines in callers.items()}


def sass(text: str, resolve: Resolve, callers: Mapping[Place, Lines]) -> Located:
    """The output of `nvdisasm --print-line-info`.

    Its line table names no call sites, so a place in a library counts for all the lines that
    `callers_of_inlined` found for it.
    """
    kept: list[str] = []
    found: list[Lines] = []
    lines: Lines = ()
    for line in text.splitlines():
        if note := re.match(r'\s*//## File "([^"]*)", line (\d+)', line):
            at = int(note[2])
            lines = resolve(note[1], at) or callers.get((PurePath(note[1]).name, at), ())
        else:
            kept.append(line)
            found.append(lines if re.match(r"\s+/\*[0-9a-f]+\*/", line) else ())
    return _trimmed(kept, found)


def _first(places: Iterable[Place], resolve: Resolve) -> Lines:
    return next((lines for place in places if (lines := resolve(*place))), ())


def _trimmed(kept: list[str], found: list[Lines]) -> Located:
    """Without blank lines at both ends, without runs of them, without spaces at the ends of lines."""
    result = [
        (line.rstrip(), lines)
        for before, line, lines in zip(["", *kept], kept, found, strict=False)
        if line.strip() or before.strip()
    ]
    while result and not result[-1][0]:
        result.pop()
    return "".join(f"{line}\n" for line, _ in result), tuple(lines for _, lines in result)
