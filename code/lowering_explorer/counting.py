"""Counts what a stage's text holds: operations by kind, instructions by kind, vector widths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from lowering_explorer.instruction_kinds import instructions

# Where the name of an operation stands in one line of the language.
_OPERATION = {
    "jaxpr": re.compile(r"^\s*(?:\S+:\S+ )+= ([\w-]+)[\[ ]", re.MULTILINE),
    "hlo": re.compile(r"^\s+(?:ROOT )?%?\S+ = (?:\([^=]*?\)|\S+) ([a-z][\w-]*)\(", re.MULTILINE),
    "mlir": re.compile(r"^\s*(?:%[\w:#, %]+ = )?\"?([a-z_]\w*\.[\w.]+)", re.MULTILINE),
    "llvm": re.compile(r"^ {2,}(?:%[\w.\"-]+ = )?(?:tail |musttail |notail )?([a-z]+)(?: |$)", re.MULTILINE),
    "bytecode": re.compile(r"^\s*(?:\d+\s+)?(?:>>\s+)?\d+\s+([A-Z_]+)", re.MULTILINE),
}
# What is counted in C++, where no operation has a place of its own.
_CPP = {
    "loops": re.compile(r"\bfor ?\("),
    "vector loads": re.compile(r"\bVectorized<[^;]*>::loadu\("),
    "vector stores": re.compile(r"\.store\("),
}
_IDLE = {
    "hlo": {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"},
    "mlir": {f"{dialect}.{name}" for dialect in ("func", "tt") for name in ("func", "return")},
}
_LLVM_VECTOR = re.compile(r"<(\d+) x (?:float|half|bfloat)>")


def counted(language: str, text: str) -> Mapping[str, int]:
    """Name -> number: the total as `operations` or `instructions`, then each kind that occurs.

    Of C++, loops and accesses to vectors are counted. HLO's parameters, constants, tuples and bitcasts run
    nothing and are not counted, nor are MLIR's functions and returns. Other languages have no counts.
    """
    if language in ("x86", "ptx", "sass", "amdgcn"):
        return instructions(language, text)
    if language == "cpp":
        found = {name: len(pattern.findall(text)) for name, pattern in _CPP.items()}
        return {name: number for name, number in found.items() if number}
    if language not in _OPERATION:
        return {}
    idle = _IDLE.get(language, set())
    kinds = Counter(name for name in _OPERATION[language].findall(text) if name not in idle)
    total = "instructions" if language in ("llvm", "bytecode") else "operations"
    counts = {total: kinds.total(), **dict(sorted(kinds.items()))}
    if language == "llvm" and (widths := _LLVM_VECTOR.findall(text)):
        counts["widest float vector in elements"] = max(map(int, widths))
    return counts
