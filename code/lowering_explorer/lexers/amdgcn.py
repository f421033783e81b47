"""The assembly of AMD's GPUs, directives included: https://llvm.org/docs/AMDGPUUsage.html.

The lexer that Pygments calls AMDGPU knows the instructions and takes directives for errors.
"""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Whitespace


class AmdgcnLexer(RegexLexer):
    """`v_mul_f32_e32 v11, v2, v2`: instruction, destination, sources."""

    name = "AMDGCN"
    url = "https://llvm.org/docs/AMDGPUUsage.html"
    aliases: ClassVar[list[str]] = ["amdgcn"]
    filenames: ClassVar[list[str]] = ["*.amdgcn"]

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"(?:;|//).*", Comment.Single),
            (r'"(?:\\.|[^"\\])*"', String),
            (r"^[.$\w]+(?=:)", Name.Label),
            (r"\.?L[A-Z_]+\d+(?:_\d+)?", Name.Label),
            (r"\.[a-zA-Z_][\w.]*", Keyword),
            (r"(?:s|v|ds|global|buffer|flat|scratch|image|tbuffer)_[a-z]\w*", Name.Function),
            (r"\b(?:[sva]\d+|[sva](?=\[)|vcc(?:_lo|_hi)?|exec(?:_lo|_hi)?|m0|scc|off)\b", Name.Variable),
            (r"-?(?:0x[0-9a-f]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?)", Number),
            (r"[A-Za-z_@$][\w$]*", Name.Attribute),
            (r".", Punctuation),
        ]
    }
