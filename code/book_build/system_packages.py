"""Programs that pip cannot install: checked for, installed on Debian by root, named elsewhere.

Runs on the standard library of any Python 3, so that the set-up can call it first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts")


@dataclass(frozen=True)
class Need:
    """Programs and fonts for one purpose, and the Debian packages that bring them."""

    purpose: str
    programs: tuple[str, ...]
    debian: tuple[str, ...]
    fonts: tuple[str, ...] = ()


NEEDS = {
    "tex": Need(
        "the PDF",
        ("lualatex", "latexmk", "makeindex"),
        (
            *("texlive-luatex", "texlive-latex-base", "texlive-latex-recommended", "texlive-latex-extra"),
            *("texlive-fonts-recommended", "texlive-pictures", "texlive-binaries", "latexmk", "lmodern"),
            *("fonts-lmodern", "fonts-texgyre", "fonts-dejavu-core", "fonts-freefont-otf"),
        ),
        ("texgyrepagella-regular.otf", "DejaVuSansMono.ttf", "FreeMono.otf"),
    ),
    "browser": Need("testing the pages", ("chromium",), ("chromium",)),
    "pdftotext": Need("testing the PDF", ("pdftotext",), ("poppler-utils",)),
}


class MissingPrograms(SystemExit):
    """Programs are missing and cannot be installed from here; the message says what to install."""


def missing(name: str) -> list[str]:
    """The programs and fonts of one entry of NEEDS that this machine lacks."""
    need = NEEDS[name]
    absent = [program for program in need.programs if shutil.which(program) is None]
    return absent or [font for font in need.fonts if not _has_font(font)]


def _has_font(file: str) -> bool:
    known_to_tex = subprocess.run(["kpsewhich", file], capture_output=True, check=False).stdout.strip()
    return bool(known_to_tex) or any(path.name == file for f in FONT_FOLDERS for path in f.rglob("*"))


def require(name: str) -> None:
    """Make sure that everything under `name` is there. Raises MissingPrograms with one line."""
    absent = missing(name)
    if not absent:
        return
    need = NEEDS[name]
    packages = " ".join(need.debian)
    if _on_debian() and os.geteuid() == 0:
        print(f"installing Debian packages for {need.purpose}: {packages}", flush=True)
        _apt_get("update", "-qq")
        _apt_get("install", "-y", "-qq", "--no-install-recommends", *need.debian)
        absent = missing(name)
        if not absent:
            return
    raise MissingPrograms(
        f"{need.purpose} needs {', '.join(absent)}; on Debian or Ubuntu: sudo apt-get install {packages}"
    )


def _on_debian() -> bool:
    return Path("/etc/debian_version").exists()


def _apt_get(*arguments: str) -> None:
    result = subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode:
        raise MissingPrograms(f"apt-get {arguments[0]} failed: {result.stderr.strip()}")


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        require(wanted)
