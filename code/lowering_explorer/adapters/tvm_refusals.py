"""Says in one sentence why a function did not get into TVM, and what to do about it."""

from __future__ import annotations

import re
import traceback
from pathlib import PurePath

from lowering_explorer.request import CannotCapture, Request

# What an error says -> the sentence; {place} is where in the source it came from, {0} what was found.
_SENTENCES = (
    (
        r"data-dependent|DataDependent|unbacked",
        "the function decides by the value of an array{place}, which is not known when it is exported; "
        "use where of the array API, or torch.where",
    ),
    (
        r"\.numpy\(\) is not supported|to numpy|__array__",
        "the function calls NumPy on a tensor{place}; write it in the array API or in torch",
    ),
    (
        r"Error interpreting argument to|not a valid JAX type",
        "the function calls JAX on a tensor{place}; write it in the array API or in torch",
    ),
    (
        r"Unsupported function types \[(.*?)\]",
        "TVM's importer has no conversion for {0}; write it with other operations of torch",
    ),
    (
        r"Unsupported input kind: InputKind\.TOKEN",
        "torch.export keeps a check of a result in the graph, which TVM's importer does not take; "
        "use an operation that checks nothing",
    ),
)


def refusal(error: Exception, request: Request) -> Exception:
    """The error as one sentence where we know it, else the error itself."""
    text = str(error)
    for pattern, sentence in _SENTENCES:
        if found := re.search(pattern, text):
            names = ", ".join(
                sorted(_operation(name) for group in found.groups() for name in group.split(", "))
            )
            return CannotCapture(sentence.format(names, place=_place(error, request)))
    return error


def _operation(name: str) -> str:
    return name.strip("'\"").removesuffix(".default")


def _place(error: Exception, request: Request) -> str:
    """The innermost line of the source in the error's traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if request.resolve(frame.filename, frame.lineno or 0)]
    return f" ({PurePath(request.source.file).name}, line {lines[-1]})" if lines else ""
