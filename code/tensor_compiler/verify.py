"""What holds of every loop function between two steps of the compiler, beyond what constructors check."""

from __future__ import annotations

import keyword
import re

from .dtype import DTYPES
from .expression import SCOPES, Binary, Buffer, Load, Variable
from .intrinsics import INTRINSICS
from .printer import show, statement_text
from .statement import KINDS, Allocate, Body, For, Function, If, Invoke, Let, Statement, Store
from .traversal import expressions, loads

C_WORDS = re.compile(
    r"auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|"
    r"goto|if|inline|int|long|register|restrict|return|short|signed|sizeof|static|struct|"
    r"switch|typedef|union|unsigned|void|volatile|while|threads|main"
)


class InvalidProgram(ValueError):
    """A text that is no loop function, or a function that breaks an invariant."""


def reserved(name: str) -> bool:
    """Whether `name` cannot name a loop, a value or a buffer."""
    words = ("inf", "nan", "min", "max", "prefetch", "non_temporal")
    words += (*DTYPES, *INTRINSICS, *KINDS, *SCOPES)
    if C_WORDS.fullmatch(name) or keyword.iskeyword(name):
        return True
    return name in words or not name.isidentifier() or "__" in name


def verify(function: Function) -> Function:
    """`function`, if its names are unique and introduced before use.

    Raises InvalidProgram with the guilty line: one sentence, and that line.
    """
    taken: set[str] = set()
    scope: dict[str, Buffer | Variable] = {}
    for parameter in sorted(function.parameters, key=lambda each: isinstance(each, Buffer)):
        introduce(parameter, scope, taken, f"def {function.name}(...)")
    verify_body(function.body, scope, taken)
    return function


def verify_body(body: Body, scope: dict[str, Buffer | Variable], taken: set[str]) -> None:
    scope = dict(scope)
    for statement in body:
        line = statement_text(statement)
        verify_uses(statement, scope, line)
        match statement:
            case For():
                inside = dict(scope)
                introduce(statement.variable, inside, taken, line)
                verify_body(statement.body, inside, taken)
            case If():
                verify_body(statement.then, scope, taken)
                verify_body(statement.otherwise, scope, taken)
            case Let():
                introduce(statement.variable, scope, taken, line)
            case Allocate():
                introduce(statement.buffer, scope, taken, line)


def introduce(
    what: Buffer | Variable, scope: dict[str, Buffer | Variable], taken: set[str], line: str
) -> None:
    if what.name in taken:
        raise InvalidProgram(f"'{what.name}' is introduced twice: rename one of the two\n    {line}")
    if reserved(what.name):
        raise InvalidProgram(f"'{what.name}' means something else here or in C: rename it\n    {line}")
    if isinstance(what, Buffer):
        for extent in what.shape:
            verify_variables(extent, scope, line)
    taken.add(what.name)
    scope[what.name] = what


def verify_uses(statement: Statement, scope: dict[str, Buffer | Variable], line: str) -> None:
    """Check what the first line of `statement` uses."""
    header = (
        (statement.lower, statement.upper)
        if isinstance(statement, For)
        else (statement.condition,)
        if isinstance(statement, If)
        else tuple(e for e in expressions(statement))
    )
    for expression in header:
        verify_variables(expression, scope, line)
    buffer = getattr(statement, "buffer", None)
    if buffer is not None and not isinstance(statement, Allocate):
        verify_buffer(buffer, scope, line)
    if isinstance(statement, Invoke):
        for operand in statement.operands:
            verify_buffer(operand.buffer, scope, line)
    if isinstance(statement, Store) and isinstance(statement.value, Binary):
        own = Load(statement.buffer, statement.indices)
        if statement.value.operator in ("max", "min") and statement.value.left == own:
            raise InvalidProgram(
                f"a store of {show(statement.value)} over its own element is a Reduce\n    {line}"
            )


def verify_variables(node: object, scope: dict[str, Buffer | Variable], line: str) -> None:
    for expression in expressions(node):  # type: ignore[arg-type]
        if isinstance(expression, Variable) and scope.get(expression.name) != expression:
            raise InvalidProgram(f"'{expression.name}' is not in scope as {expression.dtype}\n    {line}")
    for load in loads(node):  # type: ignore[arg-type]
        verify_buffer(load.buffer, scope, line)


def verify_buffer(buffer: Buffer, scope: dict[str, Buffer | Variable], line: str) -> None:
    if scope.get(buffer.name) != buffer:
        raise InvalidProgram(f"'{buffer.name}' is not in scope as {show_type(buffer)}\n    {line}")


def show_type(buffer: Buffer) -> str:
    return f"{buffer.dtype}[{', '.join(map(show, buffer.shape))}] of scope {buffer.scope}"
