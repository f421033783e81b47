"""The conditions under which a program that Dynamo compiled may be used, as a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch._dynamo.eval_frame import _debug_get_cache_entry_list

_LINE = re.compile(r"\+- ([A-Z_]+): (.*)")
_SUBJECT = re.compile(r"[LG]\[['\"](\w+)['\"]\](?:\.(\w+)|\[['\"](\w+)['\"]\])?")


@dataclass(frozen=True)
class Guard:
    """One check: its `kind` in Dynamo's words, what it looks at, and the condition as Dynamo prints it."""

    kind: str
    subject: str
    condition: str

    @property
    def about(self) -> str:
        """What the check protects against, in three words or fewer."""
        if self.kind == "TENSOR_MATCH":
            return "dtype, shape, strides"
        return {
            "ID_MATCH": "another function",
            "EQUALS_MATCH": "another constant",
            "NO_TENSOR_ALIASING": "shared memory",
            "DIMENSION_DYNAMIC_MARKING_GUARD": "marked sizes",
            "NO_HASATTR": "another class",
        }.get(self.kind, "global state")


def guards(function: Callable[..., Any], *arguments: Any) -> list[Guard]:
    """The checks that a call of `function`, compiled for `arguments`, has to pass; they run in this order."""
    torch._dynamo.reset()
    torch.compile(function, backend="eager")(*arguments)
    (entry,) = _debug_get_cache_entry_list(function)
    return read(str(entry.guard_manager))


def read(text: str) -> list[Guard]:
    """The guards in what a guard manager prints. Object ids become the word ID, comments are dropped."""
    found = []
    for line in text.splitlines():
        if match := _LINE.search(line):
            condition = re.sub(r"\s+#.*", "", match[2])
            condition = re.sub(r"\b\d{6,}\b", "ID", condition)
            found.append(Guard(match[1], _subject(condition), condition))
    return found


def _subject(condition: str) -> str:
    """The variable, or the attribute of a module, that a condition is about; empty if there is none."""
    match = _SUBJECT.search(condition)
    if not match:
        return ""
    attribute = match[2] or match[3] or "__"
    return match[1] if attribute.startswith("__") else attribute
