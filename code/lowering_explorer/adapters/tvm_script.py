"""TVM's modules as TVMScript without bookkeeping, with the source lines and the counts of what is printed.

Left out: imports, the attributes that kernels carry for the compiler, the metadata of constants, and the
type in `T.int64(8)`, which nearly every extent has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import tvm
from tvm import relax

from lowering_explorer.adapters.tvm_places import LinesOfModule, Places, bindings, functions, stores, union
from lowering_explorer.stage import Lines

Printed = tuple[str, tuple[Lines, ...]]
_MARK = re.compile(r"  # from source (\d+)$")
_NOISE = (
    (re.compile(r"T\.int64\((-?\d+)\)"), r"\1"),
    (re.compile(r'R\.str\("ErrorContext\((?:[^"\\]|\\.)*"\)'), 'R.str("ErrorContext")'),
    (re.compile(r'"(?:target|op_pattern|tirx\.\w+)": (?:T\.target\(\{.*?\}\)|True|\d+)(?:, )?'), ""),
    (re.compile(r', annotations=\{"buffer_allocated_addr": \[\], "buffer_data_alignment": 64\}'), ""),
    (re.compile(r", (?=\}\))"), ""),
    (
        re.compile(r", ty_args=\((?:R\.Tensor\([^=]*=\"\w+\"\)|R\.Tuple),\)"),
        "",
    ),  # said left of the equals sign
)
_DROPPED = re.compile(
    r'\s*(?:# with T\.sblock\("root"\):|T\.func_attr\(\{\}\)|cls = Module|# from .* import .*)$'
)
_FUNCTION = re.compile(r"^    (?=@[RTI]\.\w)", re.MULTILINE)


def relax_functions(module: Any, places: Places) -> Printed:
    """The Relax functions of a module: the program that calls the kernels."""
    return _printed(module, places, lambda function: isinstance(function, relax.Function))


def kernels(module: Any, places: Places) -> Printed:
    """The TensorIR functions of a module."""
    return _printed(module, places, lambda function: isinstance(function, tvm.tirx.PrimFunc))


def _printed(module: Any, places: Places, wanted: Callable[[Any], bool]) -> Printed:
    lines_of = LinesOfModule(module, places)
    sets: list[Lines] = []
    marks: dict[Any, str] = {}

    def mark(printed: Any, lines: Lines) -> None:
        if lines:
            marks[printed] = f"from source {len(sets)}"
            sets.append(lines)

    names = {name for name, function in functions(module).items() if wanted(function)}
    for name in names:
        function = functions(module)[name]
        if isinstance(function, relax.Function):
            for binding in bindings(function):
                mark(binding, lines_of.of_binding(binding))
        else:
            for store in stores(function):
                mark(store, places.lines(store.span))
    script = module.script(obj_to_annotate=marks, show_meta=False)
    blocks = _FUNCTION.split(script.partition("\n# Metadata omitted")[0])[1:]
    chosen = [block for block in blocks if _name(block) in names]
    return _cleaned([line.removeprefix("    ") for line in "".join(chosen).splitlines()], sets)


def _name(block: str) -> str:
    found = re.search(r"^ *def (\w+)\(", block, re.MULTILINE)
    return found[1] if found else ""


def _cleaned(script: list[str], sets: list[Lines]) -> Printed:
    kept: list[str] = []
    found: list[Lines] = []
    for line in script:
        place = _MARK.search(line)
        bare = _MARK.sub("", line)
        for pattern, replacement in _NOISE:
            bare = pattern.sub(replacement, bare)
        if not _DROPPED.fullmatch(bare) and (bare.strip() or kept):
            kept.append(bare)
            found.append(sets[int(place[1])] if place else ())
    while kept and not kept[-1].strip():
        kept.pop()
        found.pop()
    return "".join(f"{line}\n" for line in kept), _with_headers(kept, found)


def _with_headers(text: list[str], lines: list[Lines]) -> tuple[Lines, ...]:
    """A loop, a block or a condition comes from all lines that its body comes from."""
    found = list(lines)
    for number in range(len(text) - 1, -1, -1):
        if re.match(r"\s+(?:for|with T|if|else|while)\b.*:$", text[number]):
            depth = _depth(text[number])
            body = []
            for below in range(number + 1, len(text)):
                if text[below].strip() and _depth(text[below]) <= depth:
                    break
                body.append(found[below])
            found[number] = union(body)
    return tuple(found)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def relax_counts(text: str) -> Mapping[str, int]:
    """Operations in all and by kind, kernels called, and the memory that the text allocates, in bytes."""
    kinds: Counter[str] = Counter()
    for line in text.splitlines():
        if found := re.match(r"\s+(?:\w+(?:: .*?)? = )?(?:R\.([\w.]+)|(?:cls\.)?(\w+))\(", line):
            kinds[found[1] or "calls of a kernel"] += found[1] not in _IDLE
    kinds = +kinds
    sizes = [_elements(shape) for shape in _STORAGE.findall(text)]
    tensors = [_elements(shape) * _bytes(dtype) for shape, dtype in _TENSOR.findall(text)]
    memory = {"storages": len(sizes), "bytes of storage": sum(sizes)} if sizes else {}
    memory |= {"tensors allocated": len(tensors), "bytes of tensors": sum(tensors)} if tensors else {}
    return {"operations": kinds.total(), **dict(sorted(kinds.items())), **memory}


_IDLE = {"func_attr", "output", "const", "dataflow", "function", "Tensor", "tuple"}
_STORAGE = re.compile(r"R\.\w+\.alloc_storage\(R\.shape\(\[([\d, ]*)\]\)")
_TENSOR = re.compile(r'R\.builtin\.alloc_tensor\(R\.shape\(\[([\d, ]*)\]\), R\.dtype\("(\w+)"\)')


def _elements(shape: str) -> int:
    return prod(int(extent) for extent in re.findall(r"\d+", shape))


def _bytes(dtype: str) -> int:
    return max(1, int(re.sub(r"\D", "", dtype) or 8) // 8)


_LOOPS = {
    "serial loops": r"range\(|T\.serial\(",
    "parallel loops": r"T\.parallel\(",
    "vectorised loops": r"T\.vectorized\(",
    "unrolled loops": r"T\.unroll\(",
    "loops over threads": r"T\.thread_binding\(",
}


def kernel_counts(text: str) -> Mapping[str, int]:
    """Kernels, blocks, loops by kind, stores, and buffers that the kernels allocate."""
    counts = Counter({"kernels": len(re.findall(r"^@T\.prim_func", text, re.MULTILINE))})
    counts["blocks"] = len(re.findall(r"^\s+with T\.sblock\(", text, re.MULTILINE))
    for variables in re.findall(r"^\s+for ([\w, ]+) in T\.grid\(", text, re.MULTILINE):
        counts["serial loops"] += len(variables.split(","))
    for kind, pattern in _LOOPS.items():
        counts[kind] += len(re.findall(rf"^\s+for \w+ in (?:{pattern})", text, re.MULTILINE))
    counts["stores"] = len(re.findall(r"^\s+\w+\[.*?\] = ", text, re.MULTILINE))
    counts["buffers allocated"] = len(re.findall(r" = T\.(?:sblock_)?alloc_\w+\(", text))
    return {kind: number for kind, number in counts.items() if number}
