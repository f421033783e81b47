"""The level map as a table to open on a page, and as a still for print."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from level_map.census import LEVELS, Artefact

ABOUT = {
    "Python": "what the programmer writes",
    "graph": "which operations, in which order",
    "tensor IR": "the same with shapes, before anything is decided",
    "loops": "what runs as one kernel",
    "vector IR": "what one vector register or one tile holds",
    "LLVM IR": "one machine, any processor",
    "assembly": "what the processor runs",
}


@dataclass(frozen=True)
class LevelMap:
    """The artefacts of several compilers, by compiler and level."""

    columns: Mapping[str, Mapping[str, Artefact]]

    def rows(self) -> list[tuple[str, list[Artefact | None]]]:
        """Each level with what each compiler has there."""
        return [(level, [column.get(level) for column in self.columns.values()]) for level in LEVELS]

    def __str__(self) -> str:
        width = max(len(str(a)) for column in self.columns.values() for a in column.values()) + 2
        lines = [f"{'level':<11}" + "".join(f"{name:<{width}}" for name in self.columns)]
        for level, artefacts in self.rows():
            lines.append(f"{level:<11}" + "".join(f"{a or ''!s:<{width}}" for a in artefacts))
        return "\n".join(line.rstrip() for line in lines)

    def to_html(self) -> str:
        """A table whose cells open: a <details> element each, so keyboard and touch work without a script."""
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = ""
        for level, artefacts in self.rows():
            cells = "".join(self._cell(name, a) for name, a in zip(self.columns, artefacts, strict=True))
            about = f'<span class="about">{ABOUT[level]}</span>'
            body += f'<tr><th scope="row">{level}{about}</th>{cells}</tr>'
        style = Path(__file__).with_name("level_map.css").read_text(encoding="utf-8")
        return (
            f"<style>{style}</style>"
            '<div class="level-map" role="region" aria-label="Level map" tabindex="0"><table>'
            f"<thead><tr><th>level</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    @staticmethod
    def _cell(compiler: str, artefact: Artefact | None) -> str:
        label = f'data-compiler="{html.escape(compiler)}"'
        if artefact is None:
            return f'<td class="empty" {label}><span aria-hidden="true">·</span></td>'
        return (
            f"<td {label}><details><summary><strong>{artefact.count}</strong> {html.escape(artefact.unit)}"
            f"</summary><b>{html.escape(artefact.name)}.</b> {html.escape(artefact.sentence)}</details></td>"
        )

    def still(self) -> Any:
        """The table as a matplotlib figure, for print."""
        from matplotlib.figure import Figure
        from matplotlib.transforms import Bbox

        figure = Figure(figsize=(7.2, 3.6))
        figure.set_layout_engine("none")  # the table is placed by hand
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        text = [
            [f"{a.name}\n{a.count} {a.unit}" if a else "" for a in artefacts] for _, artefacts in self.rows()
        ]
        table = axes.table(
            cellText=text,
            rowLabels=list(LEVELS),
            colLabels=list(self.columns),
            cellLoc="center",
            bbox=Bbox.from_bounds(0.14, 0, 0.86, 1),
        )
        table.auto_set_font_size(False)
        table.set_fontsize(8)
        for (row, _), cell in table.get_celld().items():
            cell.set_edgecolor("0.8")
            cell.set_facecolor("0.94" if row == 0 else "white")
        return figure

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        page = io.BytesIO()
        self.still().savefig(page, format="pdf", metadata={"CreationDate": None})
        return {
            "text/html": self.to_html(),
            "application/pdf": base64.b64encode(page.getvalue()).decode(),
            "text/plain": str(self),
        }
