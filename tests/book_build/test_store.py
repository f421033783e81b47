"""Executions on disk: the newest good one is found, torn files are none, old ones are forgotten."""

from __future__ import annotations

import os
from pathlib import Path

from book_build.chapter import parse_chapter
from book_build.sphinx_build import publish
from book_build.store import CLAIM, KEPT, Execution, Store, with_outputs

TEXT = "---\nfile_format: mystnb\n---\n\n```{code-cell}\n1\n```\n\nWords\n\n```{code-cell}\n2\n```\n"


def execution(key: str) -> Execution:
    claimed = {
        "output_type": "display_data",
        "data": {CLAIM: {"sentence": key, "evidence": {}}},
        "metadata": {},
    }
    stream = {"output_type": "stream", "name": "stdout", "text": key}
    return Execution("part/page", key, "2026-01-01", 1.0, 0.5, "machine", {}, {}, TEXT, [[stream], [claimed]])


def test_what_is_saved_is_found_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(execution("a"))
    assert store.find("part/page", "a") == execution("a")
    assert store.find("part/page", "b") is None
    assert [claim["sentence"] for claim in execution("a").claims()] == ["a"]


def test_the_last_good_one_is_the_newest_and_old_ones_go(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [f"key{number}" for number in range(KEPT + 2)]
    for second, key in enumerate(keys):
        store.save(execution(key))
        os.utime(tmp_path / "part" / "page" / f"{key}.json", (second, second))
    last = store.last_good("part/page")
    assert last
    assert last.key == keys[-1]
    assert [store.find("part/page", key) is not None for key in keys] == [False] * 2 + [True] * KEPT


def test_a_torn_file_is_no_execution(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(execution("a"))
    (tmp_path / "part" / "page" / "b.json").write_text('{"docname": "part/pa')
    assert store.find("part/page", "b") is None
    last = store.last_good("part/page")
    assert last
    assert last.key == "a"


def test_outputs_return_to_their_cells() -> None:
    notebook = with_outputs(parse_chapter("part/page", TEXT), execution("a"))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[0].outputs[0].text == "a"


def test_publishing_mirrors_and_touches_only_what_changed(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "index.html").write_text("1")
    (source / "deep" / "page.html").write_text("2")
    assert publish(source, target) == 2
    (source / "deep" / "page.html").write_text("changed")
    (source / "index.html").unlink()
    assert publish(source, target) == 1
    assert [path.relative_to(target).as_posix() for path in target.rglob("*.html")] == ["deep/page.html"]
    assert publish(source, target) == 0
