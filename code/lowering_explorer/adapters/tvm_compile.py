"""A function on its way through TVM's own pipelines, one pass at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import tvm
import tvm_ffi
from tvm.relax.backend.cpu_generic import pipeline as cpu_pipeline
from tvm.relax.backend.cuda import pipeline as cuda_pipeline
from tvm.s_tir import dlight

from lowering_explorer.adapters import fx_text, tvm_build, tvm_script
from lowering_explorer.adapters.frame_modules import remembered_misses
from lowering_explorer.adapters.tvm_import import decomposed, exported, graph, imported
from lowering_explorer.adapters.tvm_places import (
    LinesOfModule,
    Places,
    functions,
    with_filled_spans,
    with_located_kernels,
)
from lowering_explorer.adapters.tvm_refusals import refusal
from lowering_explorer.request import Request
from lowering_explorer.stage import Stage

SCHEDULING = "ApplyDefaultSchedule"
_PATTERNS = ("elementwise", "broadcast", "injective", "reduction", "fusable into its output", "", "", "tuple")


class Compilation:
    """`stages()` compiles; then `lowered` is the module that `executable` was built of, for the CPU."""

    def __init__(self, request: Request, schedule: str, gpu: str) -> None:
        self.lowered: Any = None
        self.executable: Any = None
        self._request = request
        self._rules = [dlight.cpu.GEMV(), dlight.cpu.Reduction()] if schedule == "dlight" else []
        self._gpu = gpu
        self._places = Places()

    def stages(self) -> Iterator[Stage]:
        """From the exported graph to the assembly, then the CUDA source."""
        program = self._allowed(lambda: exported(self._request))
        latest = self._graph("exported graph", "", program, "What torch.export traced, in ATen's operations.")
        yield latest
        program = decomposed(program)
        note = "ATen's operations, taken apart into the smaller set that TVM's importer knows."
        smaller = self._graph("decomposed graph", latest.name, program, note)
        if fx_text.body(smaller.text) != fx_text.body(latest.text):
            latest = smaller
            yield latest
        module = self._allowed(lambda: imported(program, self._request, self._places))
        latest = self._relax(module, "Relax", latest.name, "tensor IR", "The graph as TVM imports it.")
        yield latest
        yield from self._for_cpu(module, latest)
        if self._gpu and _kernel_names(self.lowered):
            with remembered_misses():  # DLight imports TVM's tensor intrinsics
                yield from self._for_gpu(module)

    def _allowed(self, step: Callable[[], Any]) -> Any:
        """What the step returns. Raises CannotCapture for an error that we can explain."""
        try:
            return step()
        except Exception as error:
            raise refusal(error, self._request) from error

    def _for_cpu(self, module: Any, latest: Stage) -> Iterator[Stage]:
        target = tvm_build.processor()
        kernels = latest
        level = "tensor IR"
        for each in _passes(cpu_pipeline, target, self._rules):
            ran = each.info.name
            before, module = module, self._after(each, module, target)
            level = "loops" if ran == "FuseTIR" else level
            after = self._relax(module, f"Relax after {ran}", latest.name, level, _RELAX_NOTES.get(ran, ""))
            if after.text != latest.text:
                latest = after
                yield latest
            if not _kernel_names(module):
                continue
            if ran == "LegalizeOps":
                kernels = self._kernels(module, "TensorIR", latest.name, _KERNELS)
                yield kernels
            elif ran == "AnnotateTIROpPattern":
                yield self._patterns(module, kernels.name)
            elif ran == "FuseTIR":
                kernels = self._kernels(module, "fused TensorIR", kernels.name, self._fusion_note(module))
                yield kernels
            elif ran == SCHEDULING:
                kernels = self._kernels(
                    module, "scheduled TensorIR", kernels.name, _schedule_note(before, module)
                )
                yield kernels
        self.lowered = module
        text, _ = tvm_script.kernels(module, self._places)  # names fixed since, which is no change
        passes = tvm_build.LoweringPasses(self._places, replace(kernels, text=text, source_lines=()))
        try:
            with tvm.transform.PassContext(instruments=[passes.instrument()]):
                self.executable = tvm.compile(module, target=target, relax_pipeline=_NOTHING)
        finally:
            yield from passes.stages
        lines_of = LinesOfModule(module, self._places).of_function
        yield tvm_build.bytecode(self.executable, latest.name, lines_of)
        if names := _kernel_names(module):
            library = tvm_build.imported_module(self.executable.mod, "llvm")
            yield from tvm_build.machine_code(library, names, self._places, passes.previous.name)

    def _for_gpu(self, module: Any) -> Iterator[Stage]:
        target = tvm.target.Target(self._gpu, host="llvm")
        parent = ""
        for each in _passes(cuda_pipeline, target, []):
            before, module = module, self._after(each, module, target)
            if each.info.name == SCHEDULING:
                lines_of = LinesOfModule(module, self._places).of_function
                note = f"For {self._gpu}. {_schedule_note(before, module)}"
                stage = self._kernels(module, "TensorIR scheduled for CUDA", "fused TensorIR", note)
                parent = stage.name
                yield stage
        executable = tvm.compile(module, target=target, relax_pipeline=_NOTHING)
        yield from tvm_build.cuda_source(executable.mod, _kernel_names(module), parent, lines_of)

    def _after(self, each: Any, module: Any, target: Any) -> Any:
        """The module after a pass, with spans again where the pass took them."""
        # Some passes of DLight change the module that they are given.
        given = tvm.IRModule(dict(module.functions_items()), attrs=module.attrs)
        with target:
            result = each(given)
        if each.info.name == "LegalizeOps":
            return with_located_kernels(result, module, self._places)
        if each.info.name == SCHEDULING:
            lines_of = LinesOfModule(module, self._places).of_function
            return with_filled_spans(
                result, {name: lines_of(name) for name in functions(module)}, self._places
            )
        return result

    def _graph(self, name: str, parent: str, program: Any, note: str) -> Stage:
        text, lines = graph(program, self._request)
        return Stage(name, "graph", "python", text, parent, lines, fx_text.operations(text), note)

    def _relax(self, module: Any, name: str, parent: str, level: str, note: str) -> Stage:
        text, lines = tvm_script.relax_functions(module, self._places)
        return Stage(name, level, "python", text, parent, lines, tvm_script.relax_counts(text), note)

    def _kernels(self, module: Any, name: str, parent: str, note: str) -> Stage:
        text, lines = tvm_script.kernels(module, self._places)
        return Stage(name, "loops", "python", text, parent, lines, tvm_script.kernel_counts(text), note)

    def _patterns(self, module: Any, parent: str) -> Stage:
        """What FuseOps decides by: how each kernel's output depends on its input."""
        lines_of = LinesOfModule(module, self._places).of_function
        found = {
            name: pattern
            for name in _kernel_names(module)
            if (pattern := functions(module)[name].attrs.get("op_pattern")) is not None
        }
        text = "".join(
            f"{name}: {_PATTERNS[int(pattern)] if int(pattern) < 8 else 'opaque'} ({int(pattern)})\n"
            for name, pattern in found.items()
        )
        note = "TVM reads from each kernel's loops what it may be fused with; FuseOps decides by this."
        return Stage(
            "operator patterns", "loops", "text", text, parent, tuple(map(lines_of, found)), note=note
        )

    def _fusion_note(self, module: Any) -> str:
        names = _kernel_names(module)
        fused = sum(name.startswith("fused_") for name in names)
        note = f"Fusion left {len(names)} kernels, {fused} of them of several operations."
        if not self._rules:
            note += (
                " TVM's pipeline for a CPU schedules none of them: the loops stay as they are here, "
                "and LLVM vectorises what it can. The option schedule='dlight' schedules some."
            )
        return note


