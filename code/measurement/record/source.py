"""Where a kernel's source is, and a digest by which a page tells that it has changed since."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path


def source_of(kernel: str) -> Path:
    """The file of the module of "module:object". Raises ValueError where there is none."""
    module = kernel.partition(":")[0]
    try:
        specification = importlib.util.find_spec(module)
    except ImportError:
        specification = None
    if specification is None or not specification.origin:
        raise ValueError(f"there is no module {module}, in which {kernel} should be")
    return Path(specification.origin)


def digest_of(kernel: str) -> str:
    """A digest of that file, 16 hexadecimal digits."""
    return hashlib.sha256(source_of(kernel).read_bytes()).hexdigest()[:16]
