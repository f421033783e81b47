"""Gives the same programs to four ways of capturing a graph, and compares what comes out with Python."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pytorch_anatomy.programs import CALLS, PROGRAMS

Function = Callable[..., Any]


@dataclass(frozen=True)
class Outcome:
    """What one way of capturing made of one program: "right", "wrong" or "refused", and how many graphs."""

    program: str
    way: str
    verdict: str
    graphs: int


def outcomes(programs: Sequence[Function] = PROGRAMS) -> list[Outcome]:
    """Each program through each way, captured on one input and then run on others like it.

    The inputs differ in sign, length and size, so that a capture that froze what it saw gives itself away.
    """
    return [_judge(program, way) for program in programs for way in ("script", "trace", "export", "dynamo")]


def _judge(program: Function, way: str) -> Outcome:
    graphs = [0]
    with _silent():
        torch._dynamo.reset()
        try:
            expected = _runs(program)
            found = _runs(_captured(program, way, graphs))
        except Exception:
            return Outcome(program.__name__, way, "refused", 0)
    same = all(a.shape == b.shape and torch.allclose(a, b) for a, b in zip(expected, found, strict=True))
    return Outcome(program.__name__, way, "right" if same else "wrong", graphs[0])


def _runs(function: Function) -> list[torch.Tensor]:
    CALLS.clear()
    return [function(x.clone()) for x in _inputs()]


def _inputs() -> list[torch.Tensor]:
    """The first is what a capture sees."""
    return [torch.arange(1.0, 6.0), -torch.arange(1.0, 6.0), torch.tensor([9.0, 1.0, 1.0, 1.0, 1.0])]


def _captured(program: Function, way: str, graphs: list[int]) -> Function:
    example = _inputs()[0]
    graphs[0] = 1
    captured: Function
    if way == "script":
        captured = torch.jit.script(program)
    elif way == "trace":
        captured = torch.jit.trace(program, (example,), check_trace=False)
    elif way == "export":
        captured = torch.export.export(_Module(program), (example,)).module()
    else:
        graphs[0] = 0

        def count(module: torch.fx.GraphModule, _: Any) -> Any:
            graphs[0] += 1
            return module.forward

        captured = torch.compile(program, backend=count)
    return captured


class _Module(torch.nn.Module):  # type: ignore[misc]
    """What `torch.export` takes."""

    def __init__(self, program: Function) -> None:
        super().__init__()
        self.program = program

    def forward(self, x: torch.Tensor) -> Any:
        return self.program(x)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Deprecations of TorchScript and warnings of the tracer are not what is compared."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