def _passes(backend: ModuleType, target: Any, rules: Sequence[Any]) -> list[Any]:
    """The backend's own passes; `rules`, if any, schedule the fused kernels."""
    with target:
        return [
            *backend.library_dispatch_passes(target),
            *backend.legalize_passes(target),
            *([dlight.ApplyDefaultSchedule(*rules)] if rules else ()),
            *backend.dataflow_lower_passes(target),
            *backend.finalize_passes(target),
        ]


_NOTHING = tvm.transform.Sequential([], name="nothing")  # the passes ran already


def _kernel_names(module: Any) -> list[str]:
    return [name for name, function in functions(module).items() if isinstance(function, tvm.tirx.PrimFunc)]


def _schedule_note(before: Any, after: Any) -> str:
    """Which kernels a schedule was found for."""
    names = _kernel_names(after)
    old, new = functions(before), functions(after)
    scheduled = [name for name in names if not tvm_ffi.structural_equal(old[name], new[name])]
    rest = [name for name in names if name not in scheduled]
    note = f"DLight's rules scheduled {len(scheduled)} of {len(names)} kernels"
    return f"{note}; {', '.join(rest)} stayed as before." if rest else f"{note}."


_KERNELS = (
    "Each operation became a function with loops of its own. One that several operations share "
    "carries the source lines of them all."
)
_RELAX_NOTES = {
    "LegalizeOps": "Each operation became a call of a kernel in TensorIR.",
    "FoldConstant": "Kernels whose inputs are all constants ran at compile time.",
    "FuseOps": "Kernels that may run in one loop nest were put into functions of their own.",
    "FuseTIR": "Each of these functions became one kernel.",
    "RewriteDataflowReshape": "Reshapes became views.",
    "ToNonDataflow": "Order counts from here on: the dataflow block is gone.",
    "RemovePurityChecking": "Calls with side effects are allowed from here on.",
    "CallTIRRewrite": "Each kernel now writes into a tensor that is allocated before it is called.",
    "StaticPlanBlockMemory": "Tensors that are never alive together share a storage.",
    "LowerAllocTensor": "A tensor is a place in a storage.",
    "KillAfterLastUse": "Storages and tensors are freed after their last use.",
    "LowerRuntimeBuiltin": "Memory is the virtual machine's business: the calls are its own.",
    "ComputePrimValue": "Arithmetic on numbers became kernels.",
    "VMShapeLower": "The shapes of the arguments are checked when the function is called.",
    "AttachGlobalSymbol": "Names are fixed for the linker.",
}
