"""Lexers of Pygments with what compilers write today and their grammars lack."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexers.asm import LlvmLexer
from pygments.lexers.ptx import PtxLexer
from pygments.token import Keyword, Number, Operator


class CompletedLlvmLexer(LlvmLexer):
    """LLVM IR with the attributes and flags of newer versions: `captures(none)`, `disjoint`, `f0x3586`."""

    tokens: ClassVar[dict[str, list[object]]] = {
        **LlvmLexer.tokens,
        "root": [*LlvmLexer.tokens["root"], (r"f0x[0-9A-F]+", Number), (r"[a-z]\w*", Keyword)],
    }


class CompletedPtxLexer(PtxLexer):
    """PTX with predicates: `@%p1 bra $L__BB0_2`."""

    tokens: ClassVar[dict[str, list[object]]] = {
        **PtxLexer.tokens,
        "root": [*PtxLexer.tokens["root"], (r"[@!|&^~<>]", Operator)],
    }
