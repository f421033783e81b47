"""Inductor's Triton templates for matrix products, one candidate taken by rule instead of by time."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch._inductor.config as inductor_config
from torch._inductor.select_algorithm import get_algorithm_selector_cache

from lowering_explorer.adapters.gpus import GPU


@contextlib.contextmanager
def templates(gpu: GPU) -> Iterator[None]:
    """Within the context, Inductor writes matrix products in Triton, in the largest tile that fits the GPU.

    On a GPU it would time all of its candidates. The tiles that the loop loads ahead have to fit into the
    shared memory of one block.
    """

    def chosen(candidates: list[Any]) -> list[Any]:
        fitting = [one for one in candidates if _shared_bytes(one) <= gpu.shared_memory_per_block_optin]
        return [max(fitting, key=_tile)] if fitting else candidates[:1]

    settings = {"max_autotune_gemm": True, "max_autotune_gemm_backends": "TRITON"}
    selector = get_algorithm_selector_cache()
    with inductor_config.patch(settings), patch.object(selector, "preprocessing_fns", [chosen]):
        yield


def _tile(candidate: Any) -> int:
    """Elements of the result that one program computes."""
    blocks = _constants(candidate)
    return math.prod(blocks.get(name, 0) for name in ("BLOCK_M", "BLOCK_N"))


def _shared_bytes(candidate: Any) -> int:
    blocks = _constants(candidate)
    operands = (blocks.get("BLOCK_M", 0) + blocks.get("BLOCK_N", 0)) * blocks.get("BLOCK_K", 0)
    itemsize: int = candidate.input_nodes[0].get_dtype().itemsize
    return operands * blocks.get("num_stages", 1) * itemsize


def _constants(candidate: Any) -> dict[str, int]:
    """What the candidate says of itself, such as BLOCK_M=64, num_stages=3."""
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\b", candidate.description)}
