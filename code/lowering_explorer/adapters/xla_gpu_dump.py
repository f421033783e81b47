"""What XLA:GPU wrote into its dump folder beyond what XLA:CPU writes: fusion decisions, launches, PTX."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lowering_explorer.adapters import hlo_text
from lowering_explorer.adapters.xla_dump import without_metadata
from lowering_explorer.stage import Lines, Stage

_STEP = re.compile(r"^fusion_steps \{\n  (\w+) \{\n(.*?)\n  \}\n\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^ +(\w+): \"?([^\"\n]*)\"?$", re.MULTILINE)
_PRIORITY = "  {producer_name} into {consumer_names}: {us_fused} us fused, {us_unfused} us apart"
_SENTENCES = {
    "update_priority": _PRIORITY,
    "fusion": "fused {producer_name} into {consumer_name}",
    "producer_ineligible": "kept {producer_name}: {reason}",
}
_THUNK = re.compile(r"^( *)\d+: k(\w+) +(?:\[[^\]]*\])? *(.*)$")
_KERNEL = re.compile(r"^ *CustomKernel +(\w+)", re.MULTILINE)


def fusion_decisions(folder: Path, parent: str) -> Iterator[Stage]:
    """What the priority fusion fused, in order, and before each the estimates and refusals, sorted.

    Those come from several threads, in any order.
    """
    steps = "".join(path.read_text() for path in sorted(folder.glob("*priority_fusion_dump.txt")))
    lines = []
    for kind, body in _STEP.findall(steps):
        fields: dict[str, str] = {}
        for name, value in _FIELD.findall(body):
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        lines.append(_SENTENCES[kind].format_map(fields))
    in_order: list[str] = []
    for is_fusion, group in itertools.groupby(lines, lambda line: line.startswith("fused")):
        steps_alike = list(group)
        in_order += steps_alike if is_fusion else sorted(steps_alike)
    if lines:
        fused = sum(line.startswith("fused") for line in lines)
        yield Stage(
            "fusion decisions",
            "loops",
            "text",
            "\n".join(in_order) + "\n",
            parent,
            counts={"fused": fused},
            note="The fusion that promises most comes first; the times are estimates by a model of the GPU.",
        )


def launches(folder: Path) -> list[str]:
    """One line per thunk, indented by its depth: its kind, and of a kernel its name, grid and threads."""
    sequence = next(iter(sorted(folder.glob("*thunk_sequence.txt"))))
    found = []
    for line in filter(str.strip, sequence.read_text().splitlines()):
        if thunk := _THUNK.match(line):
            indent, kind, rest = thunk.groups()
            rest = "" if rest == f"k{kind}" else rest
            found.append(f"{indent}{kind:<14} {rest}".rstrip())
        else:
            found.append(line.rstrip())  # "condition:" or "body:" of a loop
    return found


def launched_kernels(launches: Sequence[str]) -> list[str]:
    """The names of the kernels, in the order of their launches; one that is launched twice is there twice."""
    return _KERNEL.findall("\n".join(launches))


def kernel_kinds(module: str) -> dict[str, int]:
    """Kernels of the entry computation, in all and by who writes them."""
    entry = hlo_text.kernels(module)
    kinds = Counter(
        _kind(next(line for line in module.splitlines() if f"%{name} = " in line), opcode)
        for name, opcode in entry
    )
    return {"kernels": len(entry), **kinds}


def _kind(line: str, opcode: str) -> str:
    if opcode == "custom-call":
        return "library calls"
    if opcode != "fusion":
        return f"{opcode} operations"
    return "Triton fusions" if '"kind":"__triton' in line else "loop fusions"


def kernel_stages(
    folder: Path, kernels: Sequence[str], lines_of_kernel: Mapping[str, Lines]
) -> Iterator[Stage]:
    """LLVM IR before and after LLVM's passes, and PTX, of each kernel in the order of the launches."""
    lines_of = {re.sub(r"\W", "_", name): lines for name, lines in lines_of_kernel.items()}
    for name in dict.fromkeys(kernels):
        parent = "fused HLO"
        for ending, title, level, language, start in (
            ("ir-no-opt.ll", "LLVM IR", "LLVM IR", "llvm", r"^define .*@{}\("),
            ("ir-with-opt.ll", "optimised LLVM IR", "LLVM IR", "llvm", r"^define .*@{}\("),
            ("ptx", "PTX", "assembly", "ptx", r"^\.visible \.entry {}\("),
        ):
            of_kernel = re.compile(start.format(re.escape(name)), re.MULTILINE)
            texts = (path.read_text() for path in sorted(folder.glob(f"*.{ending}")))
            text = next((text for text in texts if of_kernel.search(text)), "")
            if not text:
                continue  # a copy, or a call of a library
            text = without_metadata(text) if language == "llvm" else _one_per_line(text)
            lines = lines_of.get(name, ())
            located = tuple(lines if re.match(r"\s+\S", line) else () for line in text.splitlines())
            stage = Stage(
                f"{title} of {name}",
                level,
                language,
                text,
                parent,
                located if lines else (),
                note="XLA keeps no locations here: every line stands for all source lines of the kernel.",
            )
            yield stage
            parent = stage.name


def _one_per_line(ptx: str) -> str:
    """PTX without comments and blank lines; a line of inline assembly holds several instructions."""
    split = re.sub(r"; +(?=\S)", ";\n\t", ptx)
    lines = (line for line in split.splitlines() if line.strip() and not line.lstrip().startswith("//"))
    return "".join(f"{line}\n" for line in lines)
