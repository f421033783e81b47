"""The passports of two chapters: each links to its cells, and the join links to both."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.book_build.test_broken_book import Book, book_with

from passports import FIELDS

pytestmark = pytest.mark.slow

PAGE = """---
file_format: mystnb
kernelspec: {{name: python3, display_name: Python 3}}
kind: page
needs: [ai-compilers-book]
---

# {project}

```{{code-cell}}
from passports import FIELDS, Passport

for field in FIELDS:
    Passport("{project}", "1.0").enter(field.name, "{answer}")
```

```{{passport}}
```
"""
JOIN = "---\nfile_format: mystnb\nkind: page\n---\n\n# Joined\n\n```{passports}\n```\n"


def test_tables_lead_to_the_cells_and_follow_them(tmp_path: Path, root: Path) -> None:
    book: Book = book_with(tmp_path / "book", root, "one", "two", "joined")
    book.page("one").write_text(PAGE.format(project="One", answer="first answer"))
    book.page("two").write_text(PAGE.format(project="Two", answer="second answer"))
    book.page("joined").write_text(JOIN)
    status, output = book.build()
    assert status == 0, output
    for field in FIELDS:
        assert f'id="passport-{field.name}"' in book.html("one")
        assert re.search(rf'href="#passport-{field.name}".*?>{field.title}<', book.html("one"))
        for page in ("one", "two"):
            assert f'href="{page}.html#passport-{field.name}"' in book.html("joined")
    assert book.html("joined").count("first answer") == len(FIELDS)

    book.page("one").write_text(PAGE.format(project="One", answer="another answer"))
    status, output = book.build()
    assert status == 0, output
    assert "first answer" not in book.html("joined")
    assert book.html("joined").count("another answer") == len(FIELDS)

    text = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "text", "-c", str(book.root), "book", "_text"],
        cwd=book.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert text.returncode == 0, text.stderr
    assert "another answer" in (book.root / "_text" / "joined.txt").read_text()
