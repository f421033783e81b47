"""A page with the directive `recording`: without a recording, with one, and when something changes."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.book_build.test_broken_book import Book, book_with

from book_build.recordings import duration

pytestmark = pytest.mark.slow

PAGE = """---
file_format: mystnb
kind: page
---

# Kernels

```{recording} toy_suite:broken
toy/right
toy/wrong
toy/else*
```
"""
COMMAND = "python -m measurement.record gpu toy_suite:broken -o book/recorded"


def text(page: str) -> str:
    """What a page says, without its elements."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def record(book: Book) -> Path:
    """Record the toy suite as the note says; one of its kernels is wrong, so the status is 1."""
    folder = book.root / "book" / "recorded"
    folder.mkdir(exist_ok=True)
    command = [sys.executable, *COMMAND.split()[1:]]
    ran = subprocess.run(command, cwd=book.root, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    return folder / "toy-gpu-80gb.json"


def test_a_page_shows_what_is_recorded_and_says_when_nothing_is(tmp_path: Path, root: Path) -> None:
    book = book_with(tmp_path / "book", root, "kernels")
    toy = (root / "tests" / "measurement" / "toy_suite.py").read_text()
    (book.root / "toy_suite.py").write_text(toy.replace("tests.measurement.toy_suite", "toy_suite"))
    book.page("kernels").write_text(PAGE)

    status, output = book.build()
    assert status == 0, output
    shown = text(book.html("kernels"))
    assert "No recording exists: no GPU has run these kernels for this book yet." in shown
    assert COMMAND in shown
    assert "It runs, for this page: toy/right, toy/wrong" in shown
    assert "toy/raising" not in shown  # the page does not ask for it

    path = record(book)  # no page changes
    status, output = book.build()
    assert status == 0, output
    shown = text(book.html("kernels"))
    assert "No recording exists" not in shown
    assert re.search(
        r"toy/right: twice an array 0\.0e\+00, 1\.0e-06 40 µs \[40 µs, 40 µs\] 25 % of memory", shown
    )
    assert "toy/wrong: twice an array wrong: element [5] is 11, the oracle says 12" in shown
    assert "toy/elsewhere: twice an array not run: it is written for another generation" in shown
    assert "toy/raising" not in shown
    stamp = json.loads(path.read_text())
    for part in (
        "Toy GPU 80GB",
        "driver 1.2",
        "TOY 3.4",
        stamp["command"],
        stamp["commit"],
        stamp["machine"],
    ):
        assert part in shown
    assert f"Recorded {stamp['date'][:16].replace('T', ' ')} UTC" in shown
    assert f"numpy {stamp['versions']['numpy']}" in shown
    assert "Measured peaks: 100 GB/s, float32 1 TFLOP/s (made up)" in shown
    assert "toy/right: 100 calls, the clock of toy" in shown
    assert "has changed since" not in shown
    for builder, written in (("latex", "ai-compilers.tex"), ("epub", "kernels.xhtml")):
        command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, "-c", ".", "book", f"_{builder}"]
        made = subprocess.run(command, cwd=book.root, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        printed = (book.root / f"_{builder}" / written).read_text()
        assert "Toy GPU 80GB" in printed
        assert "made up" in printed

    with (book.root / "toy_suite.py").open("a") as source:  # the kernel's file, not the page
        source.write("\n# changed\n")
    status, output = book.build()
    assert status == 0, output
    assert "toy/right: twice an array (its source has changed since)" in text(book.html("kernels"))

    shutil.move(path, path.with_suffix(".away"))
    status, output = book.build()
    assert status == 0, output
    assert "No recording exists" in text(book.html("kernels"))

    path.write_text('{"kind": "gpu", "format": 0}')
    status, output = book.build()
    assert status == 1
    assert "toy-gpu-80gb.json cannot be read: it has the format 0, this is 1: record again" in output
    path.unlink()

    book.page("kernels").write_text(PAGE.replace("toy/wrong", "toy/wrogn"))
    status, output = book.build()
    assert status == 1
    assert "no case is called 'toy/wrogn'; choose of toy/right, toy/wrong" in output


def test_durations_have_three_digits_and_a_unit_that_fits() -> None:
    assert [duration(seconds) for seconds in (4.1234e-5, 4.1234e-3, 1.5)] == ["41.2 µs", "4.12 ms", "1.5 s"]
