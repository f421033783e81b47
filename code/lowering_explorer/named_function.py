"""Finds the function that a command line names: `package.module:function` or `folder/file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any


class NotFound(ValueError):
    """A name that leads to no function; one sentence that says what is missing."""


def named(text: str) -> Any:
    """The object. The current folder, or the file's, is put on the path. Raises NotFound."""
    place, colon, name = text.rpartition(":")
    if not (place and colon and name):
        raise NotFound(f"{text!r} names no function; write module:function or file.py:function")
    module = _file(Path(place)) if place.endswith(".py") else _module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise NotFound(f"{place} has no {name!r}{_similar(module)}")
        found = getattr(found, part)
    if not callable(found) and not callable(getattr(found, "fn", None)):
        raise NotFound(f"{text} is not callable: it is of type {type(found).__name__}")
    return found


def _similar(module: Any) -> str:
    names = [name for name, value in vars(module).items() if _own(value, module)]
    return f"; it defines {', '.join(names)}" if names else ""


def _own(value: Any, module: Any) -> bool:
    return getattr(value, "__module__", None) == module.__name__ and hasattr(value, "__name__")


def _file(path: Path) -> Any:
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    if not path.stem.isidentifier():
        raise NotFound(f"{path} cannot be imported: {path.stem!r} is not a name in Python; rename the file")
    module = _imported(path.stem, path.resolve().parent, str(path))
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise NotFound(f"{path} is hidden by another module named {path.stem}; rename the file")
    return module


def _module(name: str) -> Any:
    folder = Path.cwd()
    try:
        known = name in sys.modules or _found(name, folder)
    except (ImportError, ValueError):
        known = False
    if not known:
        raise NotFound(f"there is no module {name!r} in {folder} or among the installed ones")
    return _imported(name, folder, name)


def _found(name: str, folder: Path) -> bool:
    _look_in(folder)
    return importlib.util.find_spec(name) is not None


def _imported(name: str, folder: Path, said: str) -> Any:
    _look_in(folder)
    try:
        return importlib.import_module(name)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else ""
        raise NotFound(f"{said} cannot be imported: {type(error).__name__}: {reason}".rstrip(": ")) from None


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
