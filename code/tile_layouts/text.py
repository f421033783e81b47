"""Reads the layouts that a module of TTGIR names in its first lines."""

from __future__ import annotations

import re
from typing import TypeAlias

from tile_layouts.distributed import Blocked, TensorCore
from tile_layouts.shared import Swizzled

Layout: TypeAlias = Blocked | TensorCore | Swizzled

_ALIAS = re.compile(r"^#(\w+) = #ttg\.(\w+)<\{(.*)\}>$", re.MULTILINE)


def layouts_of(module: str) -> dict[str, Layout]:
    """Name -> layout, of those in a module's text that this package knows, in their order."""
    found: dict[str, Layout] = {}
    for name, kind, attributes in _ALIAS.findall(module):
        numbers = {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", attributes)}
        lists = {
            key: tuple(map(int, value.split(", ")))
            for key, value in re.findall(r"(\w+) = \[([\d, ]+)\]", attributes)
        }
        if kind == "blocked":
            per_thread, per_warp = lists["sizePerThread"], lists["threadsPerWarp"]
            found[name] = Blocked(per_thread, per_warp, lists["warpsPerCTA"], lists["order"])
        elif kind == "nvidia_mma" and numbers["versionMajor"] == 2:
            rows, columns = lists["warpsPerCTA"]
            found[name] = TensorCore((rows, columns))
        elif kind == "swizzled_shared" and len(lists["order"]) == 2:
            fast, slow = lists["order"]
            found[name] = Swizzled(numbers["vec"], numbers["perPhase"], numbers["maxPhase"], (fast, slow))
    return found
