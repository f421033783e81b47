"""The chapter contract, checked on the source of a page before it executes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from book_build.chapter import Chapter
from book_build.imports import distributions_of, imported_modules, packages_used
from book_build.prose import Block, blocks

KINDS = ("chapter", "page")
MACHINES = ("cpu", "recorded")
KEYS = {
    "file_format", "kernelspec", "source_map", "kind", "uses", "needs", "machine", "alone", "time_limit",
    "objectives", "mystnb", "orphan", "recorded",
}  # fmt: skip
OPENING = ("The question", "Objectives", "What you need")
CLOSING = ("What the real compilers do", "Exercises", "Summary", "What we left out", "Sources")
BODY_SECTIONS = range(2, 6)
CELL_LINES = 25
SUMMARY_LINES = 5

NETWORK = {"requests", "urllib", "urllib3", "http", "httpx", "aiohttp", "socket", "huggingface_hub"}
INSTALL = re.compile(r"^\s*[!%]\s*(pip|conda|apt|apt-get)\b")
QUOTED = re.compile(r"^quote\(.*\)$|.*; quote\(.*\)$")
HAND_TYPED = {"", "text", "console", "output", "none"}
UNIT = re.compile(
    r"(?<![\w.{`])\d[\d,.]*\s?(?:%|[x×](?!\w|\s*\d)|(?:[kMGTP]i?B|B|bytes|ns|us|µs|ms|s|min|seconds|minutes|hours"
    r"|[MGTP]?FLOPs?(?:/s)?|[MGTP]FLOP|[kMGT]i?B/s|[MG]Hz|tokens/s|W)(?![\w/]))"
)
SPOKEN_FOR = re.compile(r"\{(?:glue|cite|given|eq|ref)[^}]*\}|\$")
MARKED = re.compile(r"\{[\w:.-]+\}`[^`]*`|``[^`]*``|`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)")


@dataclass(frozen=True)
class Complaint:
    """One breach of the contract, with the 1-based line on which it stands."""

    line: int
    sentence: str


def lint(chapter: Chapter, code: Path) -> list[Complaint]:
    """All breaches of the contract on one page, in the order of its lines."""
    checks: list[Callable[[Chapter, Path], Iterator[Complaint]]] = [_front_matter, _imports, _cells, _fences]
    if chapter.is_chapter:
        checks += [_headings, _numbers, _runs_something]
    return sorted((c for check in checks for c in check(chapter, code)), key=lambda c: (c.line, c.sentence))


def _front_matter(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    front = chapter.front_matter
    for key in sorted(set(front) - KEYS):
        yield Complaint(1, f"front matter: unknown key {key!r}; the known ones are {', '.join(sorted(KEYS))}")
    if front.get("file_format") != "mystnb":
        yield Complaint(1, "front matter: file_format must be mystnb")
    if front.get("kind") not in KINDS:
        yield Complaint(1, f"front matter: kind must be one of {', '.join(KINDS)}, not {front.get('kind')!r}")
    if not chapter.is_chapter:
        return
    if front.get("machine") not in MACHINES:
        yield Complaint(
            1, f"front matter: machine must be one of {', '.join(MACHINES)}, not {front.get('machine')!r}"
        )
    for key in ("uses", "needs"):
        if not _is_list_of_text(front.get(key)):
            yield Complaint(1, f"front matter: {key} must be a list of names")
    if not _is_list_of_text(front.get("recorded", [])):
        yield Complaint(1, "front matter: recorded must be a list of files in book/recorded")
    objectives = front.get("objectives")
    if not _is_list_of_text(objectives) or not 3 <= len(objectives) <= 5:
        yield Complaint(1, "front matter: objectives must be a list of 3 to 5 sentences")


def _is_list_of_text(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _imports(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    modules = {name for cell in chapter.code_cells for name in imported_modules(cell.source)}
    used, declared = packages_used(modules, code, chapter.docname), set(chapter.uses)
    for name in sorted(used - declared):
        yield Complaint(
            1, f"front matter: the cells import {name}, directly or through a package; add it to uses"
        )
    for name in sorted(declared - used):
        yield Complaint(1, f"front matter: uses lists {name}, which no cell imports; remove it")
    for module, distribution in sorted(distributions_of(modules - used).items()):
        if distribution not in chapter.needs:
            yield Complaint(1, f"front matter: the cells import {module}; add {distribution} to needs")
    for module in sorted(modules & NETWORK):
        yield Complaint(1, f"a cell imports {module}: chapters reach no network")


def _cells(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    page = chapter.text.splitlines()
    for index, cell in enumerate(chapter.notebook.cells):
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        first = chapter.line_of(index)
        if len(lines) > CELL_LINES:
            yield Complaint(
                first, f"a cell of {len(lines)} lines; at most {CELL_LINES}, move helpers to a package"
            )
        if lines and QUOTED.match(lines[-1]):
            yield Complaint(
                first + len(lines) - 1, "a cell that ends with quote(...) prints its value; end it with ;"
            )
        for line in lines:
            if INSTALL.match(line):
                yield Complaint(
                    page.index(line, first - 1) + 1,
                    "a cell installs a package; add it to requirements.lock instead",
                )


def _fences(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    for block in blocks(chapter):
        if block.info is not None and block.info.split(" ")[0] in HAND_TYPED:
            yield Complaint(
                block.line, "a block that looks like output typed by hand; print it from a code-cell"
            )


def _headings(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    sections = [block for block in blocks(chapter) if block.level == 2]
    titles = tuple(block.text.strip() for block in sections)
    if titles[: len(OPENING)] != OPENING:
        yield Complaint(
            sections[0].line if sections else 1, f"a chapter opens with the sections {', '.join(OPENING)}"
        )
    if titles[-len(CLOSING) :] != CLOSING:
        yield Complaint(
            sections[-1].line if sections else 1, f"a chapter closes with the sections {', '.join(CLOSING)}"
        )
    body = len(titles) - len(OPENING) - len(CLOSING)
    if body not in BODY_SECTIONS:
        first, last = BODY_SECTIONS.start, BODY_SECTIONS.stop - 1
        yield Complaint(1, f"a chapter has {first} to {last} sections of its own, not {body}")
    if not any(block.info == "{objectives}" for block in blocks(chapter)):
        yield Complaint(1, "the section Objectives must hold the {objectives} directive")
    summary = _section(chapter, "Summary")
    lines = sum(len(block.text.splitlines()) for block in summary)
    if lines > SUMMARY_LINES:
        yield Complaint(summary[0].line, f"a summary of {lines} lines; at most {SUMMARY_LINES}")


def _section(chapter: Chapter, title: str) -> list[Block]:
    """The prose below one ## heading."""
    inside, found = False, list[Block]()
    for block in blocks(chapter):
        if block.level == 2:
            inside = block.text.strip() == title
        elif inside and block.is_prose:
            found.append(block)
    return found


def _numbers(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    for block in blocks(chapter):
        if not block.is_prose:
            continue
        for sentence in re.split(r"(?<=[.;:!?])\s+", " ".join(block.text.split())):
            if SPOKEN_FOR.search(sentence):
                continue
            if found := UNIT.search(MARKED.sub(" ", sentence)):
                yield Complaint(
                    block.line,
                    f"the number {found[0].strip()!r} is typed by hand: compute it in a cell and use "
                    "{glue:text}, cite its source in the sentence, "
                    "or mark what the book itself sets with {given}",
                )


def _runs_something(chapter: Chapter, code: Path) -> Iterator[Complaint]:
    if not any(cell.source.strip() for cell in chapter.code_cells):
        yield Complaint(1, "a chapter that runs nothing: it has no code-cell")
