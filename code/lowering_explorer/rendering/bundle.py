"""A lowering for a notebook: every format that HTML and print can show."""

from __future__ import annotations

from lowering_explorer.rendering.plain import overview
from lowering_explorer.stage import Lowering


def mime_bundle(lowering: Lowering) -> dict[str, str]:
    """Format -> text."""
    return {"text/plain": overview(lowering)}
