"""cache_read, cache_write: a loop works on a copy of the elements that it touches.

    for j_o in serial(4): ... B[k, j_o * 32 + j_i] ...
    -> cache_read   for j_o in serial(4):
                        B_c = scratch(f32[64, 32])
                        for B_c_0 in serial(64): for B_c_1 in serial(32):
                            B_c[B_c_0, B_c_1] = B[B_c_0, j_o * 32 + B_c_1]
                        ... B_c[k, j_i] ...
    -> cache_write  the same for what is written: the copy goes back at the end of the body, and comes in at
                    its start unless the body stores each element before any other access to it.

A layout packs the copy: `order` permutes its dimensions, and each (dimension, size) of `blocks` splits one
into whole blocks, whose inside becomes the last dimension.

1. The loop touches the buffer, which is allocated outside of it, and is not in a vectorized one. cache_read:
   it does not write to the buffer.
2. What it touches lies in a box of known extents; a block divides its extent.
3. cache_read of a buffer that is written elsewhere, and cache_write: one access fills the box in each
   iteration, so that no element is copied that the loop does not touch.
4. cache_write: the first access fills the box too.
5. A tile instruction takes rows as they are: what it touches has no layout.

Preserves bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..access import READS, WRITES, Access, accesses
from ..affine import Ranges, loop_ranges
from ..expression import Binary, Buffer, Constant, Expression, Load, Scope, Variable
from ..legality import Refused, all_ranges, require_memory
from ..printer import show
from ..region import Region, fills, region
from ..rewrite import new_name, redirect
from ..simplify import simplify
from ..statement import Allocate, Body, For, Function, If, Invoke, Statement, Store, nested
from ..traversal import Path, enclosing_loops, find_buffer, find_loop, replace_at, statement_at, walk


@dataclass(frozen=True)
class Layout:
    """How the dimensions of a box lie in memory: see the module."""

    order: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...] = ()

    def shape(self, extents: Sequence[Expression]) -> tuple[Expression, ...]:
        whole = list(extents)
        for dimension, size in self.blocks:
            whole[dimension] = simplify(whole[dimension] // size)
        return (*(whole[each] for each in self.order), *(Constant(size) for _, size in self.blocks))

    def indices(self, indices: Sequence[Expression], ranges: Ranges) -> tuple[Expression, ...]:
        whole = list(indices)
        inside = []
        for dimension, size in self.blocks:
            inside.append(simplify(whole[dimension] % size, ranges))
            whole[dimension] = simplify(whole[dimension] // size, ranges)
        return (*(whole[each] for each in self.order), *inside)

    def position(self, digits: Sequence[Expression]) -> tuple[Expression, ...]:
        """Where in the box the element at `digits` of the packed copy is."""
        box = [digits[self.order.index(dimension)] for dimension in range(len(self.order))]
        for (dimension, size), digit in zip(self.blocks, digits[len(self.order) :], strict=True):
            box[dimension] = box[dimension] * size + digit
        return tuple(box)


def cache_read(
    function: Function, buffer: str, loop: str | None, scope: Scope = "scratch",
    order: Sequence[int] | None = None, blocks: Sequence[Sequence[int]] = (), name: str | None = None,
) -> Function:  # fmt: skip
    """Copy what each iteration of `loop` reads of `buffer` to `name` (`buffer_c`); without a loop, once."""
    work = Work(function, buffer, loop, scope, order, blocks, name)
    if guilty := {access.path: access.kind.split(" ")[0] for access in work.inside if access.kind != READS}:
        reason = f"{work.where} writes to '{buffer}', so that a copy would become stale"
        raise Refused(function, reason, "use cache_write, or a loop that only reads it", guilty)
    if buffer in {access.buffer.name for access in accesses(function) if access.kind != READS}:
        work.require_filled(work.inside)
    return work.rewritten((work.copy("", into=True),), ())


def cache_write(
    function: Function, buffer: str, loop: str | None, scope: Scope = "registers",
    order: Sequence[int] | None = None, blocks: Sequence[Sequence[int]] = (), name: str | None = None,
) -> Function:  # fmt: skip
    """Let each iteration of `loop` write to a copy `name` (`buffer_c`) of its part of `buffer`."""
    work = Work(function, buffer, loop, scope, order, blocks, name)
    written = [access for access in work.inside if access.kind != READS]
    if not written:
        raise Refused(function, f"{work.where} does not write to '{buffer}'", "use cache_read", work.marks)
    work.require_filled(written)
    work.require_filled(work.inside[:1])
    into = () if work.stored_first() else (work.copy("_in", into=True),)
    return work.rewritten(into, (work.copy("_out", into=False),))


class Work:
    """The part of `buffer` that `loop` touches, and the copy of it."""

    def __init__(
        self, function: Function, buffer: str, loop: str | None, scope: Scope,
        order: Sequence[int] | None, blocks: Sequence[Sequence[int]], name: str | None,
    ) -> None:  # fmt: skip
        self.function, self.original = function, find_buffer(function, buffer)
        self.path: Path = find_loop(function, loop)[0] if loop else ()
        self.where = f"'{loop}'" if loop else "the function"
        self.marks = [self.path] if loop else []
        self.inside = [each for each in accesses(function, self.path) if each.buffer.name == buffer]
        if not self.inside:
            reason = f"{self.where} does not touch '{buffer}'"
            raise Refused(function, reason, "choose a loop that does", self.marks)
        allocated = {each.buffer: path for path, each in walk(function) if isinstance(each, Allocate)}
        place = allocated.get(self.original, ())
        if place and place[: len(self.path)] == self.path:
            reason = f"'{buffer}' is allocated inside of {self.where}"
            raise Refused(function, reason, "choose a loop after the allocation", [place])
        require_memory(function, self.path)
        self.around = enclosing_loops(function, (*self.path, 0))
        self.ranges = all_ranges(function)
        self.box: Region = region(self.inside, len(self.around), self.ranges)
        whole = range(len(self.original.shape))
        self.layout = Layout(tuple(order or whole), tuple((d, s) for d, s in blocks))
        self.check_layout()
        shape = self.layout.shape(self.box.extents)
        self.copied = Buffer(name or new_name(function, f"{buffer}_c"), self.original.dtype, shape, scope)

    def check_layout(self) -> None:
        """Raises Refused unless the layout suits the box."""
        plain = not self.layout.blocks and list(self.layout.order) == sorted(self.layout.order)
        invokes = {path for path, each in walk(self.function) if isinstance(each, Invoke)}
        if guilty := [access.path for access in self.inside if access.path in invokes and not plain]:
            reason = f"a tile instruction touches '{self.original.name}', and it takes rows as they are"
            raise Refused(self.function, reason, "pack before replace_with", guilty)
        if sorted(self.layout.order) != list(range(len(self.original.shape))):
            reason = f"{list(self.layout.order)} does not order the dimensions of '{self.original.name}'"
            hint = f"permute {list(range(len(self.original.shape)))}"
            raise Refused(self.function, reason, hint, self.marks)
        for dimension, size in self.layout.blocks:
            rest: Expression = simplify(self.box.extents[dimension] % size)
            if rest != Constant(0):
                reason = f"{show(self.box.extents[dimension])} elements are not blocks of {size}"
                raise Refused(self.function, reason, "choose a block that divides the extent", self.marks)

    def filled(self, access: Access) -> bool:
        above = (statement_at(self.function, self.path[:n]) for n in range(1, len(self.path)))
        outside = sum(isinstance(each, If) for each in above)
        return fills(access, self.box, len(self.around), outside)

    def require_filled(self, candidates: Sequence[Access]) -> None:
        if not any(map(self.filled, candidates)):
            reason = f"{self.where} may skip elements of the box of '{self.original.name}' that it touches"
            hint = "cut loops instead of guarding them, or choose an inner loop"
            raise Refused(self.function, reason, hint, [access.path for access in candidates])

    def stored_first(self) -> bool:
        """Whether the first access, which fills the box, stores each element before another access to it.

        In the loops that it shares with another, it must fill what the two touch in each iteration.
        """
        first, *others = self.inside
        for other in others:
            shared = sum(loop in other.names for loop in first.names)
            box = region((first, other), shared, self.ranges)
            if not fills(first, box, shared, len(first.conditions)):
                return False
        return first.kind == WRITES

    def copy(self, suffix: str, into: bool) -> Statement:
        """The loops that copy the box into the copy, or back."""
        shape = self.copied.shape
        names = [new_name(self.function, f"{self.copied.name}{suffix}_{n}") for n in range(len(shape))]
        loops = {name: count for name, count in zip(names, shape, strict=True) if count != Constant(1)}
        digits = [Variable(name) if name in loops else Constant(0) for name in names]
        box = zip(self.box.lows, self.layout.position(digits), strict=True)
        ranges = loop_ranges((For(n, 0, e, "serial", ()) for n, e in loops.items()), self.ranges)
        outside = tuple(simplify(low + position, ranges) for low, position in box)
        if into:
            statement: Statement = Store(self.copied, tuple(digits), Load(self.original, outside))
        else:
            statement = Store(self.original, outside, Load(self.copied, tuple(digits)))
        fitting = self.box.fits(self.original, self.ranges)
        for index, bound, fits in zip(outside, self.original.shape, fitting, strict=True):
            if not fits:
                inside = Binary("and", Binary(">=", index, Constant(0)), Binary("<", index, bound))
                statement = If(simplify(inside, ranges), (statement,))
        return nested(loops.items(), (statement,))[0]

    def rewritten(self, before: Body, after: Body) -> Function:
        """The function with the loop working on the copy."""

        def swap(indices: tuple[Expression, ...]) -> tuple[Expression, ...]:
            return self.layout.indices(self.box.relative(indices, self.ranges), self.ranges)

        target = self.around[-1].body if self.path else self.function.body
        body = redirect(target, self.original, self.copied, swap)
        whole = (Allocate(self.copied), *before, *body, *after)
        if not self.path:
            return replace(self.function, body=whole)
        return replace_at(self.function, self.path, (replace(self.around[-1], body=whole),))
