"""Captures that several tests look at: each takes seconds, so each is made once."""

from __future__ import annotations

import pytest
from tests.lowering_explorer import functions, kernels

from lowering_explorer import Array, Lowering, lower

X, G = Array("f32", (8, 64)), Array("f32", (64,))


@pytest.fixture(scope="session")
def norm() -> Lowering:
    return lower(functions.norm, X, G, through=["xla", "xla-plain", "inductor"])


@pytest.fixture(scope="session")
def gradient() -> Lowering:
    return lower(functions.norm, X, G, through=["inductor"], options={"gradient": True})


@pytest.fixture(scope="session")
def triton_norm() -> Lowering:
    options = {"targets": ["sm_90", "sm_80", "gfx942"]}
    return lower(kernels.norm_kernel, X, G, X, 64, BLOCK=64, through=["triton"], options=options)


@pytest.fixture(scope="session")
def gluon_scale() -> Lowering:
    one = Array("f32", (512,))
    return lower(kernels.scale_kernel, one, one, one, BLOCK=128, through=["gluon"])
