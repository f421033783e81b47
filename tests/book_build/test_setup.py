"""What the set-up says on a machine that lacks something: one line that names what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from book_build import environment, system_packages
from book_build.__main__ import main
from book_build.layout import Layout


def path_with(tmp_path: Path, *programs: str) -> str:
    """A PATH on which nothing but `programs` can be found."""
    for program in programs:
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    return str(tmp_path)


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    found = sys.version.split()[0]
    with pytest.raises(SystemExit) as refusal:
        environment.check_prerequisites()
    assert str(refusal.value) == (
        f"set-up: Python 99.0 or newer is needed, this is {found}; call make PYTHON=python99.0"
    )


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path))
    with pytest.raises(SystemExit) as refusal:
        environment.check_prerequisites()
    assert str(refusal.value) == (
        "set-up: a C++ compiler is needed; "
        "on Debian or Ubuntu: sudo apt-get install g++, on macOS: xcode-select --install"
    )


def test_without_root_the_packages_are_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path, "latexmk"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as refusal:
        system_packages.require("tex")
    message = str(refusal.value)
    assert message.startswith("the PDF needs lualatex, makeindex; on Debian or Ubuntu: sudo apt-get install ")
    assert "texlive-luatex" in message
    assert "\n" not in message


def test_as_root_on_debian_the_packages_are_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setenv("PATH", path_with(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_packages, "_on_debian", lambda: True)

    def install(*arguments: str) -> None:
        calls.append(arguments)
        path_with(tmp_path, "chromium")

    monkeypatch.setattr(system_packages, "_apt_get", install)
    system_packages.require("browser")
    assert [call[0] for call in calls] == ["update", "install"]
    assert calls[1][-1] == "chromium"


def test_the_tests_of_the_pdf_name_what_they_read_it_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as refusal:
        system_packages.require("pdftotext")
    assert str(refusal.value) == (
        "testing the PDF needs pdftotext; on Debian or Ubuntu: sudo apt-get install poppler-utils"
    )


def test_nothing_is_installed_when_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path, "chromium"))
    monkeypatch.setattr(system_packages, "_apt_get", lambda *arguments: pytest.fail(str(arguments)))
    system_packages.require("browser")


def test_a_folder_that_is_no_book_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["html", "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path} is not the root of a book: it has no conf.py; say --root\n"
    )


def test_an_unreadable_table_of_contents_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "_toc.yml").write_text("format: [")
    with pytest.raises(SystemExit, match=r"^book/_toc\.yml cannot be read: "):
        Layout(tmp_path).docnames()


@pytest.mark.slow
def test_sphinx_alone_says_that_make_comes_first(tmp_path: Path, root: Path) -> None:
    """Someone who calls sphinx-build on a book that was never executed learns what to do."""
    (tmp_path / "book").mkdir()
    for name in ("_toc.yml", "index.md", "references.bib"):
        (tmp_path / "book" / name).write_text("format: jb-book\nroot: index\n" if name == "_toc.yml" else "")
    (tmp_path / "conf.py").write_text((root / "conf.py").read_text())
    command = [sys.executable, "-m", "sphinx", "-q", "-c", tmp_path, tmp_path / "book", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "No chapter has been executed yet: build with `make html`, which does that first." in result.stderr


def test_the_lock_pins_every_requirement_exactly(root: Path) -> None:
    lines = (root / "requirements.lock").read_text().splitlines()
    assert len(lines) > 100
    assert [line for line in lines if "==" not in line.split(";")[0]] == []
    assert {"torch==2.13.0", "apache-tvm-ffi==0.1.14.post1"} <= set(lines)


def test_the_source_root_is_no_package(root: Path) -> None:
    assert not (root / "code" / "__init__.py").exists()
