"""Tile instructions: what the hardware does to a small block at once, and its meaning as loops.

Intel, 64 and IA-32 Architectures Software Developer's Manual, volume 2: VPDPBUSD and VDPBF16PS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .expression import Buffer, Constant, Expression, Load
from .parser import parse
from .statement import Body, Function, Invoke, Reduce, Statement, Store
from .traversal import bound_names, fresh_name, map_expressions, map_statements, rename


@dataclass(frozen=True)
class Tile:
    """`meaning` takes the tiles, the accumulator first; C defines `macro` where the target has it."""

    meaning: Function
    macro: str


def expand(invoke: Invoke, taken: set[str] | None = None) -> Body:
    """The loops that `invoke` stands for, on the elements of its operands, with names that are not `taken`.

    A tile lies along the last dimensions of the buffer of its operand.
    Raises TypeError if the operands do not fit the instruction.
    """
    meaning = tile(invoke).meaning
    names: dict[str, str] = {}
    for name in sorted(bound_names(meaning)):
        names[name] = fresh_name(name, (taken or set()) | set(names.values()))
    meaning = rename(meaning, names)
    tiles = (buffer.name for buffer in meaning.buffers)
    operands = dict(zip(tiles, invoke.operands, strict=True))

    def place(buffer: Buffer, indices: tuple[Expression, ...]) -> tuple[Buffer, tuple[Expression, ...]]:
        operand = operands[buffer.name]
        outer = len(operand.indices) - len(indices)
        inner = zip(operand.indices[outer:], indices, strict=True)
        return operand.buffer, (*operand.indices[:outer], *(plus(base, index) for base, index in inner))

    def load(expression: Expression) -> Expression:
        if not isinstance(expression, Load):
            return expression
        return Load(*place(expression.buffer, expression.indices))

    def write(statement: Statement) -> Statement:
        if not isinstance(statement, Store | Reduce):
            return statement
        buffer, indices = place(statement.buffer, statement.indices)
        return replace(statement, buffer=buffer, indices=indices)

    body: Body = map_statements(write, map_expressions(load, meaning).body)
    return body


def plus(base: Expression, index: Expression) -> Expression:
    return index if base == Constant(0) else base + index


def tile(invoke: Invoke) -> Tile:
    """The tile of `invoke`. Raises TypeError if there is none of this name or the operands do not fit it."""
    if invoke.instruction not in TILES:
        raise TypeError(f"'{invoke.instruction}' is no tile instruction: choose one of {', '.join(TILES)}")
    found = TILES[invoke.instruction]
    wanted = found.meaning.buffers
    if len(wanted) != len(invoke.operands):
        raise TypeError(f"'{invoke.instruction}' takes {len(wanted)} operands, not {len(invoke.operands)}")
    for buffer, operand in zip(wanted, invoke.operands, strict=True):
        if operand.dtype != buffer.dtype or len(operand.indices) < len(buffer.shape):
            raise TypeError(f"'{invoke.instruction}' takes {buffer.dtype} in {len(buffer.shape)}-D for "
                            f"'{buffer.name}': '{operand.buffer.name}' is {operand.dtype}")  # fmt: skip
    return found


TILES = {
    meaning.name: Tile(meaning, macro)
    for meaning, macro in (
        (parse("""
def dot4_u8s8(acc: s32[16], a: u8[4], b: s8[16, 4]):
    for lane in vectorized(16):
        for depth in unrolled(4):
            acc[lane] += s32(a[depth]) * s32(b[lane, depth])
"""), "__AVX512VNNI__"),
        (parse("""
def dot2_bf16(acc: f32[16], a: bf16[2], b: bf16[16, 2]):
    for lane in vectorized(16):
        for depth in unrolled(2):
            acc[lane] += f32(a[depth]) * f32(b[lane, depth])
"""), "__AVX512BF16__"),
    )
}  # fmt: skip
