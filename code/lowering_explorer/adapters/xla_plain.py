"""XLA on the CPU without library fusion: everything but matrix products becomes code of XLA's own."""

from __future__ import annotations

from collections.abc import Iterator

from lowering_explorer.adapters import xla
from lowering_explorer.request import Request
from lowering_explorer.stage import Stage

REMEDIES = xla.REMEDIES
OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}


def flags() -> dict[str, str]:
    """What the environment sets, and the option that sets this compiler apart."""
    return {**xla.flags(), **OPTIONS}


def capture(request: Request) -> Iterator[Stage]:
    """The stages of `jax.jit`, with library fusion off."""
    return xla.lower_with(request, OPTIONS)
