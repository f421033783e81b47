"""Sends a function to another process: by its module's name where that can be imported, else as source."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lowering_explorer.stage import Source

MODULE = "function_of_the_reader"  # the name of the module that a sent source becomes


class NotSendable(ValueError):
    """A function that cannot be found again in another process; the message says what to change."""


@dataclass(frozen=True)
class Sent:
    """A function as another process can find it: an importable module, or the text of one."""

    module: str
    name: str
    text: str = ""  # of the module, when it cannot be imported
    path: tuple[str, ...] = ()  # where to look for the module

    def found(self, folder: Path) -> Callable[..., Any]:
        """The function, in this process. A sent text is written into `folder`, so that it has lines."""
        sys.path[:0] = [entry for entry in self.path if entry not in sys.path]
        if self.text:
            (folder / f"{MODULE}.py").write_text(self.text, encoding="utf-8")
            sys.path.insert(0, str(folder))
        found: Any = importlib.import_module(self.module)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]


def sent(function: Any) -> Sent:
    """How to find `function` again. Raises NotSendable."""
    if not callable(plain(function)):
        raise NotSendable(f"{function!r} is not callable; pass a function")
    module = getattr(function, "__module__", None) or "__main__"
    name = getattr(plain(function), "__qualname__", "")
    if module != "__main__" and "<" not in name and _importable(function, module, name):
        return Sent(module, name, path=tuple(sys.path))
    if not inspect.isfunction(plain(function)):
        raise NotSendable(
            f"an object of type {type(function).__name__} cannot be sent to another process; "
            "write a function that calls it, in a module that can be imported"
        )
    if name == "<lambda>":
        raise NotSendable("a lambda has no name to find it by; give it one with def")
    if closed := plain(function).__code__.co_freevars:
        raise NotSendable(
            f"{plain(function).__name__} closes over {', '.join(closed)}; pass them as arguments"
        )
    return Sent(MODULE, plain(function).__name__, _module_text(function))


def plain(function: Any) -> Any:
    """The Python function below a decorator such as `triton.jit` or `functools.wraps`."""
    while inner := getattr(function, "fn", None) or getattr(function, "__wrapped__", None):
        function = inner
    return function


def _importable(function: Any, module: str, name: str) -> bool:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is function


def source_of(function: Any) -> Source:
    """The text of the function and of those that it calls from the same file, with line numbers."""
    file = inspect.getsourcefile(plain(function)) or ""
    lines: dict[int, str] = {}
    for each in _with_callees(function, lambda other: inspect.getsourcefile(plain(other)) == file):
        text, first = inspect.getsourcelines(plain(each))
        lines |= {first + offset: line.rstrip("\n") for offset, line in enumerate(text)}
    return Source(file, dict(sorted(lines.items())))


def _with_callees(function: Any, wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """The function, then the functions that it names, as far as they are `wanted`, each once."""
    seen: list[Any] = []
    waiting = [function]
    while waiting:
        each = waiting.pop(0)
        if any(each is other for other in seen):
            continue
        seen.append(each)
        yield each
        for value in _named(each).values():
            if inspect.isfunction(plain(value)) and wanted(value):
                waiting.append(value)


def _named(function: Any) -> dict[str, Any]:
    """The global names in the text of a function, decorators and defaults included, and their values."""
    known = plain(function).__globals__
    scopes = [symtable.symtable(_text(function), "function", "exec")]
    names: dict[str, None] = {}
    for scope in scopes:  # grows: a scope holds others
        scopes += scope.get_children()
        asked = (symbol for symbol in scope.get_symbols() if symbol.is_global() and symbol.is_referenced())
        names |= dict.fromkeys(symbol.get_name() for symbol in asked)
    return {name: known[name] for name in names if name in known}


def _text(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(plain(function)))
    except (OSError, TypeError):
        raise NotSendable(
            f"the source of {plain(function).__name__} is nowhere to be read; define it in a file or a cell"
        ) from None


def _module_text(function: Any) -> str:
    """A module that holds the function and everything that it names."""
    imports: dict[str, None] = {}
    constants: dict[str, None] = {}
    functions: list[str] = []
    for each in _with_callees(function, lambda other: other.__module__ == "__main__"):
        functions.append(_text(each))
        for name, value in _named(each).items():
            if isinstance(value, ModuleType):
                imports[f"import {value.__name__} as {name}"] = None
            elif getattr(value, "__module__", "__main__") != "__main__" and hasattr(value, "__qualname__"):
                imports[f"from {value.__module__} import {value.__qualname__} as {name}"] = None
            elif inspect.isfunction(plain(value)) or hasattr(builtins, name):
                continue
            elif _is_literal(value):
                constants[f"{name} = {value!r}"] = None
            else:
                raise NotSendable(
                    f"{plain(each).__name__} uses the global {name} of type {type(value).__name__}; "
                    "pass it as an argument"
                )
    functions.reverse()  # callees first: a decorator may look at them
    return "\n".join([*imports, "", *constants, "", "", *("\n\n".join(functions).splitlines())]) + "\n"


def _is_literal(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError):
        return False
