"""Pyodide, the Python that runs in a browser: from the wheel that the set-up left, into a built book.

Pyodide is released as the npm package `pyodide`, and npm need not be there. The wheel of Flet's web client
carries the same files, so that pip alone can bring them; `FILES` are the digests of those in the npm package,
and nothing else is unpacked. No NumPy comes with either: no wheel of it is published for this platform, so
what a page runs does without.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from sphinx.errors import SphinxError

VERSION = "314.0.7"
WHEELS = Path(sys.prefix) / "browser"  # where `environment` leaves what browser.lock names
INSIDE = "flet_web/web/pyodide"
FILES = {
    "pyodide.mjs": "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109",
    "pyodide.asm.mjs": "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
    "pyodide.asm.wasm": "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
    "python_stdlib.zip": "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
    "pyodide-lock.json": "5dc2fc119108bc148c7457dc86e7675b5c87e1cafd420b9c34c1eaef7b36c010",
}
MEGABYTES = 14  # of all files


class NoPyodide(SphinxError):
    """The files are not there, or are others: one sentence that says what to do."""

    category = "Pyodide"


def unpack(folder: Path, wheels: Path = WHEELS) -> None:
    """Write the files of Pyodide into `folder`, where they are not yet. Raises NoPyodide."""
    if all(digest_of(folder / name) == digest for name, digest in FILES.items()):
        return
    found = sorted(wheels.glob("flet_web-*.whl"))
    if not found:
        raise NoPyodide("Pyodide is not set up: run make html, which fetches what browser.lock names")
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(found[-1]) as wheel:
        for name, digest in FILES.items():
            data = wheel.read(f"{INSIDE}/{name}")
            if hashlib.sha256(data).hexdigest() != digest:
                raise NoPyodide(f"{found[-1].name} holds another {name} than {VERSION}: mend browser.lock")
            (folder / name).write_bytes(data)


def digest_of(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
