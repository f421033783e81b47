"""The suite: every case, at the sizes of a recording or at small ones."""

from __future__ import annotations

from dataclasses import dataclass

from measurement.record import Case, Suite
from recorded_kernels.block import inductor_case, xla_case
from recorded_kernels.cuda import find_gpu
from recorded_kernels.products import rung_cases
from recorded_kernels.triton_kernels import copy_case, norm_case, product_cases
from the_block import L, Size

DISTRIBUTIONS = ("torch", "triton", "jax", "jaxlib", "jax-cuda13-plugin")


@dataclass(frozen=True)
class Sizes:
    """How large the cases are. A copy moves `copied` elements, a product multiplies squares of `side`."""

    norm: Size
    block: Size
    copied: int
    side: int


# The norm and the copies do not fit a cache. Attention and the perceptron are as large as their oracle,
# which works row by row in float64, allows.
RECORDED = Sizes(norm=L, block=Size(tokens=1024, width=1024, hidden=4096), copied=1 << 24, side=2048)


def kernels() -> Suite:
    """What `python -m measurement.record gpu recorded_kernels:kernels` runs."""
    return Suite(cases(RECORDED), find_gpu, DISTRIBUTIONS)


def cases(sizes: Sizes, place: str = "cuda") -> list[Case]:
    """All cases at `sizes`; `place` is the device of PyTorch and JAX, which the tests set to "cpu"."""
    found = [norm_case(sizes.norm, place)]
    found += [copy_case(sizes.copied, stride, place) for stride in (1, 8)]
    found += product_cases(sizes.side, place)
    found += rung_cases(sizes.side, place)
    for make in (inductor_case, xla_case):
        found.append(make("rmsnorm", sizes.norm, place))
        found += [make(name, sizes.block, place) for name in ("mlp", "attention", "block")]
    return found
