"""Takes out of a text what differs between two captures of the same function by the same compiler."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

# Each pattern names what varies; its replacement says what stood there.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"__compiled_fn_(\d+)_[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}", r"__compiled_fn_\1"),
        (r"(___check_(?:obj|type)_id\([^,]+, )\d+", r"\1ID"),
        (r"(latency = )[\d.]+ us", r"\1TIME us"),
        (r"# graph id: \d+", "# graph id: ID"),
        (r"(?:/[\w.+-]+)+/site-packages/", ""),
        (r"(?:/[\w.+-]+)+/ipykernel_\d+/", ""),
        (r"(?:/[\w.+-]+)+/lib/python3\.\d+/", "python/"),
        # What follows a comma is an immediate of an instruction, in x86 (,0x) and in SASS (, 0x).
        (r"(?<![\w.,])(?<!, )0x[0-9a-f]{8,16}(?=[>\s,)]|$)", "ADDRESS"),
        (r" at ADDRESS", ""),
    )
)


def normalised(text: str, source_file: str, folder: Path) -> str:
    """The text without addresses, random names, times and paths; lines end in no blank and one newline.

    `folder` is the capture's own; the folder of `source_file` is left out too, its name stays.
    """
    for path, name in ((folder, "FOLDER"), (PurePath(source_file).parent, "")):
        if str(path) not in (".", "/"):
            text = text.replace(f"{path}/", f"{name}/" if name else "").replace(str(path), name)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n" if text.strip() else ""
