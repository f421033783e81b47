"""Counts, which do not depend on who else uses the machine."""

from __future__ import annotations

import re
import resource
from collections import Counter
from collections.abc import Callable

_INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(?:[0-9a-f]{2,8}\s+)*([a-z][\w.]*)", re.MULTILINE)


def page_faults(function: Callable[[], object]) -> int:
    """How many pages the system had to map into this process during one call of `function`.

    Minor faults of all threads (getrusage); a page is 4 KB on most machines, 16 KB on Apple's.
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    function()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def instructions(disassembly: str) -> Counter[str]:
    """Instructions by mnemonic in the output of ``objdump -d`` (any syntax, with or without raw bytes)."""
    return Counter(_INSTRUCTION.findall(disassembly))
