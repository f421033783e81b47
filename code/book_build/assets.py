"""What the theme ships and no page of the book uses, left out of the built pages."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

# Below _static. Font Awesome is the bulk: the pages draw the dozen icons they show with icons.css.
UNUSED = ("vendor", "locales", "images", "scripts/fontawesome.js*", "scripts/*.map", "styles/*.map")
STYLESHEET = "styles/pydata-sphinx-theme.css"
ICON = r"\.fa(?:[bsr]|-[\w-]+)?(?![\w-])[^{},]*"  # .fa, .fas, .fa-sun:before, but not .fade
ICON_RULE = re.compile(rf"(?<=[{{}}/]){ICON}(?:,{ICON})*\{{[^{{}}]*\}}")
ICON_FONT = re.compile(r"@font-face\{[^{}]*Font Awesome[^{}]*\}")


def setup(app: Sphinx) -> None:
    """Trim the theme's files once they are copied."""
    app.connect("build-finished", _trim)


def _trim(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        trim(Path(app.outdir) / "_static")


def trim(static: Path) -> None:
    """Remove the unused files below `static`, and the rules of the icon font from the theme's style."""
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    stylesheet = static / STYLESHEET
    text = stylesheet.read_text(encoding="utf-8")
    stylesheet.write_text(ICON_RULE.sub("", ICON_FONT.sub("", text)), encoding="utf-8")
