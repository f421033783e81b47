"""Which characters of a line are what: the tokens of Pygments, as short strings that travel with the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pygments.token import Comment, Keyword, Name, Number, String, _TokenType

from lowering_explorer.lexers import lexer

# The letter of a token's kind, which is also the letter of its CSS class; the first that fits.
_LETTERS: tuple[tuple[Any, str], ...] = (
    (Comment, "c"),
    (Keyword.Type, "t"),
    (Keyword.Constant, "n"),
    (Keyword, "k"),
    (Number, "n"),
    (String, "s"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Decorator, "a"),
    (Name.Attribute, "a"),
    (Name.Label, "l"),
    (Name.Builtin, "v"),  # registers, among others
    (Name.Variable, "v"),
)
PLAIN = "."


Token = tuple[_TokenType, str]


def token_lines(language: str, text: str) -> Iterator[list[Token]]:
    """The tokens of each line, without the line's end. Lines are those of `str.splitlines`."""
    line: list[Token] = []
    unfinished = False
    for kind, value in lexer(language).get_tokens(text):
        for piece in value.splitlines(keepends=True):
            kept = piece.splitlines()[0]
            if kept:
                line.append((kind, kept))
            unfinished = kept == piece
            if not unfinished:
                yield line
                line = []
    if unfinished:
        yield line


def styled_lines(language: str, text: str) -> Iterator[tuple[str, str]]:
    """Each line with its style: letters of kinds, each with the UTF-16 units that it holds for, `k6.1v4`.

    The plain end of a line is left out, so the style of a plain line is empty.
    """
    for tokens in token_lines(language, text):
        runs = [(_letter(kind, value), len(value.encode("utf-16-le")) // 2) for kind, value in tokens]
        yield "".join(value for _, value in tokens), _written(runs)


def _letter(kind: _TokenType, text: str) -> str:
    if text.isspace():
        return PLAIN
    return next((letter for known, letter in _LETTERS if kind in known), PLAIN)


def _written(runs: list[tuple[str, int]]) -> str:
    joined: list[tuple[str, int]] = []
    for letter, length in runs:
        if joined and joined[-1][0] == letter:
            joined[-1] = (letter, joined[-1][1] + length)
        else:
            joined.append((letter, length))
    if joined and joined[-1][0] == PLAIN:
        joined.pop()
    return "".join(f"{letter}{length}" for letter, length in joined)
