"""The package stays small enough to read: its lines of code are counted, and the count may only fall."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

import tensor_compiler

PACKAGE = Path(str(tensor_compiler.__file__)).parent
GOAL = 4500  # lines of code of the whole package
BUDGET = 6249  # what it has by now: lower this with each change that makes it smaller
LONGEST = 400  # lines of one file, all counted
LAYOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER
}  # fmt: skip


def code_lines(source: str) -> int:
    """Lines that hold more than comments and docstrings. A string over three lines counts three."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Module(body=[first, *_])
                | ast.ClassDef(body=[first, *_])
                | ast.FunctionDef(body=[first, *_])
            ) if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    held = {line for t in tokens if t.type not in LAYOUT for line in range(t.start[0], t.end[0] + 1)}
    return len(held - docstrings)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("", 0),
        ('"""A module.\n\nMore of it."""\n\nx = 1  # why\n', 1),
        ("# a comment\n\nf(\n    1,\n)\n", 3),
        ('def f():\n    """What it does."""\n    return """\na\n"""\n', 4),
        ("class A:\n    '''What it is.'''\n\n    x: int\n", 2),
        ("x = 1\n'''no docstring here'''\n", 2),
    ],
)
def test_code_is_what_is_no_comment_no_docstring_and_not_blank(source: str, count: int) -> None:
    assert code_lines(source) == count


def test_the_package_keeps_its_budget() -> None:
    counts = {path.relative_to(PACKAGE): code_lines(path.read_text()) for path in PACKAGE.rglob("*.py")}
    table = "\n".join(f"{count:6} {path}" for path, count in sorted(counts.items()))
    total = sum(counts.values())
    assert total <= BUDGET, f"{total} lines of code, the budget is {BUDGET} on the way to {GOAL}:\n{table}"


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
