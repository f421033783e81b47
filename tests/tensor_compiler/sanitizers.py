"""Targets whose code watches itself."""

from __future__ import annotations

from dataclasses import replace

from tensor_compiler.target import Target


def sanitized(target: Target) -> Target:
    """The target with AddressSanitizer and UndefinedBehaviorSanitizer, which the process preloads."""
    sanitizers = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
    return replace(target, flags=(*target.flags, *sanitizers))
