"""XLA on the CPU, through JAX, with its default options."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax

from lowering_explorer.adapters import debug_locations, hlo_text, xla_dump
from lowering_explorer.adapters.xla_thunks import thunks
from lowering_explorer.request import Request
from lowering_explorer.stage import Lines, Stage

REMEDIES = (
    (
        r"NonConcreteBooleanIndexError",
        "The shape of the result depends on the values of an array: use jax.numpy.where, "
        "or jax.numpy.nonzero with size.",
    ),
    (
        r"TracerBoolConversionError|ConcretizationTypeError|TracerIntegerConversionError",
        "The function decides by the value of an array, which is not known when it is compiled: "
        "use jax.lax.cond, jax.lax.while_loop or jax.numpy.where.",
    ),
    (r"TracerArrayConversionError", "The function calls NumPy on an array: use jax.numpy or the array API."),
    (
        r"must be Tensor, not|has no attribute|not a valid JAX type",
        "Its arguments are arrays of JAX: write it in the array API or in jax.numpy.",
    ),
    (r"positional argument", "Give one argument for each parameter of the function."),
    (r"[Ss]hape|contracting", "Check that the arguments' shapes fit each other."),
    (r"dtype", "The operation does not take this dtype; pass another."),
)
_JAXPR_PLACE = re.compile(r"\s+# (\S+?):(\d+)(?::\d+)?(?: \(.*\))?$")
_FLAGS = ("NPROC", "XLA_FLAGS", "JAX_PLATFORMS")


def flags() -> dict[str, str]:
    """What the environment sets."""
    return {name: os.environ[name] for name in _FLAGS if name in os.environ}


def capture(request: Request) -> Iterator[Stage]:
    """The stages of `jax.jit`; see `lower_with`."""
    return lower_with(request, {})


def lower_with(request: Request, compiler_options: Mapping[str, Any]) -> Iterator[Stage]:
    """Everything from the trace to the assembly, with XLA's options for this compilation."""
    lowered = yield from lowered_for(request)
    compiled = lowered.compile(
        compiler_options={"xla_dump_to": str(request.folder), **xla_dump.OPTIONS, **compiler_options}
    )
    last = ""
    for stage in xla_dump.hlo_stages(request.folder, request):
        yield stage
        last = stage.name if stage.language == "hlo" else last
    calls = thunks(compiled.runtime_executable().serialize())
    lines_of_kernel: dict[str, Lines] = {}
    for stage in xla_dump.final_stages(request.folder, request, last, calls):
        if stage.name == "fused HLO":
            lines_of_kernel = dict(hlo_text.kernel_lines(stage.text, stage.source_lines))
            stage = replace(stage, counts={**stage.counts, **costs(compiled)})
        yield stage
    yield from xla_dump.kernel_stages(request.folder, lines_of_kernel)


def lowered_for(
    request: Request,
    platform: str = "cpu",
    device: Any = None,
    plain: Callable[[Stage], Stage] = lambda stage: stage,
) -> Generator[Stage, None, Any]:
    """The trace and StableHLO; returns what JAX lowered for the platform, ready to compile for the device.

    `plain` takes out of StableHLO what it says because a device was named.
    """
    arrays = request.arrays()
    wide = any(array.dtype in ("f64", "s64") for array in arrays)
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", wide)
    jax.config.update("jax_traceback_in_locations_limit", 10)
    sharding = jax.sharding.SingleDeviceSharding(device) if device else None
    shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype_name, sharding=sharding) for array in arrays]
    traced = jax.jit(request.of_arrays()).trace(*shapes)
    text, lines = _jaxpr(traced.jaxpr.jaxpr, request)
    yield Stage("jaxpr", "graph", "jaxpr", text, "", lines, note="The trace: one equation per primitive.")
    lowered = traced.lower(lowering_platforms=(platform,))
    text, lines = debug_locations.mlir(lowered.as_text(debug_info=True), request.resolve)
    note = "The form in which JAX hands the program to XLA; broadcasts and constants became operations."
    yield plain(Stage("StableHLO", "tensor IR", "mlir", text, "jaxpr", lines, note=note))
    return lowered


def _jaxpr(jaxpr: Any, request: Request) -> tuple[str, tuple[Lines, ...]]:
    kept: list[str] = []
    found: list[Lines] = []
    for line in jaxpr.pretty_print(source_info=True, use_color=False).splitlines():
        place = _JAXPR_PLACE.search(line)
        kept.append(_JAXPR_PLACE.sub("", line))
        found.append(request.resolve(place[1], int(place[2])) if place else ())
    return "\n".join(kept) + "\n", tuple(found)


def costs(compiled: Any) -> dict[str, int]:
    """XLA's own estimates for the program that it compiled."""
    estimates = compiled.cost_analysis() or {}
    return {
        title: int(estimates[name])
        for name, title in {"flops": "estimated FLOPs", "bytes accessed": "estimated bytes accessed"}.items()
        if name in estimates
    }
