"""The function through torch.export into Relax, each call with a span that stands for its source lines."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.fx.proxy
from tvm import relax
from tvm.relax.frontend.torch.exported_program_translator import ExportedProgramImporter

from lowering_explorer.adapters import fx_text
from lowering_explorer.adapters.tvm_places import Places
from lowering_explorer.argument import Array, with_arrays
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Lines


def exported(request: Request) -> Any:
    """The `torch.export.ExportedProgram` of the function of its arrays; the other arguments are constants."""
    bound = _bound(request)
    arrays = _named_arrays(bound)

    class Module(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *tensors: torch.Tensor) -> Any:
            remaining = iter(tensors)
            values = with_arrays(dict(bound.arguments), lambda array: next(remaining))
            given = inspect.BoundArguments(bound.signature, values)
            return request.function(*given.args, **given.kwargs)

    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *arrays)
    ]
    Module.forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    tensors = tuple(
        torch.zeros(array.shape, dtype=getattr(torch, array.dtype_name)) for array in arrays.values()
    )
    _keep_frames_of(request.source.file)
    with _without_its_warnings(), torch.no_grad():
        return torch.export.export(Module(), tensors)


def decomposed(program: Any) -> Any:
    """The program in the smaller set of operations that TVM's importer knows."""
    with _without_its_warnings():
        return program.run_decompositions()


@contextmanager
def _without_its_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch.export copies its trees through copyreg
        yield


def _bound(request: Request) -> inspect.BoundArguments:
    try:
        return inspect.signature(request.function).bind(*request.arguments, **request.keywords)
    except TypeError as error:
        raise CannotCapture(
            f"the arguments do not fit the function: {error}. Give one for each of its parameters."
        ) from None


def _named_arrays(bound: inspect.BoundArguments) -> Mapping[str, Array]:
    """The arrays in the order of the parameters, under the names of those that they belong to."""
    found: dict[str, Array] = {}
    for name, value in bound.arguments.items():
        arrays: list[Array] = []
        with_arrays(value, arrays.append)
        for number, array in enumerate(arrays):
            found[name if isinstance(value, Array) else f"{name}_{number}"] = array
    return found


def _keep_frames_of(file: str) -> None:
    """Make torch.export keep the places of all functions of a file: by itself it keeps `forward` alone."""
    names = {"<lambda>"}
    names.update(
        node.name for node in ast.walk(ast.parse(Path(file).read_text())) if isinstance(node, ast.FunctionDef)
    )
    torch.fx.proxy._STACK_TRACE_ANCHORS.update((file, name) for name in names)


def graph(program: Any, request: Request) -> tuple[str, tuple[Lines, ...]]:
    """The graph as Python, and the source lines of each of its lines."""
    text, _ = fx_text.located(program.graph_module.print_readable(print_output=False), request)
    of_node = {node.name: _lines(node, request) for node in program.graph.nodes}
    assigned = [re.match(r"\s+(\w+)(?:: \".*?\")? = ", line) for line in text.splitlines()]
    return text, tuple(of_node.get(name[1], ()) if name else () for name in assigned)


def _lines(node: Any, request: Request) -> Lines:
    """The innermost place of a node that is in the source."""
    places = re.findall(r'File "(.+)", line (\d+), in ', node.meta.get("stack_trace") or "")
    found = (request.resolve(file, int(line)) for file, line in reversed(places))
    return next(filter(None, found), ())


def imported(program: Any, request: Request, places: Places) -> Any:
    """The Relax module of a decomposed program, with a span for the source lines of each call."""
    importer = ExportedProgramImporter()
    current: list[Lines] = [()]

    def located(convert: Callable[..., Any]) -> Callable[..., Any]:
        def convert_and_locate(node: Any, *rest: Any) -> Any:
            current[0] = _lines(node, request)
            return convert(node, *rest)

        return convert_and_locate

    importer.convert_map = {name: located(convert) for name, convert in importer.convert_map.items()}
    own = {name: located(convert) for name, convert in _CONVERSIONS.items()}
    with _emitting_spans(lambda: places.span(current[0])):
        return importer.from_exported_program(program, False, True, False, own)


@contextmanager
def _emitting_spans(span: Callable[[], Any]) -> Iterator[None]:
    """The importer sets no spans, and knows no hook: calls get theirs where the builder takes them."""
    emit = relax.BlockBuilder.emit

    def emit_with_span(builder: Any, value: Any, name_hint: str = "") -> Any:
        if isinstance(value, relax.Call) and value.span is None:
            value = relax.Call(value.op, value.args, value.attrs, value.ty_args, span())
        return emit(builder, value, name_hint)

    relax.BlockBuilder.emit = emit_with_span
    try:
        yield
    finally:
        relax.BlockBuilder.emit = emit


def _reduction(operation: Callable[..., Any]) -> Callable[..., Any]:
    def convert(node: Any, importer: Any) -> Any:
        tensor, axes, keepdims = (*importer.retrieve_args(node), False)[:3]
        return importer.block_builder.emit(operation(tensor, axes or None, keepdims=keepdims))

    return convert


# Reductions that TVM 0.27 imports by their other name only: max.dim, not amax.
_CONVERSIONS = {
    "amax.default": _reduction(relax.op.max),
    "amin.default": _reduction(relax.op.min),
}
