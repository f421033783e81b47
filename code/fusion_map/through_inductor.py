"""The Block through `torch.compile`: kernels from Inductor's scheduler, memory from the wrapper it writes."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import torch
import torch._functorch.config as functorch_config
import torch._inductor.config as inductor_config
from torch._inductor.compile_fx import compile_fx
from torch._inductor.graph import GraphLowering
from torch._inductor.utils import fresh_cache

from fusion_map.operation import FusionMap, Kernel, Kind, Operation
from fusion_map.program import Arrays, Function, Program

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")
_REDUCTIONS = ("mean", "sum", "amax")
_VIEWS = ("permute", "view", "expand", "unsqueeze", "reshape", "_unsafe_view")
_CONSTANTS = ("full", "iota", "scalar_tensor")
_CALL = re.compile(r"^ +(?:cpp_fused\w*|extern_kernels\.\w+)\(", re.MULTILINE)


def compile_inductor(function: Function, arrays: Arrays, dynamic: bool = False) -> Program:
    """`function` at the shapes of `arrays`, or at any with `dynamic`; all caches but headers are empty.

    Nothing is computed: the call that makes Dynamo compile gets an empty answer.
    """
    scheduled: list[Any] = []
    written: list[str] = []
    tensors = [torch.from_numpy(array) for array in arrays]
    is_compiling = True

    def keep(nodes: list[Any]) -> list[Any]:
        scheduled.extend(nodes)
        return nodes

    def backend(graph: Any, examples: Any) -> Any:
        compiled = compile_fx(graph, examples)
        return lambda *given: (torch.empty(0),) if is_compiling else compiled(*given)

    program = torch.compile(_copy(function), fullgraph=True, dynamic=dynamic, backend=backend)
    options = {"_post_fusion_custom_pass": keep, "fx_graph_cache": False, "compile_threads": 1}
    with (
        torch.no_grad(),
        fresh_cache(),
        inductor_config.patch(options),
        functorch_config.patch(enable_autograd_cache=False),
        mock.patch.object(GraphLowering, "save_output_code", written.append),
    ):
        program(*tensors)
    is_compiling = False
    (wrapper,) = written

    def run(*given: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            result: torch.Tensor = program(*given)
        return result

    if dynamic:
        return Program("Inductor", None, -1, torch.from_numpy, run)
    fusion = fusion_of(scheduled, function.__code__.co_varnames[: function.__code__.co_argcount])
    calls = len(_CALL.findall(wrapper[wrapper.index("def call(") : wrapper.index("runner = ")]))
    if calls != len(fusion.kernels):
        raise ValueError(f"Inductor scheduled {len(fusion.kernels)} kernels, but its wrapper calls {calls}")
    return Program("Inductor", fusion, temporaries_of(wrapper), torch.from_numpy, run)


def _copy(function: Function) -> Function:
    """The function with a code object of its own: Dynamo keeps its programs, and their number, by that."""
    return types.FunctionType(function.__code__.replace(), function.__globals__, function.__name__)


def fusion_of(scheduled: Sequence[Any], arguments: Sequence[str]) -> FusionMap:
    """Inductor's scheduler nodes after fusion, each a kernel of the FX nodes that it comes from."""
    (graph,) = {
        origin.graph for node in scheduled for part in node.get_nodes() for origin in part.node.origins
    }
    inputs = graph.find_nodes(op="placeholder")
    same = {node.name: name for node, name in zip(inputs, arguments, strict=True)}
    for node in graph.nodes:
        if _operator(node) in _VIEWS:
            same[node.name] = _final(same, node.all_input_nodes[0].name)
    kernels = [_kernel(node, same) for node in scheduled]
    (output,) = graph.find_nodes(op="output")
    results = tuple(_final(same, node.name) for node in output.all_input_nodes)
    given = {name: _bytes(node) for node, name in zip(inputs, arguments, strict=True)}
    return FusionMap("Inductor", given, tuple(kernels), results)


def _kernel(scheduled: Any, same: dict[str, str]) -> Kernel:
    is_library = type(scheduled).__name__ == "ExternKernelSchedulerNode"
    origins = {origin for part in scheduled.get_nodes() for origin in part.node.origins}
    operations = [
        operation
        for node in sorted(origins)
        # The origins of a library call include what its operands were made from.
        if _operator(node) not in _VIEWS and (_operator(node) in _PRODUCTS) == is_library
        for operation in _operations(node, same)
    ]
    return Kernel(scheduled.get_name(), "library" if is_library else "generated", tuple(operations))


def _operations(node: Any, same: dict[str, str]) -> Iterator[Operation]:
    name, operator = node.name, _operator(node)
    operands = tuple(_final(same, operand.name) for operand in node.all_input_nodes)
    if operator in ("addmm", "baddbmm"):  # a product, and a sum on the way out
        bias, left, right = (_final(same, operand.name) for operand in node.args[:3])
        yield Operation(f"{name}_product", "product", (left, right), _bytes(node))
        yield Operation(name, "elementwise", (bias, f"{name}_product"), _bytes(node))
        return
    kind: Kind = "elementwise"
    if operator in _PRODUCTS:
        kind = "product"
    elif operator in _REDUCTIONS:
        kind = "reduction"
    elif operator in _CONSTANTS:
        kind = "constant"
    yield Operation(name, kind, operands, _bytes(node))


def _operator(node: Any) -> str:
    """ATen's name of what the node calls, without overload; none for inputs and the output."""
    return node.target._schema.name.partition("::")[2] if node.op == "call_function" else ""


def _final(same: dict[str, str], name: str) -> str:
    return _final(same, same[name]) if name in same else name


def _bytes(node: Any) -> int:
    value = node.meta["val"]
    return math.prod(value.shape) * value.dtype.itemsize if value.ndim else 0


_ALLOCATION = re.compile(r"^(\w+) = empty_strided_cpu\(\(([\d, ]*)\), \([\d, ]*\), torch\.(\w+)\)")
_REUSE = re.compile(r"^(\w+) = (\w+); del (\w+)")
_RETURN = re.compile(r"^return \((\w+), \)")


def temporaries_of(wrapper: str) -> int:
    """The most bytes that live at once between kernels, by the wrapper's own allocations, reuses and ends."""
    lines = [line.strip() for line in wrapper[wrapper.index("def call(") :].splitlines()]
    result = next(found[1] for found in map(_RETURN.match, lines) if found)
    alive: dict[str, int] = {}
    history: list[dict[str, int]] = []
    renamed = {}
    for line in lines:
        if made := _ALLOCATION.match(line):
            itemsize = getattr(torch, made[3]).itemsize
            alive[made[1]] = math.prod(int(e) for e in made[2].split(",") if e.strip()) * itemsize
        elif reused := _REUSE.match(line):
            alive[reused[1]], renamed[reused[1]] = alive.pop(reused[2]), reused[2]
        elif line.startswith("del ") and line[4:] in alive:
            del alive[line[4:]]
        elif line.startswith("return "):
            break
        history.append(dict(alive))
    of_result = {result}
    while result in renamed:  # the result's memory may have held something else before
        result = renamed[result]
        of_result.add(result)
    return max(sum(size for name, size in each.items() if name not in of_result) for each in history)
