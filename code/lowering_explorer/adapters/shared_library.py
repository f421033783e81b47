"""The machine code of a function in a shared library with debug information, as a listing with its lines."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from lowering_explorer.adapters.disassembly import (
    INSTRUCTION,
    PADDING,
    functions,
    labels,
    objdump,
    with_labels,
)
from lowering_explorer.stage import Lines

_PLACE = re.compile(r"(?:inlined by )?(\S+):(\d+)(?: \(.*)?$")
_CONSTANT = re.compile(r"(v?(?:\w+[sp])([sd])\s[^#]*?)\s+# ([0-9a-f]+) <.*>$")


@dataclass(frozen=True)
class _Instruction:
    address: str
    text: str
    code_line: int  # of the function's code, counted from 0; -1 where the debug information names none


def listing(
    library: Path, function: str, code: Sequence[str], code_lines: Sequence[Lines], place: tuple[str, int]
) -> tuple[str, tuple[Lines, ...]]:
    """The function and its OpenMP parts, and the source lines of each line of the listing.

    `code` holds the lines of the file named in `place`, from the line in `place` on, and `code_lines` their
    source lines. A comment with the line of code stands above the instructions that came from it; an inlined
    function's instructions belong to the line that called it. Raises CannotCapture where there is no objdump.
    """
    source, first = place
    symbol = re.compile(rf"{re.escape(function)}(?:\._omp_fn\.\d+)?")
    start, data = _read_only_data(library)
    kept: list[tuple[str, Lines]] = []
    printed = objdump("-dl", "--inlines", "-Mintel", "--no-show-raw-insn", library)
    for name, body in functions(printed):
        if not symbol.fullmatch(name):
            continue
        known = labels(name, body)
        kept.append((f"{name}:", ()))
        previous = -1
        for instruction in _instructions(body, source, range(first, first + len(code))):
            at = instruction.code_line
            lines = code_lines[at] if code_lines and at >= 0 else ()
            if instruction.address in known:
                kept.append((f"{known[instruction.address]}:", ()))
            if at not in (-1, previous):
                kept.append((f"    # {code[at].strip()}", lines))
            previous = at
            text = with_labels(name, _with_constant(instruction.text, start, data), known)
            kept.append((f"        {text}", lines))
    return "".join(f"{line}\n" for line, _ in kept), tuple(lines for _, lines in kept)


def _instructions(body: str, source: str, code: range) -> Iterator[_Instruction]:
    """The instructions of a function; above each stand its places, from inlined functions outwards."""
    places: list[tuple[str, int]] = []
    above = False  # whether the last line was a place
    for line in body.splitlines():
        if place := _PLACE.match(line):
            places = [*(places if above else ()), (PurePath(place[1]).name, int(place[2]))]
        elif (found := INSTRUCTION.match(line)) and not PADDING.match(found[2]):
            at = next((number for file, number in places if file == source and number in code), -1)
            yield _Instruction(found[1], found[2], at - code.start if at >= 0 else -1)
        above = bool(place)


def _read_only_data(library: Path) -> tuple[int, bytes]:
    """The address of the section with the constants, and its bytes; none where the code has no constants."""
    if not re.search(r" \.rodata ", objdump("-h", library)):
        return 0, b""
    rows = re.findall(
        r"^ ([0-9a-f]+) ((?:[0-9a-f]+ ){1,4}) ", objdump("-s", "-j.rodata", library), re.MULTILINE
    )
    return int(rows[0][0], 16), bytes.fromhex("".join(words for _, words in rows))


def _with_constant(instruction: str, start: int, data: bytes) -> str:
    """An instruction that reads a floating-point constant, with its first element as a comment."""
    if not (read := _CONSTANT.match(instruction)):
        return re.sub(r"\s+# [0-9a-f]+ <.*>$", "", instruction)
    offset = int(read[3], 16) - start
    form, size = ("<f", 4) if read[2] == "s" else ("<d", 8)
    plain = instruction[: read.end(1)]
    if not 0 <= offset <= len(data) - size:
        return plain
    return f"{plain}  # {struct.unpack_from(form, data, offset)[0]:.8g}"
