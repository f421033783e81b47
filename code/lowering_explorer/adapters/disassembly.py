"""Machine code as text: objdump's listing with labels in the place of addresses, and without padding."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lowering_explorer.request import CannotCapture

INSTRUCTION = re.compile(r"\s+([0-9a-f]+):\t(.*)")
PADDING = re.compile(r"(data16|cs|xchg +ax,ax|nop)\b")
_FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_RELOCATION = re.compile(r"\s+[0-9a-f]+: R_X86_64_\w+\s+(\S+)")
_OUTSIDE = re.compile(r"\b[0-9a-f]+ <([^>+@]*)[^>]*>")


def listing(path: Path) -> str:
    """The functions of an object file; what the linker would fill in stands behind its instruction.

    Raises CannotCapture where there is no objdump.
    """
    kept: list[str] = []
    for name, body in functions(objdump("-dr", "-Mintel", "--no-show-raw-insn", path)):
        kept.append(f"{name}:")
        known = labels(name, body)
        for line in body.splitlines():
            if relocation := _RELOCATION.match(line):
                kept[-1] = f"{kept[-1]}  # {relocation[1]}"
            elif (found := INSTRUCTION.match(line)) and not PADDING.match(found[2]):
                kept += [f"{known[found[1]]}:"] if found[1] in known else []
                kept.append(f"        {with_labels(name, found[2].rstrip(), known)}")
    return "".join(f"{line}\n" for line in kept)


def objdump(*arguments: str | Path) -> str:
    """What objdump prints. Raises CannotCapture where there is none."""
    try:
        return subprocess.run(["objdump", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise CannotCapture("there is no objdump; install binutils to see the assembly") from None


def functions(printed: str) -> list[tuple[str, str]]:
    """Name and body of each function in what objdump printed."""
    return _FUNCTION.findall(printed)


def labels(function: str, body: str) -> Mapping[str, str]:
    """Address -> name of each place that the function jumps to in itself, in the order of the addresses."""
    targets = sorted(set(_inside(function).findall(body)), key=lambda address: int(address, 16))
    return {address: f".L{number}" for number, address in enumerate(targets, start=1)}


def with_labels(function: str, instruction: str, known: Mapping[str, str]) -> str:
    """An instruction of the function with names instead of the addresses that it jumps to."""
    return _OUTSIDE.sub(r"\1", _inside(function).sub(lambda target: known[target[1]], instruction))


def _inside(function: str) -> re.Pattern[str]:
    return re.compile(rf"\b([0-9a-f]+) <{re.escape(function)}(?:\+0x[0-9a-f]+)?>")
