# mypy: disable-error-code="untyped-decorator, no-untyped-def"
"""Attention of one token per head to its cache, split over the keys: a kernel for the parts, one to merge."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def decode_part(
    q,
    k,
    v,
    maxima,
    sums,
    weighted,
    KEYS: tl.constexpr,
    WIDTH: tl.constexpr,
    SPLITS: tl.constexpr,
    TILE: tl.constexpr,
):
    """Program (head, part) goes over its KEYS / SPLITS keys, TILE at a time.

    q is (heads, WIDTH), k and v are (heads, KEYS, WIDTH), maxima and sums (heads, SPLITS) and weighted
    (heads, SPLITS, WIDTH), the last three float32. SPLITS divides KEYS, and TILE the keys of a part.
    """
    head, part = tl.program_id(0), tl.program_id(1)
    lane = tl.arange(0, WIDTH)
    query = tl.load(q + head * WIDTH + lane).to(tl.float32) * (1.4426950408889634 / WIDTH**0.5)
    first = head * KEYS + part * (KEYS // SPLITS)
    maximum = float("-inf")
    total = 0.0
    result = tl.zeros((WIDTH,), tl.float32)
    for start in range(0, KEYS // SPLITS, TILE):
        at = (first + start + tl.arange(0, TILE))[:, None] * WIDTH + lane[None, :]
        scores = tl.sum(tl.load(k + at).to(tl.float32) * query[None, :], axis=1)
        larger = tl.maximum(maximum, tl.max(scores, axis=0))
        weights = tl.exp2(scores - larger)
        fade = tl.exp2(maximum - larger)
        total = total * fade + tl.sum(weights, axis=0)
        result = result * fade + tl.sum(weights[:, None] * tl.load(v + at).to(tl.float32), axis=0)
        maximum = larger
    tl.store(maxima + head * SPLITS + part, maximum)
    tl.store(sums + head * SPLITS + part, total)
    tl.store(weighted + (head * SPLITS + part) * WIDTH + lane, result)


@triton.jit
def merge_parts(maxima, sums, weighted, out, WIDTH: tl.constexpr, SPLITS: tl.constexpr):
    """Program `head` merges the SPLITS parts of its head, a power of two, into out, (heads, WIDTH)."""
    head = tl.program_id(0)
    part = head * SPLITS + tl.arange(0, SPLITS)
    lane = tl.arange(0, WIDTH)
    own = tl.load(maxima + part)
    share = tl.exp2(own - tl.max(own, axis=0))
    values = tl.load(weighted + part[:, None] * WIDTH + lane[None, :])
    total = tl.sum(share * tl.load(sums + part), axis=0)
    tl.store(out + head * WIDTH + lane, tl.sum(share[:, None] * values, axis=0) / total)
