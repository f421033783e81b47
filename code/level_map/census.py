"""Counts of one function's operations at each level, as the compilers themselves print them.

Every census takes a function in the array API and NumPy arguments, compiles it for this CPU and returns
its artefacts by level; a level that a compiler does not have is left out.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from measurement.counters import instructions
from the_block.compilers import with_tvm

Function = Callable[..., Any]

# From what the programmer writes to what the processor runs.
LEVELS = ("Python", "graph", "tensor IR", "loops", "vector IR", "LLVM IR", "assembly")

LLVM_INSTRUCTION = re.compile(r"^ {2,}(?:%[\w.\"-]+ = )?(?:tail |musttail |notail )?[a-z]+ ", re.MULTILINE)


@dataclass(frozen=True)
class Artefact:
    """What a compiler has at one level: its name, how many `units` it holds, and a sentence about it."""

    name: str
    count: int
    unit: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.name}: {self.count} {self.unit}"


def census_numpy(function: Function, arrays: Sequence[np.ndarray]) -> dict[str, Artefact]:
    """NumPy compiles nothing: each array operation is a call of a finished kernel, counted while it runs."""
    calls = 0

    def plain(values: Sequence[Any]) -> list[Any]:
        return [np.asarray(value) if isinstance(value, Counting) else value for value in values]

    class Counting(np.ndarray):
        def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            return np.asarray(getattr(ufunc, method)(*plain(inputs), **kwargs)).view(Counting)

        def __array_function__(self, called: Any, types: Any, args: Any, kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            return np.asarray(called(*plain(args), **kwargs)).view(Counting)

    function(*[array.view(Counting) for array in arrays])
    sentence = "Each array operation is one call into a library, with its result in memory before the next."
    return {"Python": Artefact("array operations", calls, "calls", sentence)}


def census_xla(function: Function, arrays: Sequence[np.ndarray]) -> dict[str, Artefact]:
    """What `jax.jit` makes of the function on the CPU, with XLA's default options."""
    import jax

    traced = jax.jit(function).trace(*arrays)
    lowered = traced.lower()
    stablehlo = re.findall(r"= \"?stablehlo\.\w+", lowered.as_text())
    with tempfile.TemporaryDirectory() as folder:
        # With the emitters' MLIR as well (xla_dump_emitter_re) jaxlib 0.10.2 crashes now and then.
        compiled = lowered.compile(compiler_options={"xla_dump_to": folder, "xla_dump_hlo_as_text": True})
        llvm = "\n".join(path.read_text() for path in Path(folder).glob("*ir-with-opt.ll"))
        assembly = "\n".join(_disassemble(path) for path in Path(folder).glob("*.o"))
    kernels = _entry_kernels(compiled.as_text())
    fused = sum(operation == "fusion" for operation in kernels)
    return {
        "graph": Artefact(
            "jaxpr",
            len(list(_equations(traced.jaxpr.jaxpr))),
            "equations",
            "The trace: one equation per primitive.",
        ),
        "tensor IR": Artefact(
            "StableHLO",
            len(stablehlo),
            "operations",
            "Shapes made explicit: broadcasts and constants appear.",
        ),
        "loops": Artefact(
            "optimised HLO",
            len(kernels),
            "kernels",
            f"After fusion: {fused} fusions, the rest library calls.",
        ),
        "LLVM IR": Artefact(
            "LLVM IR",
            len(LLVM_INSTRUCTION.findall(llvm)),
            "instructions",
            "Only kernels that XLA generates itself.",
        ),
        "assembly": Artefact(
            "assembly", instructions(assembly).total(), "instructions", "The object files, disassembled."
        ),
    }


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those of nested calls instead of the calls."""
    for equation in jaxpr.eqns:
        inner = [value.jaxpr for value in equation.params.values() if hasattr(value, "jaxpr")]
        if not inner:
            yield equation
        for nested in inner:
            yield from _equations(nested)


def _entry_kernels(hlo: str) -> list[str]:
    """Operations of the entry computation that run something."""
    entry = re.search(r"^ENTRY .*?\{\n(.*?)^\}", hlo, re.MULTILINE | re.DOTALL)
    assert entry, "XLA printed a module without an entry computation"
    operations = re.findall(r"^\s+(?:ROOT )?%\S+ = \S+ ([\w-]+)\(", entry[1], re.MULTILINE)
    idle = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}
    return [operation for operation in operations if operation not in idle]


def census_inductor(function: Function, arrays: Sequence[np.ndarray]) -> dict[str, Artefact]:
    """What `torch.compile` makes of the function on the CPU, with Inductor's default options."""
    import torch
    import torch._functorch.config as functorch_config
    from torch._inductor.codecache import PyCodeCache
    from torch._inductor.compile_fx import compile_fx
    from torch._inductor.utils import run_and_get_code

    captured: list[Any] = []
    lowered: list[Any] = []

    def inner(graph: Any, inputs: Any, **kwargs: Any) -> Any:
        from torch._inductor.compile_fx import compile_fx_inner

        lowered.append(graph)
        return compile_fx_inner(graph, inputs, **kwargs)

    def backend(graph: Any, inputs: Any) -> Any:
        captured.append(graph)
        return compile_fx(graph, inputs, inner_compile=inner)

    known = set(map(id, PyCodeCache.modules))
    compiled = torch.compile(function, fullgraph=True, backend=backend)
    # A hit in AOTAutograd's cache would skip the step that `inner` looks into.
    with torch.no_grad(), functorch_config.patch(enable_autograd_cache=False):
        _, sources = run_and_get_code(compiled, *map(torch.from_numpy, arrays))
    wrapper = "\n".join(sources)
    body = wrapper[wrapper.index("def call(") :]
    generated = re.findall(r"^ +cpp_fused\w*\(", body, re.MULTILINE)
    library = re.findall(r"^ +extern_kernels\.\w+\(", body, re.MULTILINE)
    objects = {
        value.__self__.__file__
        for module in PyCodeCache.modules
        if id(module) not in known
        for name, value in vars(module).items()
        if name.startswith("cpp_fused")
    }
    assembly = "\n".join(_disassemble(Path(path), symbol="kernel") for path in sorted(objects))
    return {
        "graph": Artefact(
            "FX graph",
            _calls(captured[0]),
            "calls",
            "What Dynamo saw of the bytecode.",
        ),
        "tensor IR": Artefact(
            "ATen graph",
            _calls(lowered[0]),
            "operations",
            "After decomposition into ATen's smaller operations.",
        ),
        "loops": Artefact(
            "Inductor's wrapper",
            len(generated) + len(library),
            "kernels",
            f"{len(generated)} calls of generated C++ loops and {len(library)} of the matrix library.",
        ),
        "vector IR": Artefact(
            "C++ source",
            len(re.findall(r"at::vec::|Vectorized<", wrapper)),
            "vector expressions",
            "Loops over at::vec types, one per vector register.",
        ),
        "assembly": Artefact(
            "assembly",
            instructions(assembly).total(),
            "instructions",
            "The generated kernels alone, disassembled.",
        ),
    }


