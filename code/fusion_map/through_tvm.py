"""The Block through TVM: kernels from Relax after FuseOps, memory from its static plan."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tvm
from tvm import relax
from tvm.ir.instrument import pass_instrument

from fusion_map.operation import FusionMap, Kernel, Kind, Operation
from fusion_map.program import Arrays, Function, Program
from the_block.compilers import with_tvm

# What a kernel of TVM's is called, without the number behind it -> what it does; all others are elementwise.
_KINDS: Mapping[str, Kind] = {
    "matmul": "product",
    **dict.fromkeys(("mean", "sum", "max"), "reduction"),
    **dict.fromkeys(("transpose", "reshape", "broadcast_to"), "movement"),
}


def compile_tvm(function: Function, arrays: Arrays, open_rows: bool = False) -> Program:
    """`function` at the shapes of `arrays`, through the pipeline for this CPU: fused, and not scheduled.

    With `open_rows` the rows of the first argument stay a symbol, for two and more.
    """
    modules: dict[str, Any] = {}

    @pass_instrument  # type: ignore[untyped-decorator, unused-ignore]
    class Keep:
        def run_after_pass(self, module: Any, info: Any) -> None:
            modules[info.name] = module

    with tvm.transform.PassContext(opt_level=3, instruments=[Keep()]):
        program = with_tvm(function, arrays, open_rows)
    machine = program.machine["main"]
    fusion, temporaries = None, -1
    if not open_rows:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        fusion = fusion_of(modules["FuseOps"], names)
        temporaries = temporaries_of(modules["StaticPlanBlockMemory"])
    return Program("TVM", fusion, temporaries, tvm.runtime.tensor, lambda *given: machine(*given).numpy())


def temporaries_of(module: Any) -> int:
    """Bytes of all storages that the memory plan allocates; the result has none of them."""
    storage = tvm.ir.Op.get("relax.memory.alloc_storage")
    calls = (value for _, value in _bindings(module["main"]))
    return sum(
        int(math.prod(int(extent) for extent in call.args[0].values))
        for call in calls
        if isinstance(call, relax.Call) and call.op == storage
    )


def fusion_of(module: Any, arguments: tuple[str, ...]) -> FusionMap:
    """The calls of `main` as kernels, each with the calls of the function that FuseOps made of several."""
    return _Reader(module).fusion(arguments)


@dataclass
class _Reader:
    module: Any
    given: dict[str, int] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)

    def fusion(self, arguments: tuple[str, ...]) -> FusionMap:
        main = self.module["main"]
        inside: dict[Any, str] = {}
        for variable, name in zip(main.params, arguments, strict=True):
            inside[variable] = name
            self.given[name] = _bytes(variable)
        kernels = []
        for number, (variable, value) in enumerate(_bindings(main)):
            if not isinstance(value, relax.Call):
                inside[variable] = inside[value]
                continue
            operations = tuple(self.operations(f"k{number}", variable, value, inside))
            kernels.append(Kernel(_called(value), "generated", operations))
        result = inside[main.body.body]
        return FusionMap("TVM", self.given, tuple(kernels), (result,))

    def operations(self, kernel: str, variable: Any, call: Any, names: dict[Any, str]) -> Iterator[Operation]:
        """The operations of one call of `main`; the last one makes `variable`, which `names` learns."""
        if isinstance(call.op, tvm.ir.Op):  # call_tir of a single kernel
            names[variable] = f"{kernel}_{variable.name}"
            yield self.operation(names[variable], call, names)
            return
        function = self.module[call.op]
        inside = {p: self.operand(a, names) for p, a in zip(function.params, call.args, strict=True)}
        for inner, value in _bindings(function):
            if isinstance(value, relax.Call):
                inside[inner] = f"{kernel}_{inner.name}"
                yield self.operation(inside[inner], value, inside)
            else:
                inside[inner] = inside[value]
        names[variable] = inside[function.body.body]

    def operation(self, name: str, call: Any, names: dict[Any, str]) -> Operation:
        kind = _KINDS.get(_called(call).rstrip("0123456789"), "elementwise")
        operands = tuple(self.operand(argument, names) for argument in call.args[1].fields)
        return Operation(name, kind, operands, _bytes(call))

    def operand(self, value: Any, names: dict[Any, str]) -> str:
        if isinstance(value, tvm.ir.GenericConst):
            name = f"constant {len(self.given)}"
            self.given[name] = _bytes(value)
            return name
        return names[value]


def _bindings(function: Any) -> Iterator[tuple[Any, Any]]:
    for block in function.body.blocks:
        for binding in block.bindings:
            yield binding.var, binding.value


def _called(call: Any) -> str:
    """The name of the function in the module that a call runs."""
    return str((call.args[0] if isinstance(call.op, tvm.ir.Op) else call.op).name_hint)


def _bytes(value: Any) -> int:
    """Bytes of a tensor; a scalar is a part of the code and counts as none."""
    shape = [int(extent) for extent in value.ty.shape.values]
    itemsize = (tvm.DataType(str(value.ty.dtype)).bits + 7) // 8
    return math.prod(shape) * itemsize if shape else 0
