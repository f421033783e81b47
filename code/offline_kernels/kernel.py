"""A kernel compiled for one GPU, and what stands in its machine code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lowering_explorer.adapters import triton_compile, triton_stages
from lowering_explorer.instruction_kinds import instructions
from lowering_explorer.instruction_kinds import opcodes as opcodes_of


@dataclass(frozen=True)
class OfflineKernel:
    """What Triton made of a kernel for `target`, without a device.

    `texts` holds the text of each stage by Triton's name for it: ttir, ttgir, llir, ptx or amdgcn.
    `opcodes` counts the instructions of the machine code by name, `counts` by kind; among the counts are
    registers per thread, bytes of shared memory per program and, where ptxas tells, bytes spilled per thread.
    """

    target: str
    texts: Mapping[str, str]
    counts: Mapping[str, int]
    opcodes: Counter[str] = field(repr=False)


def compile_for(target: str, kernel: Any, *arguments: Any, **keywords: Any) -> OfflineKernel:
    """Compile a kernel for a GPU such as sm_90 with the arguments, constants and options of a launch.

    An argument is a number, a descriptor, or an `Array` of lowering_explorer for allocated memory. Raises
    CannotCapture of lowering_explorer for an unknown target and for a kernel that Triton refuses.
    """
    gpu = triton_compile.target_named(target)
    return counted(triton_compile.compiled(kernel, arguments, keywords, gpu))


def counted(compiled: triton_compile.Compiled) -> OfflineKernel:
    """The kernel with what its machine code holds."""
    *_, last = triton_stages.machine_code(compiled, lambda file, line: (), "")
    texts = {name: text for name, text in compiled.texts.items() if isinstance(text, str)}
    counts = {**instructions(last.language, last.text), **last.counts}
    return OfflineKernel(
        triton_stages.written(compiled.target), texts, counts, Counter(opcodes_of(last.language, last.text))
    )
