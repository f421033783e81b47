"""Compiled kernels of the tests live in a folder of the session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TENSOR_COMPILER_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield
