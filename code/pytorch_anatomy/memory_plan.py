"""Reads from the function that Inductor generates which buffers it allocates, uses again and frees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

# Bytes per element of the dtypes that the book's programs have.
_SIZES = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "bfloat16": 2, "float16": 2, "bool": 1}
_ALLOCATION = re.compile(r"^\s*(\w+) = empty_strided\w*\(\(([\d, ]*)\), \([\d, ]*\), torch\.(\w+)\)")
_REUSE = re.compile(r"^\s*(\w+) = (?:reinterpret_tensor\()?(\w+)[;,].*\bdel (\w+)\s*# reuse")
_DELETION = re.compile(r"\bdel (\w+)")
_CALL = re.compile(r"^\s*(?:extern_kernels\.(\w+)|(\w+?)(?:\.run)?)\(")


@dataclass(frozen=True)
class Step:
    """A call of a kernel or a library, and the bytes of the buffers that exist while it runs."""

    call: str
    alive: int


@dataclass(frozen=True)
class MemoryPlan:
    """The buffers of one generated function, its arguments left out; `named` maps each to its bytes."""

    named: dict[str, int]
    reused: tuple[tuple[str, str], ...]  # (new name, the buffer whose memory it takes over)
    steps: tuple[Step, ...]
    returned: int  # bytes of the buffers that are results

    @property
    def peak(self) -> int:
        """The most bytes that exist at once."""
        return max(step.alive for step in self.steps)

    @property
    def temporary(self) -> int:
        """The most bytes that exist at once, less those of the results."""
        return self.peak - self.returned

    @property
    def without_reuse(self) -> int:
        """The bytes that it would take to give each buffer memory of its own and free none."""
        return sum(self.named.values())


def memory_plan(wrapper: str) -> MemoryPlan:
    """The plan in the text of the wrapper, a stage of the explorer's Inductor adapter.

    Raises ValueError where an allocation has sizes that are not numbers, or a dtype without a known size.
    """
    named: dict[str, int] = {}
    alive: dict[str, int] = {}
    reused, steps, returned = [], [], 0
    for line in wrapper.splitlines():
        if found := _ALLOCATION.match(line):
            name, extents, dtype = found.groups()
            if dtype not in _SIZES:
                raise ValueError(f"{name} has dtype {dtype}; known are {', '.join(_SIZES)}")
            named[name] = alive[name] = _SIZES[dtype] * prod(int(e) for e in extents.split(",") if e.strip())
        elif "= empty_strided" in line:
            raise ValueError(f"{line.strip()}: the plan needs sizes that are numbers")
        elif (found := _REUSE.match(line)) and found[2] in alive:
            named[found[1]] = alive[found[1]] = alive.pop(found[2])
            reused.append((found[1], found[2]))
        elif line.strip().startswith("return"):
            returned = sum(size for name, size in alive.items() if re.search(rf"\b{name}\b", line))
        elif (found := _CALL.match(line)) and "del " not in line:
            steps.append(Step(found[1] or found[2], sum(alive.values())))
        if not _REUSE.match(line):
            for name in _DELETION.findall(line):
                alive.pop(name, None)
    return MemoryPlan(named, tuple(reused), tuple(steps), returned)
