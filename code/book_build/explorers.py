"""Lowering explorers on pages: one style and script for the book, the stages in files beside the pages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from lowering_explorer.rendering import page

FOLDER = "lowerings"  # below _static: one file per explorer
ASSETS = re.compile(rf"<(style|script) {page.MARK}>.*?</\1>", re.DOTALL)
PAYLOAD = re.compile(
    r'(<div class="lowering-explorer")(.*?)<script class="payload"[^>]*>(.*?)</script>', re.DOTALL
)


def setup(app: Sphinx) -> None:
    """Write the shared files; take what they hold out of each page."""
    app.connect("builder-inited", _write_assets)
    app.connect("html-page-context", _share)
    app.connect("build-finished", _remove_unused)


def _write_assets(app: Sphinx) -> None:
    if app.builder.name == "html":
        static = Path(app.outdir) / "_static"
        (static / FOLDER).mkdir(parents=True, exist_ok=True)
        (static / "explorer.css").write_text(page.style(), encoding="utf-8")
        (static / "explorer.js").write_text(page.script(), encoding="utf-8")


def _share(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Keep the still of an explorer; a browser gets the rest from shared files, an e-book does without."""
    body = context.get("body", "")
    if page.MARK not in body:
        return
    if app.builder.name != "html":
        context["body"] = still(body)
        return
    static = Path(app.outdir) / "_static"
    context["body"] = shared(body, static, lambda path: context["pathto"](f"_static/{path}", resource=True))
    app.add_css_file("explorer.css")
    app.add_js_file("explorer.js", loading_method="defer")


def still(body: str) -> str:
    """The page without what needs a script."""
    return PAYLOAD.sub(r"\1\2", ASSETS.sub("", body))


def shared(body: str, static: Path, address: Callable[[str], str]) -> str:
    """The page with the address of each explorer's stages, which are written below `static`."""

    def beside(found: re.Match[str]) -> str:
        return f'{found[1]} data-payload="{address(write_payload(static, found[3]))}"{found[2]}'

    return PAYLOAD.sub(beside, ASSETS.sub("", body))


def write_payload(static: Path, payload: str) -> str:
    """Write the stages as a script, which also a page on the local disk may load; the path below `static`."""
    name = f"{hashlib.sha256(payload.encode()).hexdigest()[:16]}.js"
    text = f'(globalThis.lowerings ??= {{}})["{name}"] = "{payload}";\n'
    (static / FOLDER / name).write_text(text, encoding="utf-8")
    return f"{FOLDER}/{name}"


def _remove_unused(app: Sphinx, exception: Exception | None) -> None:
    """Remove the stages that no page shows any more."""
    if exception is None and app.builder.name == "html":
        folder = Path(app.outdir) / "_static" / FOLDER
        pages = "".join(path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html"))
        for path in folder.glob("*.js"):
            if f"{FOLDER}/{path.name}" not in pages:
                path.unlink()
