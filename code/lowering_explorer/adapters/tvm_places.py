"""Source lines as TVM's spans.

A span names one line, a kernel may come from several. So a span's line is the number of a set of source
lines in a table of ours. TVM keeps the spans of calls up to LegalizeOps, which makes kernels without any;
those of stores into buffers it keeps from there on, through fusion and scheduling to LLVM's debug locations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tvm
import tvm_ffi
from tvm import relax
from tvm.ir import SourceName, Span

from lowering_explorer.stage import Lines


class Places:
    """The table of sets of source lines."""

    def __init__(self) -> None:
        self._numbers: dict[Lines, int] = {}

    def span(self, lines: Lines) -> Span | None:
        """The span that stands for these lines; none for no line."""
        if not lines:
            return None
        number = self._numbers.setdefault(lines, len(self._numbers) + 1)
        return Span(SourceName("source"), number, number, 1, 1)

    def lines(self, span: Span | None) -> Lines:
        """What `span` stands for."""
        return self.resolve("", span.line) if span else ()

    def resolve(self, file: str, number: int) -> Lines:
        """The same, for the debug locations that LLVM writes; number 0 is code of no place."""
        return list(self._numbers)[number - 1] if 0 < number <= len(self._numbers) else ()


def union(sets: Iterable[Lines]) -> Lines:
    """All lines of the sets, in order."""
    return tuple(sorted({line for lines in sets for line in lines}))


def functions(module: Any) -> Mapping[str, Any]:
    """Name -> function, in the order of the names."""
    return {variable.name_hint: function for variable, function in module.functions_items()}


def bindings(function: Any) -> list[Any]:
    """The bindings of a Relax function, in order."""
    found: list[Any] = []
    tvm_ffi.structural_walk(function, [((relax.VarBinding, relax.MatchCast), found.append)], order="pre")
    return found


def stores(function: Any) -> list[Any]:
    """The stores into buffers of a TensorIR function."""
    found: list[Any] = []
    tvm_ffi.structural_walk(function.body, [(tvm.tirx.BufferStore, found.append)])
    return found


def called(value: Any) -> list[str]:
    """The functions of the module that an expression names."""
    found: list[str] = []
    tvm_ffi.structural_walk(value, [(tvm.ir.GlobalVar, lambda variable: found.append(variable.name_hint))])
    return found


class LinesOfModule:
    """The source lines of a module's functions and of the bindings in them."""

    def __init__(self, module: Any, places: Places) -> None:
        self._functions = functions(module)
        self._places = places
        self._known: dict[str, Lines] = {}

    def of_function(self, name: str) -> Lines:
        """Of everything in the function."""
        if name not in self._known:
            self._known[name] = ()  # for a function that calls itself
            function = self._functions.get(name)
            if isinstance(function, tvm.tirx.PrimFunc):
                self._known[name] = union(self._places.lines(store.span) for store in stores(function))
            elif isinstance(function, relax.Function):
                self._known[name] = union(map(self.of_binding, bindings(function)))
        return self._known[name]

    def of_binding(self, binding: Any) -> Lines:
        """Of its call, or where that has no span, of the functions that it names."""
        own = self._places.lines(getattr(binding.value, "span", None))
        return own or union(map(self.of_function, called(binding.value)))


def with_located_kernels(legalized: Any, imported: Any, places: Places) -> Any:
    """The module that LegalizeOps made of `imported`, its kernels and their calls with spans again.

    LegalizeOps keeps the names of variables; a kernel that several operations share gets the lines of all.
    """
    span_of = {
        (name, binding.var.name): binding.value.span
        for name, function in functions(imported).items()
        if isinstance(function, relax.Function)
        for binding in bindings(function)
        if isinstance(binding.value, relax.Call)
    }
    callers: dict[str, list[Lines]] = {}
    result = tvm.IRModule(dict(legalized.functions_items()), attrs=legalized.attrs)
    for variable, function in legalized.functions_items():
        if not isinstance(function, relax.Function):
            continue

        def locate(binding: Any, name: str = variable.name_hint) -> Any:
            span = span_of.get((name, binding.var.name))
            call = binding.value
            if span is None or not isinstance(call, relax.Call):
                return binding
            for kernel in called(call):
                callers.setdefault(kernel, []).append(places.lines(span))
            return relax.VarBinding(
                binding.var, relax.Call(call.op, call.args, call.attrs, call.ty_args, span)
            )

        result.update_func(variable, tvm_ffi.structural_map(function, (relax.VarBinding, locate)))
    return with_filled_spans(result, {name: union(lines) for name, lines in callers.items()}, places)


def with_filled_spans(module: Any, lines_of: Mapping[str, Lines], places: Places) -> Any:
    """The module with a span for each store that has none: its kernel's lines, by the kernel's name."""
    result = tvm.IRModule(dict(module.functions_items()), attrs=module.attrs)
    for variable, function in module.functions_items():
        span = places.span(lines_of.get(variable.name_hint, ()))
        if isinstance(function, tvm.tirx.PrimFunc) and span is not None:

            def fill(store: Any, span: Span = span) -> Any:
                return (
                    store
                    if store.span
                    else tvm.tirx.BufferStore(store.buffer, store.value, store.indices, span)
                )

            result.update_func(variable, tvm_ffi.structural_map(function, (tvm.tirx.BufferStore, fill)))
    return result
