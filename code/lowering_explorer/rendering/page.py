"""A lowering as HTML: the explorer, and below it what a reader without JavaScript sees."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lowering_explorer.rendering.payload import payload, title
from lowering_explorer.rendering.plain import call, total
from lowering_explorer.stage import Capture, Lowering

SCRIPTS = ("stages.js", "difference.js", "listbox.js", "facts.js", "explorer.js")
MARK = "data-lowering-explorer"  # on the style and the script, of which a page needs one each


def style() -> str:
    """The explorer's CSS."""
    return _read("explorer.css")


def script() -> str:
    """The explorer's JavaScript, with its names to itself."""
    return "(() => {\n'use strict';\n" + "\n".join(map(_read, SCRIPTS)) + "})();\n"


def explorer(lowering: Lowering) -> str:
    """The element that the script turns into an explorer, with the compressed stages in it."""
    return (
        f'<div class="lowering-explorer" data-name="{escape(lowering.function)}">'
        f'<div class="still" role="region" aria-label="Stages of {escape(lowering.function)}" tabindex="0">'
        f"{overview(lowering)}<noscript><p>The texts of the stages open with JavaScript.</p></noscript></div>"
        f'<script class="payload" type="text/plain">{payload(lowering)}</script></div>'
    )


def with_assets(html: str) -> str:
    """The element with its style and script, for a page that has neither."""
    return f"<style {MARK}>{style()}</style>{html}<script {MARK}>{script()}</script>"


def report(lowering: Lowering) -> str:
    """A page of its own that asks for no other file."""
    compilers = ", ".join(title(capture.compiler) for capture in lowering)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(lowering.function)}: {escape(compilers)}</title>"
        f"<style>{style()}{_read('report.css')}</style></head>\n"
        f"<body><main><h1>{escape(call(lowering))}</h1>{explorer(lowering)}</main>\n<script>{script()}</script></body></html>\n"
    )


def overview(lowering: Lowering) -> str:
    """A table with one row per stage: level, name, lines and total."""
    bodies = "".join(_rows(capture) for capture in lowering)
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Level", "Stage"))
    head += "".join(f"<th scope='col' class='number'>{name}</th>" for name in ("Lines", "Counted"))
    return f"<table><caption>{escape(call(lowering))}</caption><thead><tr>{head}</tr></thead>{bodies}</table>"


def _rows(capture: Capture) -> str:
    name = f"{title(capture.compiler)} {capture.version}".strip()
    rows = f"<tr><th scope='rowgroup' colspan='4'>{escape(name)}</th></tr>"
    for stage in capture:
        numbers = (str(len(stage.text.splitlines())), total(stage))
        rows += f"<tr><td>{stage.level}</td><td>{escape(stage.name)}</td>"
        rows += "".join(f"<td class='number'>{number}</td>" for number in numbers) + "</tr>"
    if capture.problem:
        rows += f"<tr><td colspan='4'>{escape(capture.problem)}</td></tr>"
    return f"<tbody>{rows}</tbody>"


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
