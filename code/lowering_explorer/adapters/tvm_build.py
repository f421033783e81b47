"""What TVM makes of a lowered module: TensorIR pass by pass, bytecode, LLVM IR, assembly, CUDA source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tvm
from tvm.ir.instrument import pass_instrument

from lowering_explorer.adapters import debug_locations, tvm_script
from lowering_explorer.adapters.tvm_places import Places
from lowering_explorer.stage import Lines, Stage

_CODE = re.compile(r"\s+\S")
_RODATA = re.compile(r"^(\.LCPI\d+_\d+):\n\s+\.\w+\s+\S+\s+# (?:float|double) (\S+)$", re.MULTILINE)


@dataclass
class LoweringPasses:
    """Collects TensorIR after each pass that changed it, up to the pass that adds checks of arguments."""

    places: Places
    previous: Stage
    stages: list[Stage] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)
    _done: bool = False

    def instrument(self) -> Any:
        """For a `PassContext`."""
        look = self._look

        @pass_instrument  # type: ignore[untyped-decorator, unused-ignore]
        class Instrument:
            def run_after_pass(self, module: Any, info: Any) -> None:
                look(module, info.name.rpartition(".")[2])

        return Instrument()

    def _look(self, module: Any, ran: str) -> None:
        # The calling convention adds some hundred lines of checks to each kernel, the same for all.
        self._done |= ran == "MakePackedAPI"
        if self._done:
            return
        text, lines = tvm_script.kernels(module, self.places)
        if not text or text == self.previous.text:
            return
        self._seen[ran] += 1
        count = f" ({self._seen[ran]})" if self._seen[ran] > 1 else ""
        vector = ran == "VectorizeLoop" or self.previous.level == "vector IR"
        self.previous = Stage(
            f"TensorIR after {ran}{count}",
            "vector IR" if vector else "loops",
            "python",
            text,
            self.previous.name,
            lines,
            tvm_script.kernel_counts(text),
            _PURPOSES.get(ran, f"The pass {ran} changed the kernels."),
        )
        self.stages.append(self.previous)


_PURPOSES = {
    "LowerInitBlock": "The first value of a reduction becomes a branch at the start of its loop.",
    "PlanAndUpdateBufferAllocationLocation": "Buffers inside a kernel move to the loops that need them.",
    "ConvertBlocksToOpaque": "Blocks lose their own index variables: these become the loops' variables.",
    "CompactBufferAllocation": "Buffers inside a kernel shrink to what is alive at a time.",
    "StmtSimplify": "Conditions and indices are simplified.",
    "LowerOpaqueBlock": "Blocks are gone, and so are loops of one step.",
    "FlattenBuffer": "Every buffer has one dimension from now on; indices are computed.",
    "NarrowDataType": "Indices that fit 32 bits get 32 bits; the type of integers is left out here.",
    "VectorizeLoop": "Vectorised loops become operations on vectors.",
    "UnrollLoop": "Unrolled loops are written out.",
    "StorageRewrite": "Buffers inside a kernel that are never alive together share one allocation.",
    "CommonSubexprElim": "Expressions that occur twice are computed once.",
}


def bytecode(executable: Any, parent: str, lines_of: Callable[[str], Lines]) -> Stage:
    """What the virtual machine executes."""
    text = re.sub(r"\n{2,}", "\n", executable.as_text().partition("\n\n@")[0]).rstrip() + "\n"
    calls = [re.match(r"\s+call\s+(\S+)", line) for line in text.splitlines()]
    names = [call[1] for call in calls if call]
    kernels = [name for name in names if not name.startswith("vm.")]
    return Stage(
        "VM bytecode",
        "loops",
        "text",
        text,
        parent,
        tuple(lines_of(call[1]) if call else () for call in calls),
        {
            "calls": len(names),
            "calls of a kernel": len(kernels),
            "allocations of storage": names.count("vm.builtin.alloc_storage"),
        },
        f"TVM's virtual machine runs this: {len(kernels)} calls of kernels, "
        f"{len(names) - len(kernels)} of the runtime for checks of shapes and for memory.",
    )


def machine_code(library: Any, kernels: list[str], places: Places, parent: str) -> Iterator[Stage]:
    """LLVM IR, then assembly, of each kernel, without the function that checks its arguments."""
    llvm = _pieces(debug_locations.llvm_ir(library.inspect_source("ll"), places.resolve), _LLVM)
    for kernel in kernels:
        text, lines = llvm.get(f"{kernel}_compute_") or llvm[f"__tvm_ffi_{kernel}"]
        note = "After LLVM's optimisation; places are those of the stores that an instruction works for."
        yield Stage(f"LLVM IR of {kernel}", "LLVM IR", "llvm", text, parent, lines, note=note)
    listing = library.inspect_source("asm")
    constants = dict(_RODATA.findall(listing))
    assembly = _pieces(debug_locations.assembly(listing, places.resolve), _ASSEMBLY)
    for kernel in kernels:
        text, lines = _instructions(
            *(assembly.get(f"{kernel}_compute_") or assembly[f"__tvm_ffi_{kernel}"]), constants
        )
        note = "Written as AT&T do: the destination comes last."
        made_from = f"LLVM IR of {kernel}"
        yield Stage(f"assembly of {kernel}", "assembly", "x86", text, made_from, lines, note=note)


_LLVM = (re.compile(r"define .*?@\"?([\w.]+)\"?\("), re.compile(r"\}$"))
_ASSEMBLY = (re.compile(r"(\w+):"), re.compile(r"\.Lfunc_end\d+:"))
Piece = tuple[str, tuple[Lines, ...]]


def _pieces(located: Piece, bounds: tuple[re.Pattern[str], re.Pattern[str]]) -> Mapping[str, Piece]:
    """Name -> text and lines of each function, from the line that opens it to the one that closes it."""
    first, last = bounds
    found: dict[str, Piece] = {}
    start = -1
    text = located[0].splitlines()
    for number, line in enumerate(text):
        if start < 0 and (opened := first.match(line)):
            start, name = number, opened[1]
        if start >= 0 and last.match(line):
            body = "".join(f"{line}\n" for line in text[start : number + 1])
            found[name] = body, located[1][start : number + 1]
            start = -1
    return found


def _instructions(text: str, lines: tuple[Lines, ...], constants: Mapping[str, str]) -> Piece:
    """Instructions and the labels between them; a constant in memory stands behind its instruction."""
    kept: list[tuple[str, Lines]] = []
    for line, place in zip(text.splitlines(), lines, strict=True):
        if re.match(r"\s+\.|\.Lfunc|\.Ltmp", line):
            continue
        plain = re.sub(r"\s*#.*", "", line)
        value = re.search(r"\.LCPI\d+_\d+", plain)
        comment = f"  # {constants[value[0]]}" if value and value[0] in constants else ""
        kept.append((plain.replace("\t", "    ", 1).expandtabs(8) + comment, place))
    return "".join(f"{line}\n" for line, _ in kept), tuple(place for _, place in kept)


def cuda_source(
    module: Any, kernels: list[str], parent: str, lines_of: Callable[[str], Lines]
) -> Iterator[Stage]:
    """The CUDA source of each kernel; one that needs two launches has two functions."""
    text = _HEX_FLOAT.sub(r"\1f", imported_module(module, "cuda").inspect_source())
    for kernel in kernels:
        parts = re.findall(
            rf'^extern "C" __global__ [^\n]* {kernel}_kernel(?:_\d+)?\([^\n]*\) \{{\n.*?^\}}\n',
            text,
            re.MULTILINE | re.DOTALL,
        )
        code = "\n".join(parts)
        lines = lines_of(kernel)
        yield Stage(
            f"CUDA source of {kernel}",
            "vector IR",
            "cuda",
            code,
            parent,
            tuple(lines if _CODE.match(line) else () for line in code.splitlines()) if lines else (),
            {
                "functions": len(parts),
                "barriers": code.count("__syncthreads()"),
                "shared arrays": code.count("__shared__"),
            },
            "CUDA C++ for one thread. It keeps no locations: a line stands for all lines of the kernel.",
        )


_HEX_FLOAT = re.compile(r"-?0x[0-9a-f.]+p[+-]?\d+f?/\*([^*]*)\*/")


def imported_module(module: Any, kind: str) -> Any:
    """The runtime module of a kind among those that a module imports."""
    if module.kind == kind:
        return module
    return next(filter(None, (imported_module(each, kind) for each in module.imports)), None)


def processor() -> Any:
    """The target: this CPU."""
    return tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})
