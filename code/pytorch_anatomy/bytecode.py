"""What Dynamo makes of the bytecode of a function."""

from __future__ import annotations

import dis
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import torch
from torch._dynamo.convert_frame import register_bytecode_hook

# Bookkeeping of PyTorch's own profiler, which does nothing to the values: its calls are left out.
_PROFILING = re.compile(r"record_pregraph_bytecode|_dynamo_dot_utils")
_UNIQUE = re.compile(r"(__compiled_fn_\d+|__resume_at_\d+)_[0-9a-f]{8}_\w+")
_SHORT = r"\1"


@dataclass(frozen=True)
class Rewriting:
    """One code object as CPython compiled it, and as it runs after Dynamo: a line per instruction."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def graphs(self) -> tuple[str, ...]:
        """The compiled graphs that the new code calls, in order."""
        return tuple(dict.fromkeys(re.findall(r"__compiled_fn_\d+", "\n".join(self.after))))

    @property
    def continuations(self) -> tuple[str, ...]:
        """The functions that the new code calls for what is left after a graph break."""
        return tuple(dict.fromkeys(re.findall(r"__resume_at_\w+", "\n".join(self.after))))


def rewritings(function: Callable[..., Any], *arguments: Any) -> list[Rewriting]:
    """What Dynamo did to each code object while `function` ran once on `arguments`, in that order.

    The graphs run as they are, in eager mode; nothing is compiled further. Calls of PyTorch's profiler
    are left out of the new code.
    """
    found: list[Rewriting] = []

    def hook(old: CodeType, new: CodeType) -> None:
        found.append(Rewriting(_UNIQUE.sub(_SHORT, old.co_name), listing(old), listing(new)))

    torch._dynamo.reset()
    handle = register_bytecode_hook(hook)
    try:
        torch.compile(function, backend="eager")(*arguments)
    finally:
        handle.remove()
    return found


def listing(code: CodeType) -> tuple[str, ...]:
    """The instructions of a code object that say something, a line each: no caches, no profiler."""
    lines = []
    for each in dis.get_instructions(code):
        if each.opname not in ("RESUME", "PRECALL"):
            operand = each.argrepr or ("" if each.arg is None else str(each.arg))
            lines.append(f"{each.opname:<14} {_UNIQUE.sub(_SHORT, operand)}".rstrip())
    return tuple(_without_profiling(lines))


def _without_profiling(lines: Sequence[str]) -> list[str]:
    """Drops what loads and calls the profiler, from the load to what takes the result of the call."""
    kept: list[str] = []
    own: set[str] = set()  # variables in which the profiler keeps something
    skipping, previous = False, ""
    for line in lines:
        name = line.split()[-1]
        if _PROFILING.search(line):
            skipping = True
        if skipping and line.startswith("STORE_FAST"):
            own.add(name)
        if not skipping and not (line.startswith("DELETE_FAST") and name in own):
            kept.append(line)
        skipping = skipping and not previous.startswith("CALL")
        previous = line
    return kept
