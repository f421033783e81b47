"""jaxpr, the first form of a function that JAX traced: https://docs.jax.dev/en/latest/jaxpr.html."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

_TYPE = r"(?:bool|bf16|key<\w+>|[fiuc]\d+)(?=\[)"


class JaxprLexer(RegexLexer):
    """`c:f32[8,64] = mul a b`, one equation per line between `let` and `in`."""

    name = "jaxpr"
    url = "https://docs.jax.dev/en/latest/jaxpr.html"
    aliases: ClassVar[list[str]] = ["jaxpr"]
    filenames: ClassVar[list[str]] = ["*.jaxpr"]

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"#.*", Comment.Single),
            (r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", String),
            (r"\b(?:lambda|let|in)\b", Keyword),
            (r"\b(?:True|False|None|inf|nan)\b", Keyword.Constant),
            (_TYPE, Keyword.Type),
            (r"(?<== )[a-z][\w-]*", Name.Function),
            (r"[a-z_]\w*(?==)", Name.Attribute),
            (r"-?\d+(?:\.\d*)?(?:e[+-]?\d+)?\b", Number),
            (r"[A-Za-z_]\w*", Name.Variable),
            (r"=", Operator),
            (r".", Punctuation),
        ]
    }
