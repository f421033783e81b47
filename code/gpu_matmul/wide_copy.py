# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""A copy in Gluon whose author says how many neighbours a thread holds."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl


@gluon.jit
def copy_kernel(x, y, EACH: gl.constexpr, TILE: gl.constexpr):
    """Copy TILE elements per program; EACH neighbours belong to one thread of four warps."""
    layout: gl.constexpr = gl.BlockedLayout([EACH], [32], [4], [0])
    place = gl.program_id(0) * TILE + gl.arange(0, TILE, layout=layout)
    gl.store(y + place, gl.load(x + place))
