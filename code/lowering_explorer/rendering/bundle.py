"""A lowering for a notebook: every format that HTML and print can show."""

from __future__ import annotations

from lowering_explorer.rendering import latex, page, plain
from lowering_explorer.stage import Lowering


def mime_bundle(lowering: Lowering) -> dict[str, str]:
    """Format -> text."""
    return {
        "text/html": page.with_assets(page.explorer(lowering)),
        "text/latex": latex.overview(lowering),
        "text/plain": plain.overview(lowering),
    }
