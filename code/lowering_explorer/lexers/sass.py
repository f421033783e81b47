"""SASS, what NVIDIA's GPUs run, as nvdisasm prints it: https://docs.nvidia.com/cuda/cuda-binary-utilities/."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Whitespace


class SassLexer(RegexLexer):
    """`/*0150*/ @!P0 LDG.E R15, desc[UR6][R4.64+0x4] ;`: address, predicate, instruction, operands."""

    name = "SASS"
    url = "https://docs.nvidia.com/cuda/cuda-binary-utilities/"
    aliases: ClassVar[list[str]] = ["nvidia-sass"]  # Pygments calls a style sheet language Sass
    filenames: ClassVar[list[str]] = []

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"/\*.*?\*/", Comment.Multiline),
            (r"(?://|#).*", Comment.Single),
            (r'"(?:\\.|[^"\\])*"', String),
            (r"^[.$\w]+(?=:)", Name.Label),
            (r"`\([^)]*\)", Name.Label),
            (r"@!?U?P(?:\d+|T)\b", Keyword),
            (r"!?\bU?(?:R|P)(?:\d+|Z|T)(?:\.\w+)*\b|\bSR_[\w.]+|\b[SU]RZ\b|\bB\d+\b", Name.Variable),
            (r"[A-Z][A-Z0-9_]{2,}(?:\.[\w]+)*|\b[A-Z]\d?[A-Z]\w*(?:\.\w+)*", Name.Function),
            (r"\.[a-zA-Z_]\w*", Keyword),
            (r"-?(?:0x[0-9a-f]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?)", Number),
            (r"[A-Za-z_@$][\w$]*", Name),
            (r".", Punctuation),
        ]
    }
