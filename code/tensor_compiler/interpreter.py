"""The meaning of a loop function, one element at a time: the oracle of every rewrite and of the C.

f32 is rounded after each operation, bf16 and f16 when stored, integers wrap. Parallel and vectorized loops
run in an order drawn from a seed: a program whose result depends on it is wrong.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from .affine import evaluate
from .arguments import Array, bind
from .dtype import DType, bf16, s64
from .expression import Binary, Buffer, Call, Cast, Constant, Expression, Load, Select, Unary, Variable
from .intrinsics import OPERATIONS
from .meaning import MEANINGS
from .operators import widened
from .printer import type_text
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Prefetch, Reduce, Statement, Store
from .tile import expand
from .traversal import written_buffers

State = dict[str, Any]  # what each name in scope stands for: a number or a Memory
Evaluate = Callable[[State], Any]
Execute = Callable[[State], None]


class ExecutionError(RuntimeError):
    """What a program did that it must not, and in which iteration."""


def interpret(
    function: Function,
    *arguments: Any,
    seed: int = 0,
    races: bool = False,
    uninitialised: Collection[str] = (),
) -> None:
    """Run `function` on numpy arrays, which it writes in place.

    `uninitialised` names buffers whose content must not be read before it is written. With `races`, two
    iterations of a parallel or vectorized loop that touch one element, one of them writing, are an error.
    Raises BadArgument for arguments, ExecutionError for accesses out of bounds, reads of uninitialised
    elements, races, and integers that an operation does not give.
    """
    binding = bind(function, arguments)
    run = Run(random.Random(seed), races)
    state: State = dict(binding.scalars)
    for parameter in function.parameters:
        if isinstance(parameter, Variable) and parameter.dtype.is_float:
            state[parameter.name] = np.dtype(parameter.dtype.storage).type(state[parameter.name])
    for buffer in function.buffers:
        valid = buffer.name not in uninitialised
        state[buffer.name] = run.memory(buffer, state, binding.arrays[buffer.name] if valid else None)
    with np.errstate(all="ignore"):
        run.body(function.body, ())(state)
    for name in sorted(written_buffers(function) & set(binding.arrays)):
        state[name].give(binding.arrays[name])


class Memory:
    """The elements of a buffer in row-major order; None is an element that nothing wrote."""

    def __init__(self, buffer: Buffer, shape: tuple[int, ...], number: int, content: Array | None) -> None:
        self.buffer, self.shape, self.number = buffer, shape, number
        size = int(np.prod(shape, dtype=np.int64))
        self.elements: list[Any] = [None] * size
        if content is not None:
            flat = widened(content, buffer.dtype).ravel()
            self.elements = flat.tolist() if buffer.dtype == s64 else list(flat)

    def give(self, array: Array) -> None:
        """Write the elements to `array`, except those that nothing wrote."""
        flat = array.reshape(-1)
        for position, element in enumerate(self.elements):
            if element is not None:
                flat[position] = element.view(np.uint32) >> 16 if self.buffer.dtype == bf16 else element


class Watch:
    """Who touched what in one run of a parallel or vectorized loop."""

    def __init__(self, loop: For) -> None:
        self.loop = loop
        self.iteration = 0
        # (memory, position) -> kind of access -> iteration -> all loop variables; two iterations are enough
        self.touched: dict[tuple[int, int], dict[str, dict[int, str]]] = {}

    def touch(self, key: tuple[int, int], kind: str, where: str, element: str) -> None:
        kinds = self.touched.setdefault(key, {})
        for other, iterations in kinds.items():
            vectorized = self.loop.kind == "vectorized"
            if kind == other and (kind == "reads" or (vectorized and kind != "writes")):
                continue
            for iteration, elsewhere in iterations.items():
                if iteration != self.iteration:
                    first, second = other.split(" ")[0], kind.split(" ")[0]
                    raise ExecutionError(
                        f"iteration {elsewhere} {first} {element} and {where} {second} it: "
                        f"the iterations of '{self.loop.name}' are not independent"
                    )
        own = kinds.setdefault(kind, {})
        if len(own) < 2:
            own.setdefault(self.iteration, where)


class Run:
    """One run: statements and expressions become closures over the state, which then run."""

    def __init__(self, order: random.Random, races: bool) -> None:
        self.order, self.races = order, races
        self.watches: list[Watch] = []
        self.numbers: Iterator[int] = itertools.count()

    def memory(self, buffer: Buffer, state: State, content: Array | None = None) -> Memory:
        return Memory(buffer, tuple(evaluate(e, state) for e in buffer.shape), next(self.numbers), content)

    def body(self, statements: Body, loops: tuple[str, ...]) -> Execute:
        steps = [self.statement(statement, loops) for statement in statements]

        def execute(state: State) -> None:
            for step in steps:
                step(state)

        return execute

    def statement(self, statement: Statement, loops: tuple[str, ...]) -> Execute:
        match statement:
            case For():
                return self.loop(statement, loops)
            case Store():
                value, locate = self.value(statement.value, loops), self.locate(statement, loops)
                kept = rounded(statement.buffer.dtype)

                def store(state: State) -> None:
                    written = value(state)
                    memory, position = locate(state, "writes")
                    memory.elements[position] = kept(written)

                return store
            case Reduce():
                value, locate = self.value(statement.value, loops), self.locate(statement, loops)
                combine, kind = OPERATIONS[statement.operator], f"reduces {statement.operator}"
                name = statement.buffer.name

                def reduce(state: State) -> None:
                    written = value(state)
                    memory, position = locate(state, kind)
                    old = memory.elements[position]
                    if old is None:
                        raise unwritten(name, memory, position, loops, state)
                    memory.elements[position] = combine(old, written)

                return reduce
            case If():
                condition = self.value(statement.condition, loops)
                then, otherwise = self.body(statement.then, loops), self.body(statement.otherwise, loops)
                return lambda state: then(state) if condition(state) else otherwise(state)
            case Let():
                value, name = self.value(statement.value, loops), statement.name
                return lambda state: state.__setitem__(name, value(state))
            case Allocate():
                buffer = statement.buffer
                return lambda state: state.__setitem__(buffer.name, self.memory(buffer, state))
            case Prefetch():
                return lambda state: None
            case Invoke():
                return self.body(expand(statement, set(loops)), loops)
        raise TypeError(f"{type(statement).__name__} is no statement")

    def loop(self, loop: For, loops: tuple[str, ...]) -> Execute:
        lower, upper = self.value(loop.lower, loops), self.value(loop.upper, loops)
        body, name = self.body(loop.body, (*loops, loop.name)), loop.name
        independent = loop.kind in ("parallel", "vectorized")

        def execute(state: State) -> None:
            iterations = list(range(lower(state), upper(state)))
            if independent:
                self.order.shuffle(iterations)
            watch = Watch(loop)
            watching = independent and self.races
            if watching:
                self.watches.append(watch)
            for watch.iteration in iterations:
                state[name] = watch.iteration
                body(state)
            if watching:
                self.watches.pop()

        return execute

    def locate(
        self, access: Load | Store | Reduce, loops: tuple[str, ...]
    ) -> Callable[[State, str], tuple[Memory, int]]:
        """What finds the memory and the position of an element, within bounds and without a race."""
        indices, name = [self.value(index, loops) for index in access.indices], access.buffer.name

        def find(state: State, kind: str) -> tuple[Memory, int]:
            memory: Memory = state[name]
            position = 0
            for index, extent in zip(indices, memory.shape, strict=True):
                at = index(state)
                if not 0 <= at < extent:
                    element = f"{name}[{', '.join(str(each(state)) for each in indices)}]"
                    raise ExecutionError(
                        f"iteration {where(loops, state)} {kind.split(' ')[0]} {element}, outside of "
                        f"{type_text(memory.buffer)}: change the bounds of a loop or guard the access with if"
                    )
                position = position * extent + at
            for watch in self.watches:
                element = element_name(name, memory, position)
                watch.touch((memory.number, position), kind, where(loops, state), element)
            return memory, position

        return find

    def value(self, expression: Expression, loops: tuple[str, ...]) -> Evaluate:
        match expression:
            case Constant(value=number, dtype=dtype):
                constant = number if dtype in (s64, bf16) else np.dtype(dtype.storage).type(number)
                constant = np.float32(number) if dtype == bf16 else constant
                return lambda state: constant
            case Variable(name=name):
                return lambda state: state[name]
            case Unary(operator=sign):
                operand = self.value(expression.operand, loops)
                return (lambda state: -operand(state)) if sign == "-" else (lambda state: not operand(state))
            case Binary(operator="and" | "or" as logic):
                left, right = self.value(expression.left, loops), self.value(expression.right, loops)
                if logic == "and":
                    return lambda state: left(state) and right(state)
                return lambda state: left(state) or right(state)
            case Binary(operator=sign):
                left, right = self.value(expression.left, loops), self.value(expression.right, loops)
                operation = OPERATIONS[sign]
                if sign in ("//", "%"):
                    return lambda state: operation(left(state), divisor(right(state), loops, state))
                return lambda state: operation(left(state), right(state))
            case Select():
                condition = self.value(expression.condition, loops)
                then, otherwise = self.value(expression.then, loops), self.value(expression.otherwise, loops)
                return lambda state: then(state) if condition(state) else otherwise(state)
            case Cast():
                operand, convert = self.value(expression.operand, loops), conversion(expression.dtype)
                return lambda state: convert(operand(state))
            case Call():
                arguments = [self.value(argument, loops) for argument in expression.arguments]
                meaning = MEANINGS[expression.function]
                return lambda state: meaning(*[argument(state) for argument in arguments])
            case Load():
                return self.load(expression, loops)
        raise TypeError(f"{type(expression).__name__} is no expression")

    def load(self, load: Load, loops: tuple[str, ...]) -> Evaluate:
        locate, name = self.locate(load, loops), load.buffer.name

        def read(state: State) -> Any:
            memory, position = locate(state, "reads")
            element = memory.elements[position]
            if element is None:
                raise unwritten(name, memory, position, loops, state)
            return element

        return read


def conversion(dtype: DType) -> Callable[[Any], Any]:
    """What converts a number to `dtype`."""
    if dtype == bf16:
        return lambda value: np.float32(bf16.canonical(value))
    kind = np.dtype(dtype.storage).type
    if dtype.is_float:
        return kind
    least, greatest = map(int, dtype.limits)

    def to_integer(value: Any) -> Any:
        if isinstance(value, np.floating) and not least <= value <= greatest:
            raise ExecutionError(f"{value!s} does not fit {dtype}: clamp it before the cast")
        wrapped = (int(value) - least) % (1 << 8 * dtype.bytes) + least
        return wrapped if dtype == s64 else kind(wrapped)

    return to_integer


def rounded(dtype: DType) -> Callable[[Any], Any]:
    """What a store keeps of a value of its dtype: an s64 is a Python int everywhere."""
    return int if dtype == s64 else lambda value: value


def divisor(value: Any, loops: tuple[str, ...], state: State) -> Any:
    if value == 0:
        raise ExecutionError(f"iteration {where(loops, state)} divides by 0: guard the division with if")
    return value


def where(loops: tuple[str, ...], state: State) -> str:
    """The iteration, as (i=0, j=1)."""
    return f"({', '.join(f'{name}={state[name]}' for name in loops)})"


def element_name(name: str, memory: Memory, position: int) -> str:
    indices = np.unravel_index(position, memory.shape) if memory.shape else ()
    return f"{name}[{', '.join(str(int(index)) for index in indices) or '()'}]"


def unwritten(
    name: str, memory: Memory, position: int, loops: tuple[str, ...], state: State
) -> ExecutionError:
    return ExecutionError(
        f"iteration {where(loops, state)} reads {element_name(name, memory, position)}, which nothing wrote: "
        "initialise it first"
    )
