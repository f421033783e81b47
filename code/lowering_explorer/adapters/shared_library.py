"""The machine code of a function in a shared library with debug information, as a listing with its lines."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from lowering_explorer.request import CannotCapture
from lowering_explorer.stage import Lines

_INSTRUCTION = re.compile(r"\s+([0-9a-f]+):\t(.*)")
_PLACE = re.compile(r"(?:inlined by )?(\S+):(\d+)(?: \(.*)?$")
_OUTSIDE = re.compile(r"\b[0-9a-f]+ <([^>+@]*)[^>]*>")
_CONSTANT = re.compile(r"(v?(?:\w+[sp])([sd])\s[^#]*?)\s+# ([0-9a-f]+) <.*>$")
_PADDING = re.compile(r"(data16|cs|xchg +ax,ax|nop)\b")


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
    symbol = rf"{re.escape(function)}(?:\._omp_fn\.\d+)?"
    functions = re.compile(rf"^[0-9a-f]+ <({symbol})>:\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
    inside = re.compile(rf"\b([0-9a-f]+) <{symbol}(?:\+0x[0-9a-f]+)?>")
    start, data = _read_only_data(library)
    kept: list[tuple[str, Lines]] = []
    dump = _objdump("-dl", "--inlines", "-Mintel", "--no-show-raw-insn", library)
    for name, body in functions.findall(dump):
        labels = _labels(body, inside)
        kept.append((f"{name}:", ()))
        previous = -1
        for instruction in _instructions(body, source, range(first, first + len(code))):
            at = instruction.code_line
            lines = code_lines[at] if code_lines and at >= 0 else ()
            if instruction.address in labels:
                kept.append((f"{labels[instruction.address]}:", ()))
            if at not in (-1, previous):
                kept.append((f"    # {code[at].strip()}", lines))
            previous = at
            text = _with_names(_with_constant(instruction.text, start, data), labels, inside)
            kept.append((f"        {text}", lines))
    return "".join(f"{line}\n" for line, _ in kept), tuple(lines for _, lines in kept)


def _instructions(body: str, source: str, code: range) -> Iterator[_Instruction]:
    """The instructions of a function; above each stand its places, from inlined functions outwards."""
    places: list[tuple[str, int]] = []
    above = False  # whether the last line was a place
    for line in body.splitlines():
        if place := _PLACE.match(line):
            places = [*(places if above else ()), (PurePath(place[1]).name, int(place[2]))]
        elif (found := _INSTRUCTION.match(line)) and not _PADDING.match(found[2]):
            at = next((number for file, number in places if file == source and number in code), -1)
            yield _Instruction(found[1], found[2], at - code.start if at >= 0 else -1)
        above = bool(place)


def _labels(body: str, inside: re.Pattern[str]) -> Mapping[str, str]:
    """Address -> name of each place inside the function that it jumps to, in the order of the addresses."""
    targets = sorted(set(inside.findall(body)), key=lambda address: int(address, 16))
    return {address: f".L{number}" for number, address in enumerate(targets, start=1)}


def _with_names(instruction: str, labels: Mapping[str, str], inside: re.Pattern[str]) -> str:
    """An instruction with names instead of addresses that it jumps to."""
    return _OUTSIDE.sub(r"\1", inside.sub(lambda target: labels[target[1]], instruction))


def _objdump(*arguments: str | Path) -> str:
    try:
        return subprocess.run(["objdump", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise CannotCapture("there is no objdump; install binutils to see the assembly") from None


def _read_only_data(library: Path) -> tuple[int, bytes]:
    """The address of the section with the constants, and its bytes."""
    rows = re.findall(
        r"^ ([0-9a-f]+) ((?:[0-9a-f]+ ){1,4}) ", _objdump("-s", "-j.rodata", library), re.MULTILINE
    )
    return int(rows[0][0], 16) if rows else 0, bytes.fromhex("".join(words for _, words in rows))


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
