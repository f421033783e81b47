"""Gluon: a kernel whose author chose the layouts, from tiles with layouts (TTGIR) to what a GPU runs."""

from __future__ import annotations

from collections.abc import Iterator

from triton.experimental.gluon._runtime import GluonJITFunction

from lowering_explorer.adapters import triton_kernel
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Stage

TARGETS = ("sm_90",)  # layouts and copies are written for one generation of GPUs


def capture(request: Request) -> Iterator[Stage]:
    """The stages of a kernel for the `targets` of the options, the first one pass by pass."""
    if not isinstance(request.function, GluonJITFunction):
        raise CannotCapture(
            "gluon takes a kernel decorated with gluon.jit; a kernel of triton.jit goes through triton"
        )
    yield from triton_kernel.stages(request, "Gluon", TARGETS)
