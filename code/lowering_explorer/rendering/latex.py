"""A lowering and what belongs to it as LaTeX, for documents that Sphinx typesets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lowering_explorer.comparison import Comparison
from lowering_explorer.rendering.payload import title
from lowering_explorer.rendering.plain import call, total
from lowering_explorer.stage import Capture, Lowering

TEXT = "% text, not a formula\n"  # begins what is displayed, for those who take all LaTeX for formulas

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "#$%&_{}"},
}


def escaped(text: str) -> str:
    """The text as LaTeX, with places to break a line inside long names."""
    return re.sub(
        r"[\\~^#$%&_{}]|[.:/,]",
        lambda sign: _SPECIAL.get(sign[0], sign[0]) + (r"\allowbreak{}" if sign[0] in "_.:/," else ""),
        text,
    )


def overview(lowering: Lowering) -> str:
    """A table over as many pages as it takes, one row per stage: level, name, lines and total."""
    rows = [r"\multicolumn{4}{p{0.96\linewidth}}{\texttt{" + escaped(call(lowering)) + "}}"]
    for capture in lowering:
        rows += _rows(capture)
    return _small(
        "longtable",
        _paragraph(0.155) + _paragraph(0.485) + "r" + _paragraph(0.225),
        " \\\\\n".join(rows) + r" \\",
    )


def _rows(capture: Capture) -> list[str]:
    name = f"{title(capture.compiler)} {capture.version}".strip()
    rows = [r"\hline \multicolumn{2}{l}{\textbf{" + escaped(name) + r"}} & lines & counted"]
    for stage in capture:
        cells = (stage.level, stage.name, str(len(stage.text.splitlines())), total(stage))
        rows.append(" & ".join(map(escaped, cells)))
    if capture.problem:
        rows.append(r"\multicolumn{4}{p{0.96\linewidth}}{" + escaped(capture.problem) + "}")
    return rows


def comparison(compared: Comparison) -> str:
    """The table of counts: one row per count, one column per compiler."""
    share = 0.76 / max(1, len(compared.columns))
    rows = [r"\raggedright " + r" & ".join(map(escaped, ("", *compared.columns))) + r" \\ \hline"]
    for name, values in compared.rows:
        cells = (name, *("" if value is None else str(value) for value in values))
        rows.append(" & ".join(map(escaped, cells)) + r" \\")
    columns = _paragraph(0.24) + _paragraph(share, r"\raggedleft") * len(compared.columns)
    return _small("longtable", columns, "\n".join(rows))


def _paragraph(share: float, alignment: str = r"\raggedright") -> str:
    """A column of that share of the line, its margins included, whose long entries wrap."""
    width = rf"\dimexpr{share:.3f}\linewidth-2\tabcolsep\relax"
    return f">{{{alignment}\\arraybackslash}}p{{{width}}}"


def _small(environment: str, columns: Sequence[str] | str, rows: str) -> str:
    columns = "".join(columns)
    return f"{TEXT}{{\\small\n\\begin{{{environment}}}{{{columns}}}\n{rows}\n\\end{{{environment}}}}}\n"
