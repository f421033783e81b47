# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""Attention as a Triton kernel: a program makes a tile of rows of the result, from one tile of keys
after another.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def attention_kernel(
    q, k, v, out, TOKENS: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr
):
    """out = softmax(q k^T / sqrt(WIDTH)) v for one head; all are (TOKENS, WIDTH), row by row in memory.

    TOKENS is a multiple of ROWS and of COLUMNS, so nothing is masked. Scores, maxima, sums and the result
    are float32; the products take tiles of the dtype of q, k and v. exp(x) is 2^(x / ln 2).
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    lane = tl.arange(0, WIDTH)
    queries = tl.load(q + row[:, None] * WIDTH + lane[None, :])
    scale = 1.4426950408889634 / WIDTH**0.5
    maximum = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    result = tl.zeros((ROWS, WIDTH), tl.float32)
    for start in range(0, TOKENS, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        keys = tl.load(k + column[None, :] * WIDTH + lane[:, None])
        scores = tl.dot(queries, keys, input_precision="ieee") * scale
        larger = tl.maximum(maximum, tl.max(scores, axis=1))
        weights = tl.exp2(scores - larger[:, None])
        fade = tl.exp2(maximum - larger)
        total = total * fade + tl.sum(weights, axis=1)
        values = tl.load(v + column[:, None] * WIDTH + lane[None, :])
        result = tl.dot(weights.to(values.dtype), values, result * fade[:, None], input_precision="ieee")
        maximum = larger
    tl.store(out + row[:, None] * WIDTH + lane[None, :], (result / total[:, None]).to(out.dtype.element_ty))
