"""Takes apart the Python module that Inductor writes: generated kernels, and the function that calls them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from lowering_explorer.adapters.inductor_loops import union
from lowering_explorer.stage import Lines

_KERNEL = re.compile(
    r"^(\w+) = async_compile\.(?:cpp_pybinding|triton)\([^\n]*, r?'''\n(.*?)\n?'''[^\n]*\)$",
    re.MULTILINE | re.DOTALL,
)
_CALLING = re.compile(
    r"^    def (?:call|partition_\d+)\(.*\):\n(?:        .*\n|\n)+|^def \w+\(args\):\n(?:    .*\n|\n)+",
    re.MULTILINE,
)
_UNINTERESTING = re.compile(r"\s+(assert_|args\.clear|# )")
_LIBRARY_CALL = re.compile(r"\b(?:extern_kernels\.\w+|torch\.ops\.[\w.]+|aten\.[\w.]+)\(")


def kernels(module: str) -> Mapping[str, str]:
    """Name -> code of each generated kernel, C++ or Triton, in the order of the module."""
    return {name: code + "\n" for name, code in _KERNEL.findall(module)}


def wrapper(module: str) -> str:
    """What runs: the functions that allocate buffers and call kernels and libraries; a branch has its own.

    The module's imports, checks of sizes and its benchmark of itself are left out.
    """
    bodies = (textwrap.dedent(body) for body in _CALLING.findall(module))
    lines = "".join(bodies).splitlines()
    return "".join(f"{line}\n" for line in lines if line.strip() and not _UNINTERESTING.match(line))


def wrapper_lines(
    text: str, of_kernel: Mapping[str, Sequence[Lines]], of_buffer: Mapping[str, Lines]
) -> tuple[Lines, ...]:
    """For each line of a `wrapper` the source lines of the kernel that it calls or buffer that it fills."""
    found = []
    for line in text.splitlines():
        called = re.match(r"\s+(\w+)(?:\.run)?\(", line)
        filled = re.search(r"\bout=(buf\d+)\b", line) or re.match(r"\s+(buf\d+) = (?!empty_strided)", line)
        if called and called[1] in of_kernel:
            found.append(union(of_kernel[called[1]]))
        else:
            found.append(of_buffer.get(filled[1], ()) if filled else ())
    return tuple(found)


def wrapper_counts(text: str, names: Sequence[str]) -> Mapping[str, int]:
    """Calls of generated kernels, calls of libraries, and buffers that are allocated."""
    counted = {
        "kernels": sum(len(re.findall(rf"^\s+{name}(?:\.run)?\(", text, re.MULTILINE)) for name in names),
        "library calls": len(_LIBRARY_CALL.findall(text)),
        "buffers": len(re.findall(r"= empty_strided\w*\(", text)),
    }
    return {name: number for name, number in counted.items() if number}
