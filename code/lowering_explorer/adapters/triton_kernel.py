"""A kernel from its source to the instructions of several GPUs, ahead of time: Triton and Gluon alike.

Option: `targets`, names such as sm_90 or gfx942. The first target's passes are shown one by one; of the
others, the last layouts and the machine code.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from triton.runtime.jit import JITFunction

from lowering_explorer.adapters import triton_stages
from lowering_explorer.adapters.triton_compile import CompilationFailed, compiled, target_named
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage


def stages(request: Request, language: str, targets: Sequence[str]) -> Iterator[Stage]:
    """The stages of the kernel; `language` is Triton or Gluon. Raises CannotCapture.

    A target that refuses the kernel does not keep the others from it.
    """
    kernel = request.function
    check_constants(kernel, request.arguments, request.keywords)
    main, *others = [target_named(name) for name in request.options.get("targets", targets)]
    source = f"{language} source"
    lines = tuple((number,) for number in request.source.lines)
    yield Stage(source, "Python", "python", f"{request.source}\n", source_lines=lines)

    try:
        result = compiled(kernel, request.arguments, request.keywords, main, keep_passes=True)
    except CompilationFailed as failure:
        yield from triton_stages.after_each_pass(failure.passes, request.resolve, source)
        raise
    parent = source
    for stage in triton_stages.after_each_pass(result.passes, request.resolve, source):
        yield stage
        parent = stage.name
    first = next(name for name in ("TTIR", "TTGIR") if name.lower() in result.texts)
    llvm_ir = triton_stages.llvm_ir(result, request.resolve, parent)
    yield llvm_ir
    yield from triton_stages.machine_code(result, request.resolve, llvm_ir.name)
    refusals = []
    for target in others:
        try:
            result = compiled(kernel, request.arguments, request.keywords, target)
        except CompilationFailed as failure:
            refusals.append(f"{triton_stages.written(target)} refuses the kernel: {failure}")
            continue
        stage = triton_stages.layouts(result, request.resolve, first)
        yield stage
        yield from triton_stages.machine_code(result, request.resolve, stage.name)
    if refusals:
        raise CannotCapture("; ".join(refusals))


def check_constants(kernel: JITFunction, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
    """Raises CannotCapture where a parameter of the kernel has no value."""
    parameters = inspect.signature(kernel.fn).parameters
    own = {name: value for name, value in keywords.items() if name in parameters}
    try:
        inspect.signature(kernel.fn).bind(*arguments, **own)
    except TypeError as error:
        raise CannotCapture(
            f"{kernel.fn.__name__}: {error}; pass its arrays and numbers in order, its constants by name"
        ) from None
