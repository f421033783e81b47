"""What an optimised module runs, instruction by instruction, and the bytes that each moves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

from lowering_explorer.adapters import hlo_text

_BITS = re.compile(r"^[a-z]+(\d+)")
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\]")
_NAMED = re.compile(r"%([\w.-]+)")


@dataclass(frozen=True)
class Kernel:
    """An instruction of the entry that runs something.

    `kind` is `library fusion`, `loop fusion` or the opcode; `read` and `written` are bytes. A fusion is
    counted as reading each of its operands once and in full.
    """

    name: str
    kind: str
    read: int
    written: int
    opcodes: tuple[str, ...]  # of what was fused, in order; of any other instruction its own


def kernels(hlo: str) -> list[Kernel]:
    """The kernels of a module's entry computation, in the order of its text."""
    computations = hlo_text.computations(hlo)
    sizes: dict[str, int] = {}
    found = []
    for line in computations.get("ENTRY", []):
        parts = hlo_text.instruction(line)
        if parts is None:
            continue
        name, opcode, rest = parts
        sizes[name] = _bytes(line.partition(f" {opcode}(")[0])
        if opcode in hlo_text.IDLE:
            continue
        operands, _, attributes = rest.partition(")")
        opcodes: tuple[str, ...] = (opcode,)
        if opcode == "fusion" and (called := re.search(r"calls=%([\w.-]+)", attributes)):
            inside = filter(None, map(hlo_text.instruction, computations[called[1]]))
            opcodes = tuple(each for _, each, _ in inside if each not in hlo_text.IDLE)
        read = sum(sizes.get(operand, 0) for operand in _NAMED.findall(operands))
        found.append(Kernel(name, _kind(opcode, attributes), read, sizes[name], opcodes))
    return found


def _kind(opcode: str, attributes: str) -> str:
    if opcode != "fusion":
        return opcode
    return "library fusion" if "kind=kCustom" in attributes else "loop fusion"


def _bytes(typed: str) -> int:
    """Bytes of all arrays in a type."""
    return sum(
        _item_bytes(dtype) * prod(int(extent) for extent in shape.split(",") if extent)
        for dtype, shape in _ARRAY.findall(typed)
    )


def _item_bytes(dtype: str) -> int:
    bits = _BITS.match(dtype)
    return max(1, int(bits[1]) // 8) if bits else 1  # pred
