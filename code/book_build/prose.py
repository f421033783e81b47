"""The text of a page outside its code cells, as blocks with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

from book_build.chapter import Chapter

_PARSER = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(colon_fence_plugin)
    .use(dollarmath_plugin)
    .use(amsmath_plugin)
    .use(myst_block_plugin)
)
# Directives whose content is not prose.
VERBATIM_DIRECTIVES = {"code", "code-block", "literalinclude", "math", "raw", "image", "bibliography"}


@dataclass(frozen=True)
class Block:
    """A heading (`level` 1 to 6), a run of prose (`level` 0) or a fenced block (`info` is not None)."""

    line: int  # 1-based, in the page
    text: str
    level: int = 0
    info: str | None = None

    @property
    def is_prose(self) -> bool:
        """Whether this is running text rather than a heading or a fenced block."""
        return self.info is None and self.level == 0


def blocks(chapter: Chapter) -> Iterator[Block]:
    """The blocks of all markdown cells in order; the content of directives follows the directive."""
    for index, cell in enumerate(chapter.notebook.cells):
        if cell.cell_type == "markdown":
            yield from _blocks(cell.source, chapter.line_of(index))


def _blocks(text: str, first_line: int) -> Iterator[Block]:
    level = 0
    for token in _PARSER.parse(text):
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "inline":
            yield Block(line, token.content, level)
            level = 0
        elif token.type in ("fence", "colon_fence"):
            yield Block(line, token.content, info=token.info.strip())
            directive = re.match(r"\{([\w:-]+)\}", token.info.strip())
            if directive and directive[1] not in VERBATIM_DIRECTIVES:
                yield from _blocks(_without_options(token.content), line + 1)


def _without_options(content: str) -> str:
    """The content of a directive with its option lines emptied, so that line numbers stay."""
    lines = content.splitlines()
    for number, line in enumerate(lines):
        if not re.match(r":[\w-]+:", line):
            break
        lines[number] = ""
    return "\n".join(lines)
