"""The shell of a figure that moves: what every kind of figure shares."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

MARK = "data-moving-figure"  # on the style and the scripts, which an e-book does without


@dataclass(frozen=True)
class Slider:
    """One quantity that the reader sets: its `values` in order, what each is called, where it starts."""

    name: str  # by which the script of the figure finds it
    label: str
    values: tuple[float, ...]
    texts: tuple[str, ...]
    start: int  # an index into `values`

    def __post_init__(self) -> None:
        if len(self.values) != len(self.texts) or not 0 <= self.start < len(self.values):
            raise ValueError(f"slider {self.name!r}: a text for each value, and a start among them")


@dataclass(frozen=True)
class MovingFigure:
    """A drawing, the sliders that move it, and what it shows at the start.

    `kind` names the script, kind.js, which redraws `drawing` and returns the sentence for other values.
    `still` makes the matplotlib figure that print shows; `data` is what the script needs besides the values.
    """

    kind: str
    question: str
    sliders: tuple[Slider, ...]
    drawing: str  # SVG, complete without a script
    sentence: str
    still: Callable[[], Any]
    data: Mapping[str, Any]

    def to_html(self) -> str:
        """The figure for a page: complete without a script, with sliders where there is one."""
        state = json.dumps({"sliders": [asdict(slider) for slider in self.sliders], "data": dict(self.data)})
        script = "".join(_read(name) for name in ("shell.js", f"{self.kind}.js"))
        question, sentence = escape(self.question), escape(self.sentence)
        return (
            f"<style {MARK}>{_read('moving_figures.css')}</style>"
            f'<div class="moving-figure" data-kind="{self.kind}" role="group" aria-label="{question}">'
            f'<p class="question">{question}</p>{self.drawing}'
            f'<p class="reading" aria-live="polite">{sentence}</p><div class="controls"></div>'
            f'<script {MARK} type="application/json">{state}</script></div>'
            f"<script {MARK}>(() => {{\n'use strict';\n{script}openFigures();\n}})();</script>"
        )

    def __str__(self) -> str:
        return f"{self.question}\n{self.sentence}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        page = io.BytesIO()
        self.still().savefig(page, format="pdf", metadata={"CreationDate": None})
        return {
            "text/html": self.to_html(),
            "application/pdf": base64.b64encode(page.getvalue()).decode(),
            "text/plain": str(self),
        }


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
