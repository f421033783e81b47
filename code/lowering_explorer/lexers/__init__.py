"""Pygments lexers for the languages of compilers; those that Pygments has are taken from there.

`NEW` are for languages that Pygments lacks: hlo, mlir, jaxpr, nvidia-sass, amdgcn and bytecode.
"""

from __future__ import annotations

from functools import cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name

from lowering_explorer.lexers.amdgcn import AmdgcnLexer
from lowering_explorer.lexers.bytecode import BytecodeLexer
from lowering_explorer.lexers.completed import CompletedLlvmLexer, CompletedPtxLexer
from lowering_explorer.lexers.hlo import HloLexer
from lowering_explorer.lexers.jaxpr import JaxprLexer
from lowering_explorer.lexers.mlir import MlirLexer
from lowering_explorer.lexers.sass import SassLexer

NEW: tuple[type[Lexer], ...] = (AmdgcnLexer, BytecodeLexer, HloLexer, JaxprLexer, MlirLexer, SassLexer)
_COMPLETED: tuple[type[Lexer], ...] = (CompletedLlvmLexer, CompletedPtxLexer)
# Where Pygments calls a language of `stage.LANGUAGES` by another name.
_NAMES = {"x86": "nasm", "sass": "nvidia-sass"}

__all__ = ["NEW", "AmdgcnLexer", "BytecodeLexer", "HloLexer", "JaxprLexer", "MlirLexer", "SassLexer", "lexer"]


@cache
def lexer(language: str) -> Lexer:
    """The lexer of one of `stage.LANGUAGES`. It keeps every character of a text."""
    name = _NAMES.get(language, language)
    exact = {"stripnl": False, "ensurenl": False}
    for each in (*NEW, *_COMPLETED):
        if name in each.aliases:
            return each(**exact)
    return get_lexer_by_name(name, **exact)
