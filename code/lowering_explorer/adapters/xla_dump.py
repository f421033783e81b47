"""What XLA:CPU wrote into its dump folder, as stages.

`xla_dump_emitter_re`, which would add the emitters' MLIR, stays off: in jaxlib 0.10.2 the compilation then
crashes now and then (10 of 12 processes that compiled the Block eight times each).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lowering_explorer.adapters import disassembly, hlo_text
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Lines, Stage

OPTIONS = {
    "xla_dump_hlo_as_text": True,
    "xla_dump_hlo_pass_re": ".*",
    "xla_hlo_print_inline_stack_frames": True,
    "xla_dump_fusion_visualization": True,
}
_PASS = re.compile(r"^module_\d+\.[^.]+\.\d{4}\.([\w-]+)\.after_([\w-]+)(?:\.before_[\w-]+)?\.txt$")
_DECISION = re.compile(r"(?:Not fusing|Fused) \|[^\"\n]*")
_EPILOGUE = re.compile(r" inside InstructionFusion.*| ; multi-output fusion not supported by this pass")
_FUSING = {"fusion", "priority-fusion"}  # the passes that fuse, on CPUs and on GPUs
_MODULE = re.compile(r"^module_\d+\.[^.]+\.")
_KERNEL_FILE = re.compile(
    r"^(?:obj-file\.)?(?:__compute_module_)?(.*?)(?:_kernel_module)?\.(?:ir-\w+-opt\.ll|o)$"
)


def hlo_stages(folder: Path, request: Request) -> Iterator[Stage]:
    """HLO before optimisation, after each pass that changed it, and the fusion decisions."""
    previous = _hlo_stage(_only(folder, "before_optimizations.txt"), "HLO", "tensor IR", "StableHLO", request)
    yield previous
    unfused = previous
    seen: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        if not (match := _PASS.match(path.name)):
            continue
        pipeline, ran = match.groups()
        found = _hlo_stage(path, "", "tensor IR", previous.name, request)
        if found.text == previous.text:
            continue
        name = f"start of {pipeline}" if ran == "pipeline-start" else ran
        seen[name] += 1
        count = f" ({seen[name]})" if seen[name] > 1 else ""
        fused = bool(_FUSING & seen.keys())
        previous = Stage(
            f"HLO after {name}{count}",
            "loops" if fused else "tensor IR",
            "hlo",
            found.text,
            previous.name,
            found.source_lines,
            note=_change(previous.text, found.text, ran),
        )
        yield previous
        unfused = unfused if fused else previous
    if decisions := _fusion_decisions(folder):
        yield Stage(
            "fusion decisions",
            "loops",
            "text",
            "\n".join(decisions) + "\n",
            unfused.name,
            counts={
                "fused": sum(line.startswith("Fused") for line in decisions),
                "not fused": sum(line.startswith("Not") for line in decisions),
            },
            note="Each pair that the fusion pass looked at, in order, and why it left some apart.",
        )


def _hlo_stage(path: Path, name: str, level: str, parent: str, request: Request) -> Stage:
    text, lines = hlo_text.located(path.read_text(), request.resolve)
    return Stage(name, level, "hlo", text, parent, lines)


def _only(folder: Path, suffix: str) -> Path:
    found = sorted(folder.glob(f"*{suffix}"))
    if not found:
        raise CannotCapture(f"XLA wrote no {suffix}: it compiled nothing, or took the program from a cache")
    return found[0]


def _change(before: str, after: str, ran: str) -> str:
    """A sentence about what a pass did to the kernels."""
    old, new = len(hlo_text.kernels(before)), len(hlo_text.kernels(after))
    if old == new:
        return f"The pass {ran} changed the module; the entry still runs {new} operations."
    return f"The pass {ran} took the entry computation from {old} to {new} operations."


def _fusion_decisions(folder: Path) -> list[str]:
    """Every decision once, in the order in which the pass took it."""
    pages = sorted(folder.glob("*_fusion.html"))
    text = "".join(html.unescape(page.read_text()) for page in pages)
    return list(dict.fromkeys(_EPILOGUE.sub("", match).strip() for match in _DECISION.findall(text)))


def final_stages(
    folder: Path, request: Request, parent: str, thunks: list[str], platform: str = "cpu"
) -> Iterator[Stage]:
    """What runs: the fused HLO, where its buffers lie, and the thunks. `parent` is the last HLO before."""
    optimised = f"{platform}_after_optimizations"
    fused = _hlo_stage(_only(folder, f"{optimised}.txt"), "fused HLO", "loops", parent, request)
    entry = hlo_text.kernels(fused.text)
    kinds = Counter(_kind(fused.text, name, opcode) for name, opcode in entry)
    yield Stage(
        fused.name,
        fused.level,
        fused.language,
        fused.text,
        fused.parent,
        fused.source_lines,
        counts={"kernels": len(entry), **kinds},
        note="The entry computation lists what runs; each fusion is one kernel, its computation the body.",
    )
    buffers = _only(folder, f"{optimised}-buffer-assignment.txt").read_text()
    sizes = [int(size) for size in re.findall(r"^allocation \d+: size (\d+)", buffers, re.MULTILINE)]
    temporary = re.findall(r"^allocation \d+: size (\d+), preallocated-temp", buffers, re.MULTILINE)
    yield Stage(
        "buffer assignment",
        "loops",
        "text",
        buffers,
        "fused HLO",
        counts={"allocations": len(sizes), "bytes": sum(sizes), "temporary bytes": sum(map(int, temporary))},
        note="Values that are never alive together share an allocation.",
    )
    yield Stage(
        "thunks",
        "loops",
        "text",
        "\n".join(thunks) + "\n",
        "fused HLO",
        counts={"thunks": len(thunks)},
        note="The calls that the executable makes, in order; all but the kernels are calls of a library.",
    )


def _kind(text: str, name: str, opcode: str) -> str:
    if opcode != "fusion":
        return f"{opcode} operations"
    line = next(line for line in text.splitlines() if f"%{name} = " in line)
    return "library fusions" if "kind=kCustom" in line else "loop fusions"


def kernel_stages(folder: Path, lines_of_kernel: dict[str, Lines]) -> Iterator[Stage]:
    """LLVM IR before and after LLVM's passes, and assembly, of each kernel that XLA compiled itself."""
    for suffix, title, level, parent in (
        ("ir-no-opt.ll", "LLVM IR", "LLVM IR", "fused HLO"),
        ("ir-with-opt.ll", "optimised LLVM IR", "LLVM IR", "LLVM IR"),
        ("o", "assembly", "assembly", "optimised LLVM IR"),
    ):
        for path in sorted(folder.glob(f"*.{suffix}")):
            kernel = _kernel(path)
            text = disassembly.listing(path) if suffix == "o" else without_metadata(path.read_text())
            lines = lines_of_kernel.get(kernel.removesuffix("_computation"), ())  # a called loop has one
            code = re.compile(r"\s+\S")
            yield Stage(
                f"{title} of {kernel}",
                level,
                "x86" if suffix == "o" else "llvm",
                text,
                parent if parent == "fused HLO" else f"{parent} of {kernel}",
                tuple(lines if code.match(line) else () for line in text.splitlines()) if lines else (),
                note="XLA keeps no locations here: every line stands for all source lines of the kernel."
                if lines
                else "A pass of XLA made this kernel and gave it no location.",
            )


def _kernel(path: Path) -> str:
    match = _KERNEL_FILE.match(_MODULE.sub("", path.name))
    assert match is not None, path.name
    return match[1]


def without_metadata(text: str) -> str:
    """LLVM IR without its metadata and target strings, which say nothing about the program."""
    text = re.sub(r"^(?:; ModuleID|source_filename|target \w+|!).*\n", "", text, flags=re.MULTILINE)
    return re.sub(r", !\w[\w.]* !\d+", "", text).strip() + "\n"
