"""The chapter contract: a page that keeps it passes, each breach is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from book_build.chapter import parse_chapter
from book_build.lint import lint

GOOD = """\
---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
kind: chapter
uses: [inner, outer]
needs: [numpy]
machine: cpu
objectives: [One, Two, Three]
---

# A chapter

## The question

How many?

## Objectives

```{objectives}
```

## What you need

A laptop; the sum is {glue:text}`total` bytes.

## First

```{code-cell}
import numpy as np
from outer import VALUE
```

The limit of {given}`120 s` is ours, and the paper reports 4.0 GB/s {cite}`somebody`.

## Second

```{note}
Two of two.
```

## What the real compilers do

Words.

## Exercises

Words.

## Summary

One line.

## What we left out

Words.

## Sources

Words.
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A source root in which `outer` imports `inner`, and `lonely` stands alone."""
    for name, source in {"inner": "", "outer": "from inner import VALUE", "lonely": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(source)
    return tmp_path


def complaints(text: str, code: Path) -> list[tuple[int, str]]:
    return [(c.line, c.sentence) for c in lint(parse_chapter("part/page", text), code)]


def test_a_chapter_that_keeps_the_contract_passes(code: Path) -> None:
    assert complaints(GOOD, code) == []


@pytest.mark.parametrize(
    ("exercises", "found"),
    [
        ("other", []),
        (
            "page",
            [(1, "front matter: the cells import lonely, directly or through a package; add it to uses")],
        ),
    ],
)
def test_a_page_uses_what_its_own_exercises_import(
    exercises: str, found: list[tuple[int, str]], code: Path
) -> None:
    (code / "outer" / "exercises" / "part").mkdir(parents=True)
    (code / "outer" / "exercises" / "part" / f"{exercises}.py").write_text("import lonely")
    assert complaints(GOOD, code) == found


@pytest.mark.parametrize(
    ("old", "new", "at", "sentence"),
    [
        (
            "kind: chapter",
            "kind: chapter\nuse: [inner]",
            "---",
            "front matter: unknown key 'use'; the known ones are",
        ),
        ("file_format: mystnb\n", "", "---", "front matter: file_format must be mystnb"),
        (
            "machine: cpu",
            "machine: gpu",
            "---",
            "front matter: machine must be one of cpu, recorded, not 'gpu'",
        ),
        ("needs: [numpy]", "needs: {numpy: 1}", "---", "front matter: needs must be a list of names"),
        (
            "machine: cpu",
            "machine: cpu\nrecorded: run.json",
            "---",
            "front matter: recorded must be a list of files in book/recorded",
        ),
        ("needs: [numpy]", "needs: []", "---", "front matter: the cells import numpy; add numpy to needs"),
        ("[One, Two, Three]", "[One]", "---", "front matter: objectives must be a list of 3 to 5 sentences"),
        (
            "uses: [inner, outer]",
            "uses: [outer]",
            "---",
            "front matter: the cells import inner, directly or through a package; add it to uses",
        ),
        (
            "uses: [inner, outer]",
            "uses: [inner, lonely, outer]",
            "---",
            "front matter: uses lists lonely, which no cell imports; remove it",
        ),
        (
            "import numpy as np",
            "import numpy as np, socket",
            "---",
            "a cell imports socket: chapters reach no network",
        ),
        (
            "import numpy as np",
            "!pip install numpy\nimport numpy as np",
            "!pip",
            "a cell installs a package; add it to requirements.lock instead",
        ),
        (
            "import numpy as np",
            "import numpy as np\n" + "x = 1\n" * 24,
            "import numpy",
            "a cell of 27 lines; at most 25, move helpers to a package",
        ),
        (
            "A laptop;",
            "```\nout\n```\n\nA laptop;",
            "```\nout",
            "a block that looks like output typed by hand; print it from a code-cell",
        ),
        (
            "from outer import VALUE",
            'from outer import VALUE\nquote("value", VALUE)',
            "quote",
            "a cell that ends with quote(...) prints its value; end it with ;",
        ),
        (
            "## The question",
            "## A question",
            "## A question",
            "a chapter opens with the sections The question, Objectives, What you need",
        ),
        (
            "## Sources",
            "## Literature",
            "## Literature",
            "a chapter closes with the sections What the real compilers do, Exercises, Summary, "
            "What we left out, Sources",
        ),
        ("## Second", "### Second", "---", "a chapter has 2 to 5 sections of its own, not 1"),
        (
            "```{objectives}\n```",
            "One.",
            "---",
            "the section Objectives must hold the {objectives} directive",
        ),
        ("One line.", "a\nb\nc\nd\ne\nf", "a\nb", "a summary of 6 lines; at most 5"),
        ("A laptop;", "A laptop of 24 GiB is enough.", "A laptop", "the number '24 GiB' is typed by hand"),
        ("Two of two.", "It is 4x faster.", "It is 4x", "the number '4x' is typed by hand"),
        ("Two of two.", "It saves 40 % of it.", "It saves", "the number '40 %' is typed by hand"),
    ],
)
def test_a_breach_is_named(old: str, new: str, at: str, sentence: str, code: Path) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = complaints(text, code)
    assert len(found) == 1, found
    assert found[0][0] == 1 + text[: text.index(at)].count("\n")
    assert found[0][1].startswith(sentence)


def test_a_chapter_without_cells_runs_nothing(code: Path) -> None:
    start, end = GOOD.index("```{code-cell}"), GOOD.index("The limit")
    text = (GOOD[:start] + GOOD[end:]).replace("[inner, outer]", "[]")
    assert complaints(text, code) == [(1, "a chapter that runs nothing: it has no code-cell")]


def test_a_page_needs_no_headings_and_may_state_numbers(code: Path) -> None:
    assert complaints("---\nfile_format: mystnb\nkind: page\n---\n\n# Page\n\nIt has 4 GB.\n", code) == []


@pytest.mark.parametrize(
    "innocent",
    [
        "`12 ms`",
        "$3 s$",
        "layer 3, then",
        "float32",
        "8 x 64 matrices",
        "[12 ms](page.md)",
        "in 2020 S&P",
        "3 steps",
    ],
)
def test_numbers_that_are_no_measurements_pass(innocent: str, code: Path) -> None:
    assert complaints(GOOD.replace("Two of two.", f"Here is {innocent} for you."), code) == []
