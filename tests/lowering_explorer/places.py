"""What a capture must hold, whichever compiler it is of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lowering_explorer import Capture

# What multiplies, as each language writes it.
MULTIPLY = {
    "python": r" \* |\bmul\b|\.mul\.|cpp_fused_",  # a wrapper shows the call of the kernel
    "bytecode": r"BINARY_OP +5 \(\*\)",
    "jaxpr": r"\bmul\b",
    "mlir": r"stablehlo\.multiply|arith\.mulf",
    "hlo": r" multiply\(",
    "llvm": r"\bfmul\b",
    "cpp": r" \* ",
    "x86": r"\bv?f?n?m(ul|add)\w*[ps]s\b",
    "ptx": r"\bmul\.(rn\.)?f32\b",
    "sass": r"\bFMUL\b",
    "amdgcn": r"\bv_(pk_)?mul_f32",
}


def multiplies_at(capture: Capture, line: int) -> Mapping[str, bool]:
    """Stage -> whether a multiplication in its text came from the line; kernels of one kind count as one."""
    found: dict[str, bool] = {}
    for stage in capture:
        if not stage.source_lines or stage.language == "text":
            continue
        text = stage.text.splitlines()
        lit = [text[at] for at in stage.lines_from(line)]
        kind = stage.name.partition(" of ")[0]
        multiplies = any(re.search(MULTIPLY[stage.language], each) for each in lit)
        found[kind] = found.get(kind, False) or multiplies
    return found


def check_parents(capture: Capture) -> None:
    """Each name is there once, and each stage but the first of all was made from one that exists."""
    names = [stage.name for stage in capture]
    assert len(set(names)) == len(names)
    roots = [stage.name for stage in capture if not stage.parent]
    assert roots == names[:1], roots
    assert {stage.parent for stage in capture} - {""} <= set(names)
