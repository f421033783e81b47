"""Keeps `inspect.getmodule` from looking for the same missing module again and again."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def remembered_misses() -> Iterator[None]:
    """Within it, a file that belongs to no module is looked up once.

    TVMScript's decorators call `inspect.stack` for each of the several hundred functions that TVM's tensor
    intrinsics are; that asks for the module of each frame, and for frames of frozen or generated code every
    search walks through all the modules that PyTorch loaded. Importing the intrinsics takes a minute without
    this and a few seconds with it.
    """
    original = inspect.getmodule
    missing: set[str] = set()

    def getmodule(found: Any, _filename: str | None = None) -> Any:
        if not inspect.isframe(found) and not inspect.iscode(found):
            return original(found, _filename)
        file = (found.f_code if inspect.isframe(found) else found).co_filename
        if file in missing:
            return None
        module = original(found, _filename)
        if module is None:
            missing.add(file)
        return module

    inspect.getmodule = getmodule  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getmodule = original
