"""Finds the lines of a stage that compute what it returns or stores, in any language.

On its way down a text keeps few names, but it always says what it hands out. From there the walk goes back
to the line above that last defined the value, through lines that only give it another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lowering_explorer.stage import Stage


@dataclass(frozen=True)
class _Grammar:
    """How a language writes that a value is defined, handed out, and given another name."""

    defines: str  # the group that matches is the name
    hands_out: str  # the group that matches holds names; an empty one says that the line itself computes
    renames: str = r"(?!)"  # the group that matches is the name before
    name: str = r"[%\w.]+"


_VECTOR = r"[xyz]mm(\d+)"  # one register by three names

_GRAMMARS = {
    "jaxpr": _Grammar(r"^\s*(\w+):\S+ = ", r"^\s*in \((.*)\)"),
    "mlir": _Grammar(
        r"^\s*(%\w+)(?::\d+)? = ",
        r"^\s*(?:func\.)?return (.*?) :|tt\.store [^,]+, (%\w+)",
        r" = ttg\.convert_layout (%\w+) ",
    ),
    "python": _Grammar(
        r"^\s*(\w+)(?:: .*?)? = ",
        r"^\s*return \(?(\w+)|^\s*(\w+),  # PlainAOTOutput|tl\.store\(.*, (\w+), |^\s*\w+\[.*?\]() = ",
        r" = (\w+)$|ops\.store\('\w+', \w+, (\w+)",
    ),
    "cpp": _Grammar(r"auto (\w+) = ", r"(\w+)\.store\(|\]() = "),
    "cuda": _Grammar(r"^\s*\w+ (\w+) = ", r"\]() = "),
    "llvm": _Grammar(
        r"^\s*(%[\w.]+) = ",
        r"^\s*store (?:<.*?>|\w+) (%[\w.]+), |st\.global.*\"\((.*)\)",
        r" = bitcast .*? (%[\w.]+) to ",
        r"%[\w.]+",
    ),
    "x86": _Grammar(  # in Intel's order of operands and in AT&T's
        rf"\s(?!v?u?comis)[a-z]\w+ +{_VECTOR}(?:\{{k\d\}})?,|, %{_VECTOR}$",
        rf"\sv?mov[a-z]+ +(?:\w+ PTR )?\[.*\],{_VECTOR}|\sv?mov[a-z]+ +%{_VECTOR}, .*\)$",
        name=r"\d+",
    ),
    "ptx": _Grammar(r"^\s*(?:@\S+ )?[a-z][\w.:]*\s+(%\w+),", r"st\.global\S* .*\{ (.*) \}", name=r"%\w+"),
    "sass": _Grammar(r"\*/ +(?:@!?\w+ +)?[A-Z][\w.]* R(\d+),", r"STG\S* .*, R(\d+) ;", name=r"\d+"),
}


def result_lines(stage: Stage, operation: str = "") -> tuple[int, ...]:
    """The lines, counted from 0, that compute what the text returns or stores.

    Only those count whose operation matches `operation`, a regular expression; it is looked for right of
    an equals sign where there is one, and not within brackets, which hold addresses and indices.
    Raises ValueError for a language that has no values to follow.
    """
    lines = stage.text.splitlines()
    if stage.language == "hlo":
        found = {_root_of_entry(lines)}
    elif stage.language in _GRAMMARS:
        found = set(_walk(lines, _GRAMMARS[stage.language]))
    else:
        languages = ", ".join(("hlo", *_GRAMMARS))
        raise ValueError(f"stage {stage.name!r} is {stage.language}; values can be followed in {languages}")
    return tuple(sorted(number for number in found if re.search(operation, _operation(lines[number]))))


def _operation(line: str) -> str:
    return re.sub(r"\[[^\[\]]*\]", "[]", line.split(" = ", 1)[-1])


def _walk(lines: list[str], grammar: _Grammar) -> Iterator[int]:
    """The lines behind everything that is handed out; may repeat itself."""
    defined: dict[str, int] = {}
    for number, line in enumerate(lines):
        if hands_out := re.search(grammar.hands_out, line):
            given = " ".join(filter(None, hands_out.groups()))
            if not given:
                yield number
            for name in (*re.findall(grammar.name, given), *_second_register(line)):
                yield from _origin(name, defined, lines, grammar.renames)
        if defines := re.search(grammar.defines, line):
            defined.update(dict.fromkeys(filter(None, defines.groups()), number))


def _origin(name: str, defined: dict[str, int], lines: list[str], renames: str) -> Iterator[int]:
    """The line that computed the value, behind those that only renamed it; none for an argument."""
    number = defined.get(name)
    while number is not None and (renamed := re.search(renames, lines[number])):
        number = defined.get(next(filter(None, renamed.groups())))
    if number is not None:
        yield number


def _second_register(line: str) -> list[str]:
    """A store of 64 bits in SASS names the first of two registers."""
    return [str(int(first) + 1) for first in re.findall(r"STG\S*\.64 .*, R(\d+) ;", line)]


def _root_of_entry(lines: list[str]) -> int:
    """In HLO each computation has a root; that of a fusion stands in the computation that it calls."""
    roots: dict[str, int] = {}
    computation = ""
    for number, line in enumerate(lines):
        if begins := re.match(r"(ENTRY )?%(\S+) .*\{$", line):
            computation = "ENTRY" if begins[1] else begins[2]
        elif line.lstrip().startswith("ROOT "):
            roots[computation] = number
    root = roots["ENTRY"]
    while fusion := re.search(r" fusion\(.*calls=%([\w.-]+)", lines[root]):
        root = roots[fusion[1]]
    return root
