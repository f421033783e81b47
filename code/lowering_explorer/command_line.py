"""The command line: one function through several compilers, into a page that needs no network.

Exit status: 0 if every compiler reached its end; 1 if one did not, and the report says why; 2 for bad
usage, with nothing written.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lowering_explorer import argument
from lowering_explorer.adapters import ADAPTERS, adapter
from lowering_explorer.function_source import plain
from lowering_explorer.lower import DEFAULT, lower
from lowering_explorer.named_function import named
from lowering_explorer.rendering.page import report
from lowering_explorer.stage import Lowering

Format = Callable[[Lowering], str]


class BadUsage(ValueError):
    """A command that cannot be run; one sentence that says what to change."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{message}; --help tells more")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    try:
        options = _parser().parse_args(arguments)
        function, values, keywords = _call(options)
        through = _compilers(options.through, function)
        targets = _targets(options)
        lowering = lower(
            function,
            *values,
            through=through,
            time_limit=options.time_limit,
            options=dict(map(_option, options.option)),
            progress=_Progress(),
            **keywords,
        )
    except ValueError as problem:  # every refusal of this package is one
        print(f"lowering_explorer: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lowering_explorer: interrupted; nothing was written", file=sys.stderr)
        return 130
    return _written(lowering, targets)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m lowering_explorer",
        description="Show what compilers make of a function, from Python to assembly.",
        epilog="Exit status: 0 all compilers reached their end, 1 some did not (the report says why), "
        "2 bad usage (nothing is written).",
    )
    parser.add_argument("function", help="module:function or path/to/file.py:function")
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="f32[128,1024]",
        help="an argument, in order: an array's dtype and shape, or a number",
    )
    parser.add_argument(
        "--keyword", action="append", default=[], metavar="NAME=VALUE", help="an argument by its name"
    )
    parser.add_argument(
        "--through",
        metavar="xla,tvm",
        help=f"compilers, of {', '.join(ADAPTERS)} (default {','.join(DEFAULT)})",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page, or with the suffix .json the data"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the data, beside the page")
    parser.add_argument(
        "--time-limit",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="for each compiler (default 300)",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the compilers, such as gradient=True; commas make a tuple: targets=sm_90,sm_80",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _call(options: argparse.Namespace) -> tuple[Any, list[Any], dict[str, Any]]:
    """The function and what it is called with."""
    values = [argument.parse(text) for text in options.arg]
    keywords = {name: argument.parse(value) for name, value in map(_pair, options.keyword)}
    function = named(options.function)
    if taken := sorted(set(keywords) & _own_parameters()):
        raise BadUsage(f"a keyword cannot be called {', '.join(taken)} here; pass it with --arg")
    try:
        inspect.signature(plain(function)).bind(*values, **keywords)
    except TypeError as mismatch:
        parameters = ", ".join(inspect.signature(plain(function)).parameters)
        raise BadUsage(
            f"{options.function} takes ({parameters}): {mismatch}; give --arg or --keyword for each"
        ) from None
    return function, values, keywords


def _own_parameters() -> set[str]:
    """The names that `lower` keeps for itself."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(lower).parameters
    return {name for name, parameter in parameters.items() if parameter.kind not in variable}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadUsage(f"{text!r} is not of the form name=value")
    return name, value


def _option(text: str) -> tuple[str, Any]:
    """An option of an adapter; `a,b` and `a,` are tuples, as in Python."""
    name, value = _pair(text)
    if "," in value:
        return name, tuple(_scalar(item) for item in value.split(",") if item)
    return name, _scalar(value)


def _scalar(text: str) -> Any:
    try:
        return argument.parse(text)
    except argument.BadArgument:
        return text


def _compilers(named: str | None, function: Any) -> list[str]:
    """The compilers that were asked for; for a kernel of Triton or Gluon, the one that takes it."""
    if named is not None:
        compilers = [name.strip() for name in named.split(",") if name.strip()]
        return [adapter(name).compiler for name in compilers]
    language = type(function).__module__
    if language.startswith("triton."):
        return ["gluon" if ".gluon." in language else "triton"]
    return list(DEFAULT)


def _targets(options: argparse.Namespace) -> dict[Path, Format]:
    """Where to write what. Raises BadUsage, before anything is captured, for a place that does not work."""
    targets: dict[Path, Format] = {}
    if options.output is not None:
        targets[options.output] = Lowering.to_json if options.output.suffix == ".json" else report
    if options.json is not None:
        targets[options.json] = Lowering.to_json
    if not targets:
        raise BadUsage("say where to write: -o report.html")
    for path in targets:
        if not path.parent.is_dir():
            raise BadUsage(f"there is no folder {path.parent} to write {path.name} into")
        if path.is_dir():
            raise BadUsage(f"{path} is a folder; name a file")
        if not os.access(path.parent, os.W_OK):
            raise BadUsage(f"the folder {path.parent} cannot be written to")
    return targets


class _Progress:
    """Tells each stage on standard error."""

    def __init__(self) -> None:
        self.count = 0
        self.compiler = ""

    def __call__(self, compiler: str, stage: str) -> None:
        self.count = self.count + 1 if compiler == self.compiler else 1
        self.compiler = compiler
        print(f"{compiler:<14}{self.count:>4}  {stage}", file=sys.stderr, flush=True)


def _written(lowering: Lowering, targets: Mapping[Path, Format]) -> int:
    for capture in lowering:
        if capture.problem:
            print(f"lowering_explorer: {capture.problem}", file=sys.stderr)
    if not lowering.stages:
        kept = "; what stood there is kept" if any(path.exists() for path in targets) else ""
        print(
            f"lowering_explorer: no compiler reached a stage, so nothing was written{kept}", file=sys.stderr
        )
        return 1
    for path, written_as in targets.items():
        _replace(path, written_as(lowering))
        print(f"wrote {path}", file=sys.stderr)
    return int(any(capture.problem for capture in lowering))


def _replace(path: Path, text: str) -> None:
    """Write the file at once or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
