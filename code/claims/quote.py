"""A named value that prose prints by reference."""

from __future__ import annotations

from typing import SupportsFloat, TypeVar

from claims.display import publish

# The protocol of papermill and of MyST-NB's glue: a display message whose metadata names the
# value. Speaking it directly spares a chapter the import of Sphinx.
PREFIX = "application/papermill.record/"

Value = TypeVar("Value", bound=SupportsFloat | str)


def quote(name: str, value: Value) -> Value:
    """Make `value` available to the prose of this chapter as ``{glue:text}`name` ``.

    Numbers take a format, ``{glue:text}`name:.2f` ``; whole numbers stay whole. Returns the
    value, so that a quotation can stand inside an expression.
    """
    if not name.isidentifier():
        raise ValueError(f"a quoted value needs a name that is an identifier, not {name!r}")
    text = repr(value if isinstance(value, str | int) else float(value))
    publish({PREFIX + "text/plain": text}, {"scrapbook": {"name": name, "mime_prefix": PREFIX}})
    return value
