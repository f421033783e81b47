"""Reads loop functions written as a subset of Python. Python's own `ast` supplies the positions."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast, get_args

from .dtype import DTYPES, DType, f32, s64
from .expression import (
    SCOPES,
    Arithmetic,
    Binary,
    Buffer,
    Call,
    Cast,
    Constant,
    Expression,
    Load,
    Scope,
    Select,
    Unary,
    Variable,
)
from .statement import KINDS, Allocate, For, Function, If, Invoke, Let, Prefetch, Reduce, Statement, Store
from .verify import InvalidProgram, reserved

Made = TypeVar("Made")

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "and", ast.Or: "or", ast.USub: "-", ast.Not: "not",
}  # fmt: skip


def parse(text: str) -> Function:
    """The loop function that `text` defines.

    Raises InvalidProgram: the line, what is wrong and what to do, and a caret under the place.
    """
    return Parser(textwrap.dedent(text).strip("\n")).function()


class Parser:
    """One text. `names` holds what is in scope; `lines` says on which line each name was introduced."""

    def __init__(self, text: str) -> None:
        self.source = text.split("\n")
        self.names: dict[str, Buffer | Variable] = {}
        self.lines: dict[str, int] = {}
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            self.fail_at(error.lineno or 1, (error.offset or 1) - 1, f"Python cannot read this ({error.msg})")

    def fail(self, node: ast.AST, sentence: str) -> NoReturn:
        line = getattr(node, "lineno", 1)
        column = len(self.source[line - 1].encode()[: getattr(node, "col_offset", 0)].decode())
        self.fail_at(line, column, sentence)

    def fail_at(self, line: int, column: int, sentence: str) -> NoReturn:
        place = f"    {self.source[line - 1]}\n    {' ' * column}^"
        raise InvalidProgram(f"line {line}: {sentence}\n{place}") from None

    def make(self, node: ast.AST, constructor: Callable[[], Made]) -> Made:
        """What `constructor` gives; its objection becomes an error at `node`."""
        try:
            return constructor()
        except (TypeError, ValueError, OverflowError) as objection:
            self.fail(node, str(objection))

    def introduce(self, node: ast.AST, name: str, what: Buffer | Variable) -> None:
        if name in self.lines:
            self.fail(node, f"'{name}' is introduced on line {self.lines[name]} already: choose another name")
        if reserved(name):
            self.fail(node, f"'{name}' means something else here or in C: choose another name")
        self.lines[name] = getattr(node, "lineno", 1)
        self.names[name] = what

    def function(self) -> Function:
        if len(self.tree.body) != 1 or not isinstance(definition := self.tree.body[0], ast.FunctionDef):
            self.fail_at(1, 0, "a loop function is one 'def': write def name(A: f32[4], ...):")
        arguments = definition.args
        if len(arguments.args) != len(list(ast.iter_child_nodes(arguments))):
            self.fail(definition, "parameters are plain names with types: write A: f32[4, 4] or n: s64")
        # Sizes first: an extent may name a size that stands behind it.
        for argument in sorted(arguments.args, key=lambda each: isinstance(each.annotation, ast.Subscript)):
            if isinstance(argument.annotation, ast.Subscript):
                what: Buffer | Variable = self.buffer(argument.annotation, argument.arg, "parameter")
            elif isinstance(argument.annotation, ast.Name) and argument.annotation.id in DTYPES:
                what = Variable(argument.arg, DTYPES[argument.annotation.id])
            else:
                self.fail(argument, f"'{argument.arg}' lacks a type: write f32[4, 4], or s64 for a size")
            self.introduce(argument, argument.arg, what)
        parameters = tuple(self.names[argument.arg] for argument in arguments.args)
        return Function(definition.name, parameters, self.body(definition.body))

    def buffer(self, node: ast.expr, name: str, scope: Scope) -> Buffer:
        match node:
            case ast.Subscript(value=ast.Name(id=dtype)) if dtype in DTYPES:
                shape = self.indices(node)
                return self.make(node, lambda: Buffer(name, DTYPES[dtype], shape, scope))
        known = ", ".join(DTYPES)
        return self.fail(node, f"a buffer's type is a dtype with a shape: write f32[4, 4] ({known})")

    def body(self, nodes: list[ast.stmt]) -> tuple[Statement, ...]:
        outer = dict(self.names)
        statements = tuple(self.statement(node) for node in nodes if not isinstance(node, ast.Pass))
        self.names = outer
        return statements

    def statement(self, node: ast.stmt) -> Statement:
        match node:
            case ast.For(target=ast.Name(id=name), orelse=[]):
                return self.loop(node, name)
            case ast.If():
                condition = self.expression(node.test)
                then, otherwise = self.body(node.body), self.body(node.orelse)
                return self.make(node.test, lambda: If(condition, then, otherwise))
            case ast.Assign(targets=[ast.Name(id=name)]):
                return self.binding(node, name)
            case ast.Assign(targets=[ast.Subscript() as target]):
                return self.store(target, node.value, False)
            case ast.AnnAssign(target=ast.Subscript() as target, annotation=note, value=ast.expr() as value):
                if not (isinstance(note, ast.Name) and note.id == "non_temporal"):
                    self.fail(note, "a store is annotated with 'non_temporal' or with nothing")
                return self.store(target, value, True)
            case ast.AugAssign(target=ast.Subscript() as target, op=ast.Add() | ast.Mult()):
                return self.reduce(target, OPERATORS[type(node.op)], node.value)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=operands, keywords=[])):
                elements = [self.element(operand) for operand in operands]
                if name == "prefetch" and len(elements) == 1:
                    return Prefetch(elements[0].buffer, elements[0].indices)
                return Invoke(name, tuple(elements))
        what = "this is no statement of the loop language"
        return self.fail(node, f"{what}: write for, if, an assignment, prefetch or a call")

    def loop(self, node: ast.For, name: str) -> Statement:
        match node.iter:
            case ast.Call(func=ast.Name(id=kind), args=[_] | [_, _] as bounds, keywords=[]) if kind in KINDS:
                lower, upper = [Constant(0), *map(self.expression, bounds)][-2:]
            case _:
                self.fail(node.iter, f"a loop runs over {', '.join(KINDS)}: write serial(8) or serial(2, 8)")
        outer = dict(self.names)
        self.introduce(node.target, name, Variable(name))
        body = self.body(node.body)
        self.names = outer
        return self.make(node.iter, lambda: For(name, lower, upper, cast(Any, kind), body))

    def binding(self, node: ast.Assign, name: str) -> Statement:
        match node.value:
            case ast.Call(func=ast.Name(id=scope), args=[type_], keywords=[]) if scope in SCOPES[1:]:
                buffer = self.buffer(type_, name, cast(Scope, scope))
                self.introduce(node, name, buffer)
                return Allocate(buffer)
        value = self.expression(node.value)
        self.introduce(node, name, Variable(name, value.dtype))
        return Let(name, value)

    def store(self, target: ast.Subscript, value: ast.expr, non_temporal: bool) -> Statement:
        match value:
            case ast.Call(func=ast.Name(id="max" | "min" as operator), args=[first, second]) if (
                not non_temporal and ast.unparse(first) == ast.unparse(target)
            ):
                return self.reduce(target, operator, second)
        element = self.element(target)
        written = self.expression(value, element.dtype)
        return self.make(value, lambda: Store(element.buffer, element.indices, written, non_temporal))

    def reduce(self, target: ast.Subscript, operator: str, value: ast.expr) -> Statement:
        element = self.element(target)
        written = self.expression(value, element.dtype)
        return self.make(value, lambda: Reduce(element.buffer, element.indices, cast(Any, operator), written))

    def element(self, node: ast.expr) -> Load:
        if not isinstance(node, ast.Subscript):
            self.fail(node, "this wants an element of a buffer: write A[i, j]")
        name = ast.unparse(node.value)
        if not isinstance(buffer := self.names.get(name), Buffer):
            self.fail(node, f"'{name}' is no buffer in scope here: declare it above this line")
        indices = self.indices(node)
        return self.make(node, lambda: Load(buffer, indices))

    def indices(self, node: ast.Subscript) -> tuple[Expression, ...]:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return tuple(map(self.expression, parts))

    def expression(self, node: ast.expr, wanted: DType | None = None) -> Expression:
        """The expression at `node`; a bare number takes the dtype `wanted`, else s64 or f32."""
        if literal(node) is not None:
            return self.constant(node, wanted)
        match node:
            case ast.Name(id=name):
                if not isinstance(variable := self.names.get(name), Variable):
                    self.fail(node, f"'{name}' is no loop, size or value in scope here: introduce it above")
                return variable
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                operand = self.expression(node.operand, wanted)
                negative = isinstance(node.op, ast.USub)
                return self.make(node, lambda: Unary("-" if negative else "not", operand))
            case ast.BinOp() if type(node.op) in OPERATORS:
                return self.binary(node, OPERATORS[type(node.op)], node.left, node.right, wanted)
            case ast.Compare(ops=[operator], comparators=[right]) if type(operator) in OPERATORS:
                return self.binary(node, OPERATORS[type(operator)], node.left, right, None)
            case ast.BoolOp(values=[first, *others]):
                joined, logic = self.expression(first), cast(Arithmetic, OPERATORS[type(node.op)])
                for other in map(self.expression, others):
                    joined = self.make(node, lambda left=joined, right=other: Binary(logic, left, right))  # type: ignore[misc]
                return joined
            case ast.IfExp():
                condition = self.expression(node.test)
                then, otherwise = self.alike([node.body, node.orelse], wanted)
                return self.make(node, lambda: Select(condition, then, otherwise))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(node, name, arguments, wanted)
            case ast.Subscript():
                return self.element(node)
        what = f"'{ast.unparse(node)}' is no expression of the loop language"
        return self.fail(node, f"{what}: write it with + - * / // %")

    def binary(
        self, node: ast.expr, operator: str, left: ast.expr, right: ast.expr, wanted: DType | None
    ) -> Expression:
        first, second = self.alike([left, right], wanted)
        return self.make(node, lambda: Binary(cast(Arithmetic, operator), first, second))

    def call(self, node: ast.Call, name: str, arguments: list[ast.expr], wanted: DType | None) -> Expression:
        if name in DTYPES and len(arguments) == 1:
            if literal(arguments[0]) is not None:
                return self.constant(arguments[0], DTYPES[name])
            operand = self.expression(arguments[0])
            return self.make(node, lambda: Cast(DTYPES[name], operand))
        values = self.alike(arguments, wanted)
        if name in get_args(Arithmetic) and len(values) == 2:
            return self.make(node, lambda: Binary(cast(Arithmetic, name), values[0], values[1]))
        return self.make(node, lambda: Call(name, tuple(values)))

    def alike(self, nodes: list[ast.expr], wanted: DType | None) -> list[Expression]:
        """Operands of one dtype: bare numbers among them take that of the others."""
        typed = [self.expression(node, wanted) for node in nodes if literal(node) is None]
        dtype = typed[0].dtype if typed else wanted
        return [self.expression(node, dtype) for node in nodes]

    def constant(self, node: ast.expr, dtype: DType | None) -> Expression:
        value = literal(node)
        assert value is not None
        if isinstance(value, bool):
            dtype = DTYPES["bool"]
        return self.make(node, lambda: Constant(value, dtype or (s64 if isinstance(value, int) else f32)))


def literal(node: ast.expr) -> bool | int | float | None:
    """The number that `node` spells, `inf`, `nan` and a sign among it, or None."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return value
        case ast.Name(id="inf" | "nan" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            size = literal(operand)
            return None if size is None or isinstance(size, bool) else -size
    return None
