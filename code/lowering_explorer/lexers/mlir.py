"""MLIR in any dialect: StableHLO, TTIR, TTGIR. The grammar: https://mlir.llvm.org/docs/LangRef/."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace


class MlirLexer(RegexLexer):
    """`%0 = stablehlo.add %arg0, %arg1 : tensor<8x64xf32> loc(#loc3)`."""

    name = "MLIR"
    url = "https://mlir.llvm.org"
    aliases: ClassVar[list[str]] = ["mlir", "stablehlo", "ttir", "ttgir"]
    filenames: ClassVar[list[str]] = ["*.mlir", "*.ttir", "*.ttgir"]

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"//.*", Comment.Single),
            (r'"[a-z_]\w*\.[\w.]+"(?=\()', Name.Function),  # the generic form of an operation
            (r'"(?:\\.|[^"\\])*"', String),
            (r"%[\w$.-]+(?::\d+|#\d+)?", Name.Variable),
            (r"@(?:[\w$.-]+)", Name.Function),
            (r"\^[\w$.-]+", Name.Label),
            (r"[#!][a-zA-Z_][\w.]*", Name.Attribute),
            (r"[a-z_]\w*(?:\.[\w-]+)*(?=\s*=[^=])", Name.Attribute),
            (r"[a-z_]\w*(?:\.[a-zA-Z_]\w*)+", Name.Function),
            (words(("module", "attributes", "loc", "dense", "to", "unit"), suffix=r"\b"), Keyword),
            (words(("true", "false"), suffix=r"\b"), Keyword.Constant),
            (r"(?:(?:\d+|\?)x)+(?=[a-z!])", Number),  # the extents of tensor<8x64xf32>
            (r"(?:tensor|memref|vector|tuple|complex|index|none|bf16|[su]?i\d+|f\d+\w*)\b", Keyword.Type),
            (r"-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)", Number),
            (r"[A-Za-z_][\w$]*", Name),
            (r"->|[=:+*?-]", Operator),
            (r".", Punctuation),
        ]
    }
