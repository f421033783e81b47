"""What holds of every loop function between two steps of the compiler, beyond what constructors check."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterator

from .dtype import DTYPES
from .expression import SCOPES, Binary, Buffer, Expression, Load, Variable
from .intrinsics import INTRINSICS
from .printer import show, statement_text, type_text
from .statement import KINDS, Allocate, Body, For, Function, If, Let, Statement, Store
from .traversal import children

Scope = dict[str, Buffer | Variable]

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
    scope: Scope = {}
    taken: set[str] = set()
    for parameter in sorted(function.parameters, key=lambda each: isinstance(each, Buffer)):
        for complaint in clashes(parameter, scope, taken):
            raise InvalidProgram(f"{complaint}\n    def {function.name}(...)")
        scope[parameter.name] = parameter
    verify_body(function.body, scope, taken)
    return function


def verify_body(body: Body, scope: Scope, taken: set[str]) -> None:
    for statement in body:
        made = introduced(statement)
        complaints = itertools.chain(misuses(statement, scope), clashes(made, scope, taken) if made else ())
        for complaint in complaints:
            raise InvalidProgram(f"{complaint}\n    {statement_text(statement)}")
        below = {**scope, made.name: made} if made else scope
        match statement:
            case For():
                verify_body(statement.body, below, taken)
            case If():
                verify_body(statement.then, scope, taken)
                verify_body(statement.otherwise, scope, taken)
            case _:
                scope = below


def introduced(statement: Statement) -> Buffer | Variable | None:
    """What `statement` gives a name to."""
    if isinstance(statement, Allocate):
        return statement.buffer
    return statement.variable if isinstance(statement, For | Let) else None


def clashes(made: Buffer | Variable, scope: Scope, taken: set[str]) -> Iterator[str]:
    """What is wrong with introducing `made`; its name is taken from then on."""
    if made.name in taken:
        yield f"'{made.name}' is introduced twice: rename one of the two"
    if reserved(made.name):
        yield f"'{made.name}' means something else here or in C: rename it"
    for extent in made.shape if isinstance(made, Buffer) else ():
        yield from misuses(extent, scope)
    taken.add(made.name)


def misuses(node: Expression | Statement, scope: Scope) -> Iterator[str]:
    """What is wrong with the names in `node`, leaving out the statements in it."""
    if isinstance(node, Variable) and scope.get(node.name) != node:
        yield f"'{node.name}' is not in scope as {node.dtype}"
    for child in children(node):
        yield from misuses(child, scope)
    buffer = getattr(node, "buffer", None)
    if buffer is not None and not isinstance(node, Allocate) and scope.get(buffer.name) != buffer:
        yield f"'{buffer.name}' is not in scope as {type_text(buffer)} of scope {buffer.scope}"
    if isinstance(node, Store) and isinstance(node.value, Binary):
        own = Load(node.buffer, node.indices)
        if node.value.operator in ("max", "min") and node.value.left == own:
            yield f"a store of {show(node.value)} over its own element is a Reduce"