def _calls(graph: Any) -> int:
    return sum(node.op.startswith("call") for node in graph.graph.nodes)


def census_tvm(function: Function, arrays: Sequence[np.ndarray]) -> dict[str, Artefact]:
    """What TVM makes of the function on the CPU: its fusion, and no schedule."""
    program = with_tvm(function, arrays)
    operations = re.findall(r"= R\.(?!output)", program.imported.script())
    (library,) = program.executable.mod.imports
    kernels = [
        line
        for line in program.executable.as_text().splitlines()
        if line.strip().startswith("call") and "vm.builtin" not in line
    ]
    return {
        "tensor IR": Artefact("Relax", len(operations), "operations", "The exported program, imported."),
        "loops": Artefact(
            "TensorIR",
            len(kernels),
            "kernels",
            "One loop function per fused group; matrix products are loops too.",
        ),
        "LLVM IR": Artefact(
            "LLVM IR",
            len(LLVM_INSTRUCTION.findall(library.inspect_source("ll"))),
            "instructions",
            "All kernels and the functions that check their arguments.",
        ),
        "assembly": Artefact(
            "assembly",
            len(re.findall(r"^\t[a-z]\w*(?:\t|$)", library.inspect_source("asm"), re.MULTILINE)),
            "instructions",
            "All kernels and the functions that check their arguments.",
        ),
    }


def _disassemble(path: Path, symbol: str = "") -> str:
    """What objdump prints for an object file, or for its functions whose names begin with `symbol`."""
    command = ["objdump", "-d", "--no-show-raw-insn", str(path)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not symbol:
        return listing
    functions = re.split(r"^(?=[0-9a-f]+ <)", listing, flags=re.MULTILINE)
    return "".join(text for text in functions if re.match(rf"[0-9a-f]+ <{symbol}", text))
