"""The stages of a compiled Triton or Gluon kernel: its module after each pass, LLVM IR, machine code."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator

import triton
from triton.backends.compiler import GPUTarget

from lowering_explorer.adapters import debug_locations
from lowering_explorer.adapters.debug_locations import Resolve
from lowering_explorer.adapters.triton_compile import Compiled
from lowering_explorer.stage import Stage

# What a pass is for, by the name that MLIR knows it by.
PURPOSE = {
    "inline": "The bodies of library functions such as tl.sum replace the calls.",
    "canonicalize": "Each operation is brought to its simplest form; what nothing uses goes.",
    "cse": "What is computed twice is computed once.",
    "triton-combine": "Small groups of operations are replaced by one.",
    "triton-reorder-broadcast": "Arithmetic moves before broadcasts, to work on fewer elements.",
    "triton-loop-unroll": "Loops that ask for it are unrolled.",
    "convert-triton-to-tritongpu": "Each tensor gets a layout: which thread of which warp holds what.",
    "tritongpu-coalesce": "Layouts of loads and stores change so that a thread moves up to 16 bytes at once.",
    "tritongpu-remove-layout-conversions": "Layouts spread through the program to save exchanges of data.",
    "tritongpu-optimize-thread-locality": "Reductions are laid out so that a thread first reduces its own.",
    "tritongpu-accelerate-matmul": "Dots get the layouts that the matrix units of the target ask for.",
    "tritongpu-optimize-dot-operands": "Operands of dots are put where the matrix units read them from.",
    "tritongpu-assign-latencies": "Loads in loops are marked with the number of iterations they run ahead.",
    "tritongpu-schedule-loops": "Each operation of a loop is put into a stage of its software pipeline.",
    "tritongpu-pipeline": "Loops load the tiles of later iterations while they compute the current one.",
    "tritongpu-prefetch": "Operands of the next dot are read from shared memory before it starts.",
    "tritongpu-reduce-data-duplication": "Conversions that would copy data go through shared memory instead.",
    "tritongpu-reorder-instructions": "Loads move up and conversions move down to shorten live ranges.",
    "tritongpu-combine-tensor-select-and-if": "Selects move into the conditionals that decide the same.",
    "triton-nvidia-gpu-fence-insertion": "Fences order shared memory between threads and the matrix units.",
    "triton-nvidia-tma-lowering": "Descriptor loads and stores become operations of the copy engine.",
    "triton-nvidia-mma-lowering": "Matrix operations become those that the target has.",
    "convert-scf-to-cf": "Structured loops and conditionals become blocks and branches.",
    "allocate-shared-memory-nv": "Each exchange through shared memory gets its offset.",
    "tritongpu-global-scratch-memory-allocation": "Scratch space in global memory is laid out.",
}


def after_each_pass(
    passes: Iterable[tuple[str, str]], resolve: Resolve, start: str, of: str = ""
) -> Iterator[Stage]:
    """The module at `start`, then after each pass that changed it, up to its conversion to LLVM's dialect.

    `of` is appended to each name, such as " of a_kernel".
    """
    parent, before = "", ""
    runs: Counter[str] = Counter()
    for name, module in passes:
        text, lines = debug_locations.mlir(module, resolve)
        if text == before:
            continue
        dialect, level = ("TTGIR", "vector IR") if '"ttg.num-warps"' in text else ("TTIR", "tensor IR")
        runs[f"{dialect} {name}"] += 1
        again = f" ({runs[f'{dialect} {name}']})" if runs[f"{dialect} {name}"] > 1 else ""
        title = f"{dialect} after {name}{again}{of}" if name else f"{dialect}{of}"
        yield Stage(title, level, "mlir", text, parent or start, lines, note=PURPOSE.get(name, ""))
        parent, before = title, text


def layouts(compiled: Compiled, resolve: Resolve, parent: str, of: str = "") -> Stage:
    """The module with layouts as the passes for this target left it."""
    text, lines = debug_locations.mlir(compiled.texts["ttgir"], resolve)
    note = "The same tiles, with the layouts that this target asks for."
    name = f"TTGIR for {written(compiled.target)}{of}"
    return Stage(name, "vector IR", "mlir", text, parent, lines, note=note)


def llvm_ir(compiled: Compiled, resolve: Resolve, parent: str, of: str = "") -> Stage:
    """LLVM IR of one thread, as LLVM's optimiser left it."""
    text, lines = debug_locations.llvm_ir(compiled.texts["llir"], resolve)
    note = "From here on the program is that of one thread; LLVM has optimised it."
    name = f"LLVM IR for {written(compiled.target)}{of}"
    return Stage(name, "LLVM IR", "llvm", text, parent, lines, note=note)


def machine_code(compiled: Compiled, resolve: Resolve, parent: str, of: str = "") -> Iterator[Stage]:
    """PTX and SASS, or the assembly of an AMD processor, with what one program occupies."""
    target = written(compiled.target)
    shared = {"shared bytes": compiled.shared_bytes}
    if compiled.target.backend == "hip":
        text, lines = debug_locations.assembly(compiled.texts["amdgcn"], resolve)
        counts = shared | _amd_occupation(compiled.texts["amdgcn"])
        yield Stage(f"assembly for {target}{of}", "assembly", "amdgcn", text, parent, lines, counts)
        return
    text, lines = debug_locations.assembly(compiled.texts["ptx"], resolve)
    note = "The instructions of a virtual GPU, whose registers have no limit; LLVM's last word."
    ptx = Stage(f"PTX for {target}{of}", "assembly", "ptx", text, parent, lines, shared, note)
    yield ptx
    callers = debug_locations.callers_of_inlined(compiled.texts["ptx"], resolve)
    text, lines = debug_locations.sass(_disassembled(compiled.texts["cubin"]), resolve, callers)
    counts = shared | _nvidia_occupation(compiled.ptxas_log)
    note = "What the GPU runs: ptxas chose the instructions and their order and assigned the registers."
    yield Stage(f"SASS for {target}{of}", "assembly", "sass", text, ptx.name, lines, counts, note)


def written(target: GPUTarget) -> str:
    """The target's name: sm_90, gfx942."""
    return f"sm_{target.arch}" if target.backend == "cuda" else str(target.arch)


def _disassembled(cubin: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [triton.knobs.nvidia.nvdisasm.path, "--print-code", "--print-line-info", file.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _nvidia_occupation(ptxas_log: str) -> dict[str, int]:
    """Registers per thread and bytes spilled by each thread, as ptxas reports them."""
    return _numbers(
        ptxas_log,
        {
            "registers": r"Used (\d+) registers",
            "spill store bytes": r"(\d+) bytes spill stores",
            "spill load bytes": r"(\d+) bytes spill loads",
        },
    )


def _amd_occupation(assembly: str) -> dict[str, int]:
    """Registers per thread (vector) and per wave (scalar), as LLVM's metadata gives them."""
    return _numbers(
        assembly,
        {
            "registers": r"\.vgpr_count: +(\d+)",
            "scalar registers": r"\.sgpr_count: +(\d+)",
            "spilled registers": r"\.vgpr_spill_count: +(\d+)",
        },
    )


def _numbers(text: str, patterns: dict[str, str]) -> dict[str, int]:
    found = {name: re.search(pattern, text) for name, pattern in patterns.items()}
    return {name: int(match[1]) for name, match in found.items() if match}
