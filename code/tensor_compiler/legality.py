"""How a primitive says no: the program with the guilty lines marked, the reason, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .access import private_loops
from .affine import Interval, loop_ranges
from .dependence import Verdict
from .expression import Buffer, Constant
from .printer import show
from .simplify import simplify
from .statement import For, Function
from .traversal import Path, enclosing_loops, find_loop, loads, walk

Guilty = Mapping[Path, str] | Iterable[Path]


class Refused(ValueError):
    """A primitive that is not known to keep the meaning of a program.

    `marks` are the guilty lines: their paths, or the remarks by path.
    """

    def __init__(self, function: Function, reason: str, hint: str, marks: Guilty = ()) -> None:
        self.marks = dict(marks if isinstance(marks, Mapping) else dict.fromkeys(marks, ""))
        super().__init__(f"{reason}\n{show(function, self.marks)}\nhint: {hint}")
        self.function, self.reason, self.hint = function, reason, hint


def require(function: Function, what: str, verdict: Verdict, hint: str, trust: bool = False) -> None:
    """Raises Refused unless `verdict` is proved, or unknown and trusted. Trust overrules no witness."""
    if verdict.answer == "refuted" or (verdict.answer == "unknown" and not trust):
        extra = "" if verdict.answer == "refuted" else ", or pass trust=True if you know"
        raise Refused(function, f"{what}: {verdict.reason}", hint + extra, verdict.marks)


def extent(loop: For) -> int | None:
    """How often `loop` runs, if that is a number."""
    count = simplify(loop.upper - loop.lower)
    return int(count.value) if isinstance(count, Constant) else None


def all_ranges(function: Function) -> dict[str, Interval]:
    """The values of each loop variable; sizes are at least 0."""
    known = {size.name: (0.0, float("inf")) for size in function.sizes}
    return loop_ranges((loop for _, loop in walk(function) if isinstance(loop, For)), known)


def require_memory(function: Function, path: Path) -> None:
    """Raises Refused if the loop at `path` is vectorized or in one that is: its iterations share memory.

    What they reduce into one element is no longer free of an order once it goes through a copy.
    """
    for loop in enclosing_loops(function, (*path, 0)):
        if loop.kind == "vectorized":
            reason = f"the iterations of '{loop.name}' are vectorized, and have no memory of their own"
            where = find_loop(function, loop.name)[0]
            raise Refused(function, reason, "do this before it becomes vectorized", [where])


def require_own(function: Function, buffer: Buffer, path: Path) -> None:
    """Raises Refused if a loop around `path` does not also hold the allocation of `buffer`.

    An element read there may then be left from an earlier iteration of that loop.
    """
    private = private_loops(function, buffer.name)
    if shared := [loop.name for loop in enclosing_loops(function, path) if loop.name not in private]:
        reason = f"'{buffer.name}' is allocated outside of '{shared[-1]}', and may hold what is left of an"
        hint = "allocate it in that loop, where the program is written"
        raise Refused(function, f"{reason} earlier iteration", hint, [find_loop(function, shared[-1])[0]])


def require_plain_bounds(function: Function, loop: str) -> None:
    """Raises Refused if the bounds of `loop`, which a rewrite moves or repeats, are read from memory."""
    path, found = find_loop(function, loop)
    if any(loads(found.lower)) or any(loads(found.upper)):
        reason = f"the bounds of '{loop}' are read from memory, which may change"
        raise Refused(function, reason, "bind the bound to a name before the loop", [path])
