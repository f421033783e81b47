"""A loop function as text: a subset of Python that `parser.parse` reads back to an equal function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .dtype import f32, s64
from .expression import Binary, Buffer, Call, Cast, Constant, Expression, Load, Select, Unary, Variable
from .statement import Allocate, Body, For, Function, If, Invoke, Let, Prefetch, Reduce, Statement, Store
from .traversal import Path

PRECEDENCE = {"or": 1, "and": 2, "not": 3} | dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4)
PRECEDENCE |= {"+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "negative": 7}


def show(node: Function | Statement | Expression | Body, marks: Mapping[Path, str] | None = None) -> str:
    """The text of `node`. `marks` puts `>` before the lines of statements and a remark behind them.

    The remark of a path stands on the first line of its statement; an empty one marks without words.
    """
    if isinstance(node, Expression):
        return expression_text(node)
    if isinstance(node, Function):
        head = f"def {node.name}({', '.join(map(parameter_text, node.parameters))}):"
        lines: list[tuple[Path, str]] = [((), head), *body_lines(node.body, (), 1)]
    else:
        lines = list(body_lines(node if isinstance(node, tuple) else (node,), (), 0))
    if marks is None:
        return "\n".join(text for _, text in lines)
    marked = []
    for path, text in lines:
        guilty = path in marks and path != ()
        remark = f"  # {marks[path]}" if guilty and marks[path] else ""
        marked.append(f"{'> ' if guilty else '  '}{text}{remark}")
    return "\n".join(marked)


def parameter_text(parameter: Buffer | Variable) -> str:
    if isinstance(parameter, Variable):
        return f"{parameter.name}: {parameter.dtype}"
    return f"{parameter.name}: {type_text(parameter)}"


def type_text(buffer: Buffer) -> str:
    return f"{buffer.dtype}[{subscript(buffer.shape)}]"


def subscript(indices: tuple[Expression, ...]) -> str:
    return ", ".join(map(expression_text, indices)) or "()"


def body_lines(body: Body, path: Path, depth: int, first: int = 0) -> Iterator[tuple[Path, str]]:
    """(path, line) of each line; the first line of a statement carries its path, an `else` an empty one."""
    indent = "    " * depth
    if not body:
        yield (), f"{indent}pass"
    for position, statement in enumerate(body, first):
        here = (*path, position)
        yield here, indent + statement_text(statement)
        if isinstance(statement, For):
            yield from body_lines(statement.body, here, depth + 1)
        elif isinstance(statement, If):
            yield from body_lines(statement.then, here, depth + 1)
            if statement.otherwise:
                yield (), f"{indent}else:"
                yield from body_lines(statement.otherwise, here, depth + 1, len(statement.then))


def statement_text(statement: Statement) -> str:
    """The first line of a statement."""
    match statement:
        case For():
            lower = "" if statement.lower == Constant(0) else f"{show(statement.lower)}, "
            return f"for {statement.name} in {statement.kind}({lower}{show(statement.upper)}):"
        case Store():
            note = ": non_temporal" if statement.non_temporal else ""
            return f"{element_text(statement.buffer, statement.indices)}{note} = {show(statement.value)}"
        case Reduce():
            target = element_text(statement.buffer, statement.indices)
            if statement.operator in ("+", "*"):
                return f"{target} {statement.operator}= {show(statement.value)}"
            return f"{target} = {statement.operator}({target}, {show(statement.value)})"
        case If():
            return f"if {show(statement.condition)}:"
        case Let():
            return f"{statement.name} = {show(statement.value)}"
        case Allocate():
            return f"{statement.buffer.name} = {statement.buffer.scope}({type_text(statement.buffer)})"
        case Prefetch():
            return f"prefetch({element_text(statement.buffer, statement.indices)})"
        case Invoke():
            return f"{statement.instruction}({', '.join(map(show, statement.operands))})"
        case _:
            raise TypeError(f"{type(statement).__name__} is no statement")


def element_text(buffer: Buffer, indices: tuple[Expression, ...]) -> str:
    return f"{buffer.name}[{subscript(indices)}]"


def expression_text(node: Expression, around: int = 0) -> str:
    """`node` as Python; in parentheses if it binds less tightly than `around`."""
    match node:
        case Constant():
            return constant_text(node, typed=node.dtype not in (f32, s64))
        case Variable():
            return node.name
        case Unary():
            level = PRECEDENCE["negative" if node.operator == "-" else "not"]
            if isinstance(node.operand, Constant):  # -(2) would read back as the constant -2
                operand = constant_text(node.operand, typed=True)
            else:
                operand = expression_text(node.operand, level)
            text = f"-{operand}" if node.operator == "-" else f"not {operand}"
        case Binary(operator="min" | "max"):
            return f"{node.operator}({show(node.left)}, {show(node.right)})"
        case Binary():
            level = PRECEDENCE[node.operator]
            left = expression_text(node.left, level + (level == PRECEDENCE["<"]))  # Python chains comparisons
            text = f"{left} {node.operator} {expression_text(node.right, level + 1)}"
        case Select():
            then, condition = expression_text(node.then, 1), expression_text(node.condition, 1)
            return f"({then} if {condition} else {expression_text(node.otherwise, 1)})"
        case Cast():
            # f32(2) would read back as a constant of f32
            typed = isinstance(node.operand, Constant)
            inner = constant_text(node.operand, typed) if isinstance(node.operand, Constant) else None
            return f"{node.dtype}({inner or show(node.operand)})"
        case Call():
            return f"{node.function}({', '.join(map(show, node.arguments))})"
        case Load():
            return element_text(node.buffer, node.indices)
        case _:
            raise TypeError(f"{type(node).__name__} is no expression")
    return f"({text})" if level < around else text


def constant_text(constant: Constant, typed: bool) -> str:
    """The number with the digits that tell it apart in its dtype, with the dtype around it if `typed`."""
    digits = constant.dtype.digits(constant.value)
    return f"{constant.dtype}({digits})" if typed and not isinstance(constant.value, bool) else digits
