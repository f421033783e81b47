"""Makes stages of what Inductor says while it compiles for a described GPU, down to what that would run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from triton.backends.compiler import GPUTarget

from lowering_explorer.adapters import inductor_module, triton_stages
from lowering_explorer.adapters.debug_locations import Resolve
from lowering_explorer.adapters.inductor_kernel import InductorKernel, without_metadata
from lowering_explorer.adapters.inductor_stages import Reader
from lowering_explorer.adapters.torch_logs import Record
from lowering_explorer.adapters.triton_compile import CompilationFailed
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Lines, Stage


class CudaReader(Reader):
    """Reads Inductor's records, and compiles the kernels that they hold for the targets."""

    def __init__(self, request: Request, targets: Sequence[GPUTarget]) -> None:
        super().__init__(request)
        self._targets = targets

    def stages(self, record: Record) -> Iterator[Stage]:
        """What one record adds; how Python calls the result is left out, for nothing here can be called."""
        if record.kind != "guards" and not record.text.startswith("MODIFIED BYTECODE"):
            yield from super().stages(record)

    def _code(self, record: Record) -> Iterator[Stage]:
        yield from ()  # the wrapper comes first, and then each kernel down to its machine code

    def _wrapper(self, record: Record) -> Stage:
        stage = super()._wrapper(record)
        if "library calls" not in stage.counts:
            return stage
        note = f"{stage.note} What a library runs, such as cuBLAS, Inductor does not write and does not show."
        return replace(stage, note=note)

    def _assembly(self, record: Record) -> Iterator[Stage]:
        for name, code in inductor_module.kernels(self._module.text).items():
            if "@triton.jit" in code:  # not C++ for what the function does on the CPU
                yield from self._kernel(name, code, record)

    def _kernel(self, name: str, code: str, record: Record) -> Iterator[Stage]:
        kernel = InductorKernel(name, code, self._request.folder)
        of_line = self._of_kernel.get(name, ())
        of_line = of_line if len(of_line) == len(code.splitlines()) else ((),) * len(code.splitlines())
        title = self._name(f"Triton source of {name}", record)
        of = f" of {self._name(name, record)}"
        text, lines = without_metadata(code, of_line)
        yield Stage(title, "vector IR", "python", text, self._loops, lines, {}, _about(kernel))

        resolve = _through(kernel.file, of_line)
        main, *others = self._targets
        try:
            result = kernel.compiled(main, keep_passes=True)
        except CompilationFailed as failure:
            yield from triton_stages.after_each_pass(failure.passes, resolve, title, of)
            raise _refusal(name, failure, self._request, of_line) from failure
        parent = tiles = title
        for stage in triton_stages.after_each_pass(result.passes, resolve, title, of):
            yield replace(stage, level="vector IR")  # after the loops: the tile of one program is a vector
            parent = stage.name
            tiles = parent if tiles == title else tiles
        llvm_ir = triton_stages.llvm_ir(result, resolve, parent, of)
        yield llvm_ir
        yield from triton_stages.machine_code(result, resolve, llvm_ir.name, of)
        for target in others:
            result = kernel.compiled(target)
            stage = triton_stages.layouts(result, resolve, tiles, of)
            yield stage
            yield from triton_stages.machine_code(result, resolve, stage.name, of)


def _refusal(
    name: str, failure: CompilationFailed, request: Request, of_line: Sequence[Lines]
) -> CannotCapture:
    """What Triton says of a line of the kernel, said of the line of the source that it came from."""
    place = re.match(rf"{name}\.py, line (\d+): (?:\w+\(['\"])?(.*?)(?:['\"]\))?$", str(failure))
    if not place:
        return CannotCapture(f"Triton refuses {name}: {failure}")
    lines = of_line[int(place[1]) - 1]
    where = f" ({PurePath(request.source.file).name}, line {lines[0]})" if lines else ""
    remedy = "The operation does not take this dtype; pass another." if "type" in place[2] else ""
    return CannotCapture(f"Triton refuses {name}{where}: {place[2]}. {remedy}".strip())


def _about(kernel: InductorKernel) -> str:
    first, *others = kernel.candidates
    if kernel.is_template:
        return f"Inductor's template of a matrix product, with the largest tile that fits, and with {first}."
    if others:
        number = len(kernel.candidates)
        return (
            f"Generated Triton. Inductor would time {number} configurations; compiled is the first, {first}."
        )
    return f"Generated Triton; it is compiled with {first}."


def _through(file: str, of_line: Sequence[Lines]) -> Resolve:
    """The places that Triton knows are lines of the generated kernel; those came from lines of the source."""
    known = (file, PurePath(file).name)

    def resolve(place: str, line: int) -> Lines:
        return of_line[line - 1] if place in known and 0 < line <= len(of_line) else ()

    return resolve
