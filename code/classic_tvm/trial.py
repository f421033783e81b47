"""Runs a classic call and its replacement, and says in plain text what happened."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from classic_tvm.calls import ClassicCall

SHARED = """\
import numpy as np, tvm, tvm_ffi
from tvm import relax, te
from tvm.script import tirx as T

a = np.ones(3, "float32")
t = tvm.runtime.tensor(a)
n = te.var("n")
A, B = (te.placeholder((8,), name=name) for name in "AB")
C = te.compute((8,), lambda i: A[i] + B[i], name="C")
mod = tvm.IRModule.from_expr(te.create_prim_func([A, B, C]).with_attr("global_symbol", "main"))
target = tvm.target.Target("llvm")
library = tvm.compile(mod, target=target)
builder = relax.BlockBuilder()
x = relax.Var("x", relax.TensorType((3,), "float32"))
with builder.function("main", [x]):
    builder.emit_func_output(builder.emit(relax.op.add(x, x)))
executable = tvm.compile(builder.get(), target)
vm = relax.VirtualMachine(executable, tvm.cpu())
"""
OWN = """\
sch = tvm.s_tir.Schedule(mod)
loop = sch.get_loops(sch.get_sblock("C"))[0]
visited = []
visit = visited.append
"""
WIDTH = 84


@dataclass(frozen=True)
class Trial:
    """What became of a call: `fate` is gone, warns or stays; `said` is the error or the warning."""

    call: ClassicCall
    fate: str
    said: str


def try_out(call: ClassicCall) -> Trial:
    """Run the classic call, then its replacement, each in names of its own.

    Raises AssertionError if the replacement does not do what its proof asks for.
    """
    names = _names()
    fate, said = "stays", ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            exec(call.classic, names)
        except Exception as error:  # any: what it raises is the finding
            fate, said = "gone", f"{type(error).__name__}: {_first_sentence(str(error))}"
    if fate == "stays" and warned:
        fate, said = "warns", f"{warned[0].category.__name__}: {_first_sentence(str(warned[0].message))}"
    names = _names()
    exec(call.now, names)
    assert eval(call.proof, names), f"{call.now} does not give {call.proof}"
    return Trial(call, fate, said)


def _names() -> dict[str, Any]:
    """What a snippet may use: what no snippet changes is made once, the rest for each."""
    names = dict(_shared())
    exec(OWN, names)
    return names


@cache
def _shared() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(SHARED, names)
    return names


def _first_sentence(message: str) -> str:
    """Without the places of files, which differ from machine to machine, and without an advertisement."""
    line = re.sub(r" \(/.*?\)| candidates are:.*", "", message.strip().splitlines()[-1])
    return line.partition(". ")[0].rstrip(".")


def report(trials: Iterable[Trial]) -> str:
    """A paragraph per call: the call, what it says today, what works, since when and where it was read."""
    return "\n".join(_paragraph(trial) for trial in trials)


def _paragraph(trial: Trial) -> str:
    call = trial.call
    change = f", pull request {call.change}" if call.change else ""
    found = {
        "gone": trial.said,
        "warns": f"works, {trial.said}",
        "stays": "runs, but nothing takes what it gives",
    }[trial.fate]
    lines = [
        *textwrap.wrap(call.classic, WIDTH, subsequent_indent="    "),
        *textwrap.wrap(f"today: {found}", WIDTH - 4),
        *textwrap.wrap(f"since: {call.since}{change}; in {call.texts}", WIDTH - 4),
        *textwrap.wrap(f"use:   {call.now}", WIDTH - 4, subsequent_indent=" " * 11),
    ]
    return "\n".join(
        [lines[0], *(line if line.startswith("    ") else f"    {line}" for line in lines[1:]), ""]
    )
