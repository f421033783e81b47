"""What Python source imports, and what the packages under code/ import in turn."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path


def imported_modules(source: str) -> set[str]:
    """Top-level names of the modules that `source` imports, anywhere in it.

    Lines of IPython magic are passed over. Source that does not parse imports nothing here: it
    fails where it is executed.
    """
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def packages_used(modules: Iterable[str], code: Path, page: str) -> set[str]:
    """Those of `modules` that lie under `code`, with the packages there that they import in turn.

    Of a package's exercises only those of `page` count: the others are never imported while it runs.
    """
    found: set[str] = set()
    waiting = [name for name in modules if (code / name).is_dir()]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in _imports_of(code / name, page) if (code / other).is_dir()]
    return found


def sources_of(package: Path, page: str) -> list[Path]:
    """The files of a package that can matter to `page`: all but the exercises of other pages."""
    exercises = package / "exercises"
    own = (exercises / page).with_suffix(".py")
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file() and (exercises not in path.parents or path == own or path.stem == "__init__")
    )


@cache
def _imports_of(package: Path, page: str) -> frozenset[str]:
    paths = (path for path in sources_of(package, page) if path.suffix == ".py")
    return frozenset(name for path in paths for name in imported_modules(path.read_text(encoding="utf-8")))


def distributions_of(modules: Iterable[str]) -> dict[str, str]:
    """Third-party modules among `modules`, each with the distribution that installs it."""
    owners = _owners()
    return {
        name: owners[name][0].lower()
        for name in modules
        if name in owners and name not in sys.stdlib_module_names
    }


@lru_cache(maxsize=1)
def _owners() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())
