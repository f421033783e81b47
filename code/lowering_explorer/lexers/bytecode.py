"""CPython's bytecode as the standard library's `dis` prints it: https://docs.python.org/3/library/dis.html."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Name, Number, Operator, Text, Whitespace


class BytecodeLexer(RegexLexer):
    """` 32   86 BINARY_OP   5 (*)`: line, offset, instruction, argument, what the argument means."""

    name = "Python bytecode"
    url = "https://docs.python.org/3/library/dis.html"
    aliases: ClassVar[list[str]] = ["bytecode"]
    filenames: ClassVar[list[str]] = []

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"Disassembly of .*|ExceptionTable:|#.*", Comment.Single),
            (r"-->|>>|->", Operator),
            (r"\b[A-Z][A-Z0-9_]{2,}\b", Name.Function),
            (r"\b\d+\b", Number),
            (r"\(.*\)$", Name.Variable),
            (r"\S+", Text),
        ]
    }
