"""The modules that a playground takes, packed as an archive for a Python that runs in a browser."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
PACKAGES = ("schedule_playground", "cache_simulator", "tensor_compiler")
ENTRY = "schedule_playground.session"
# Importing these packages would import all of them, and numpy with it: their modules are imported instead.
BARE = {"tensor_compiler": '"""The modules of tensor_compiler that a schedule takes."""\n'}
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive knows: the same bytes from every build


def path_of(module: str) -> Path:
    """The file of a module below code/."""
    path = CODE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imported(module: str) -> Iterator[str]:
    """The modules of `PACKAGES` that `module` imports, its parents among them."""
    path = path_of(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [resolve_name("." * node.level + (node.module or ""), package)]
            names += [f"{names[0]}.{each.name}" for each in node.names]
        for name in names:
            if name.partition(".")[0] in PACKAGES and path_of(name).exists():
                yield name
    if "." in module:
        yield module.rpartition(".")[0]


def closure() -> list[str]:
    """Everything that importing `ENTRY` imports of `PACKAGES`, in alphabetical order."""
    found: set[str] = set()
    waiting = [ENTRY]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [] if module in BARE else imported(module)
    return sorted(found)


def archive() -> bytes:
    """The modules as a zip file, the same bytes for the same modules."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        for module in closure():
            path = path_of(module)
            entry = zipfile.ZipInfo(path.relative_to(CODE).as_posix(), DATE)
            packed.writestr(entry, BARE.get(module) or path.read_bytes(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()
