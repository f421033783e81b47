"""The key of an execution changes with all that can change outputs, and with nothing else."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from book_build.chapter import Chapter, parse_chapter
from book_build.salt import MissingDistribution, MissingRecord, execution_key, package_digest, versions


def chapter(
    cell: str = "1 + 1", prose: str = "Words.", uses: str = "", needs: str = "numpy", tags: str = ""
) -> Chapter:
    front_matter = f"---\nfile_format: mystnb\nuses: [{uses}]\nneeds: [{needs}]\n---\n"
    return parse_chapter("page", f"{front_matter}\n{prose}\n\n```{{code-cell}}\n{tags}{cell}\n```\n")


def recording(name: str) -> Chapter:
    """The same page, reading a file of book/recorded."""
    return parse_chapter("page", chapter().text.replace("uses: []", f"uses: []\nrecorded: [{name}]"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("VALUE = 1\n")
    package_digest.cache_clear()
    return tmp_path


def test_prose_does_not_change_the_key(code: Path) -> None:
    assert execution_key(chapter(prose="Other words."), code) == execution_key(chapter(), code)


@pytest.mark.parametrize(
    "other",
    [chapter(cell="1 + 2"), chapter(tags=":tags: [raises-exception]\n\n"), chapter(needs="numpy, scipy")],
)
def test_cells_tags_and_needs_change_the_key(other: Chapter, code: Path) -> None:
    assert execution_key(other, code) != execution_key(chapter(), code)


def test_a_package_changes_the_keys_of_the_pages_that_use_it(code: Path) -> None:
    before = [execution_key(chapter(uses=uses), code) for uses in ("first", "second", "")]
    (code / "first" / "helper.c").write_text("int x;")
    package_digest.cache_clear()
    after = [execution_key(chapter(uses=uses), code) for uses in ("first", "second", "")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]


@pytest.mark.parametrize(
    ("file", "same"),
    [("page.py", False), ("part/other.py", True), ("part/__init__.py", False), ("page/other.py", True)],
)
def test_of_a_packages_exercises_those_of_the_page_change_its_key(file: str, same: bool, code: Path) -> None:
    before = execution_key(chapter(uses="first"), code)
    path = code / "first" / "exercises" / file
    path.parent.mkdir(parents=True)
    path.write_text("TASK = 1\n")
    package_digest.cache_clear()
    assert (execution_key(chapter(uses="first"), code) == before) is same


def test_reverting_a_package_finds_the_old_key_again(code: Path) -> None:
    source = code / "first" / "__init__.py"
    before = execution_key(chapter(uses="first"), code)
    for text, same in (("VALUE = 2\n", False), ("VALUE = 1\n", True)):
        source.write_text(text)
        package_digest.cache_clear()
        assert (execution_key(chapter(uses="first"), code) == before) is same


def test_an_upgrade_changes_the_keys_of_the_pages_that_need_it(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [chapter(needs="jax"), chapter(needs="numpy")]
    before = [execution_key(page, code) for page in pages]
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == "jaxlib" else installed(name))
    after = [execution_key(page, code) for page in pages]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True]
    assert versions(pages[0])["jaxlib"] == "99.0"


def test_a_recorded_file_changes_the_keys_of_the_pages_that_read_it(tmp_path: Path) -> None:
    code, recorded = tmp_path / "code", tmp_path / "book" / "recorded"
    recorded.mkdir(parents=True)
    pages = [recording("run.json"), chapter()]
    with pytest.raises(MissingRecord) as missing:
        execution_key(pages[0], code)
    assert str(missing.value) == (
        "page: there is no book/recorded/run.json; "
        "run the script that records it, or take it from recorded in the front matter"
    )
    (recorded / "run.json").write_text("1")
    before = [execution_key(page, code) for page in pages]
    assert before[0] != before[1]
    (recorded / "run.json").write_text("2")
    after = [execution_key(page, code) for page in pages]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_missing_distribution_is_named(code: Path) -> None:
    with pytest.raises(MissingDistribution) as refusal:
        execution_key(chapter(needs="no-such-thing"), code)
    assert str(refusal.value) == (
        "page: needs no-such-thing, which is not installed; add it to requirements.lock and run make again"
    )
