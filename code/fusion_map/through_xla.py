"""The Block through `jax.jit`: kernels from optimised HLO."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import jax

from fusion_map.operation import FusionMap, Kernel, Kind, Operation
from fusion_map.program import Arrays, Function, Program
from lowering_explorer.adapters.hlo_text import IDLE, computations

_INSTRUCTION = re.compile(r"^\s+(ROOT )?%(\S+) = (\S+) ([a-z][\w-]*)\(([^)]*)\)(.*)$")
_SHAPE = re.compile(r"^(pred|[a-z]+(\d+))\[([\d,]*)\]")
_METADATA = re.compile(r", metadata=\{(?:[^{}\"]|\"[^\"]*\")*\}")
_LIBRARIES = ("dot", "custom-call", "convolution")  # as instructions of their own
_KINDS: Mapping[str, Kind] = {
    "dot": "product",
    "reduce": "reduction",
    "reduce-window": "reduction",
    "constant": "constant",
    "iota": "constant",
    **dict.fromkeys(("broadcast", "transpose", "copy", "bitcast", "reshape", "slice", "pad"), "movement"),
}


def compile_xla(function: Function, arrays: Arrays) -> Program:
    """`function` at the shapes of `arrays`, compiled ahead of the first call with XLA's default options."""

    def fresh(*given: jax.Array) -> jax.Array:  # a function of its own, so that no cache in memory has it
        result: jax.Array = function(*given)
        return result

    compiled = jax.jit(fresh).lower(*arrays).compile()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return Program(
        "XLA",
        fusion_of(compiled.as_text(), names),
        compiled.memory_analysis().temp_size_in_bytes,
        jax.numpy.asarray,
        lambda *given: compiled(*given).block_until_ready(),
    )


def fusion_of(module: str, arguments: tuple[str, ...]) -> FusionMap:
    """The kernels of an optimised HLO module whose parameters have the names `arguments`."""
    return _Module(computations(_METADATA.sub("", module)), arguments).fusion()


@dataclass(frozen=True)
class _Instruction:
    name: str
    opcode: str
    operands: tuple[str, ...]
    bytes: int
    rest: str
    is_root: bool
    inside: str  # what stands in the brackets of the opcode


@dataclass
class _Module:
    computations: Mapping[str, list[str]]
    arguments: tuple[str, ...]
    given: dict[str, int] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)  # a name -> the name of what it stands for

    def fusion(self) -> FusionMap:
        kernels, result = [], ""
        for each in map(_instruction, self.computations["ENTRY"]):
            if each.opcode == "parameter":
                name = self.arguments[int(each.inside)]
                self.given[name] = each.bytes
                if each.name != name:
                    self.same[each.name] = name
            elif each.opcode == "constant":
                self.given[each.name] = each.bytes
            elif each.opcode in IDLE:
                self.same[each.name] = self.final(each.operands[0])
            else:
                kernels.append(self.kernel(each))
            result = each.name if each.is_root else result
        return FusionMap("XLA", self.given, tuple(kernels), (self.final(result),))

    def final(self, name: str) -> str:
        """What `name` stands for."""
        return self.final(self.same[name]) if name in self.same else name

    def kernel(self, each: _Instruction) -> Kernel:
        if each.opcode != "fusion":
            origin = "library" if each.opcode in _LIBRARIES else "generated"
            return Kernel(each.name, origin, (self.operation(each),))  # type: ignore[arg-type]
        called = re.search(r"calls=%([\w.-]+)", each.rest)
        assert called, f"XLA printed a fusion without its computation: {each.name}"
        operations = []
        for inner in map(_instruction, self.computations[called[1]]):
            if inner.opcode == "parameter":
                self.same[inner.name] = self.final(each.operands[int(inner.inside)])
                continue
            if inner.is_root:
                self.same[each.name] = inner.name
            operations.append(self.operation(inner))
        origin = "library" if "__ynn_fusion" in each.rest else "generated"
        return Kernel(each.name, origin, tuple(operations))  # type: ignore[arg-type]

    def operation(self, each: _Instruction) -> Operation:
        operands = () if each.opcode == "constant" else tuple(map(self.final, each.operands))
        return Operation(each.name, _KINDS.get(each.opcode, "elementwise"), operands, each.bytes)


def _instruction(line: str) -> _Instruction:
    found = _INSTRUCTION.match(line)
    if not found:
        raise ValueError(f"XLA printed an instruction that cannot be read: {line.strip()[:80]}")
    root, name, shape, opcode, inside, rest = found.groups()
    operands = tuple(re.findall(r"%([\w.-]+)", inside))
    return _Instruction(name, opcode, operands, _bytes(shape), rest, bool(root), inside)


def _bytes(shape: str) -> int:
    """Bytes of an array such as f32[8,64]{1,0}; a scalar is a part of the code and counts as none."""
    found = _SHAPE.match(shape)
    if not found:
        raise ValueError(f"XLA printed a shape that cannot be read: {shape}")
    if not found[3]:
        return 0
    return math.prod(map(int, found[3].split(","))) * max(1, int(found[2] or 8) // 8)
