"""HLO, the text of XLA's graphs: https://openxla.org/xla/operation_semantics."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Whitespace

_TYPE = r"(?:pred|token|opaque|bf16|[fsuc]\d+(?:e\dm\d\w*)?)(?=\[)"


class HloLexer(RegexLexer):
    """`%name = f32[8,64]{1,0} multiply(%x, %y), metadata={...}`, one instruction per line."""

    name = "HLO"
    url = "https://openxla.org/xla"
    aliases: ClassVar[list[str]] = ["hlo"]
    filenames: ClassVar[list[str]] = ["*.hlo"]

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"/\*.*?\*/", Comment.Multiline),
            (r"//.*", Comment.Single),
            (r'"(?:\\.|[^"\\])*"', String),
            (r"\b(?:HloModule|ENTRY|ROOT)\b", Keyword),
            (_TYPE, Keyword.Type),
            (r"(?<![%\w.-])[a-z][\w-]*(?=\()", Name.Function),
            (r"[a-z_]\w*(?==)", Name.Attribute),
            (r"\b(?:true|false|inf|nan)\b", Keyword.Constant),
            (r"-?\d+(?:\.\d*)?(?:e[+-]?\d+)?\b", Number),
            (r"%?[A-Za-z_][\w.-]*", Name.Variable),
            (r"->|.", Punctuation),
        ]
    }
