"""Attention without a mask, three times: with the scores in memory, and in tiles in both loop orders."""

from __future__ import annotations

import math

import numpy as np

from tiled_attention.machine import Array, Machine


def standard(q: Array, k: Array, v: Array, machine: Machine) -> Array:
    """softmax(q k^T / sqrt(width)) v, each step from memory to memory.

    `q`, `k` and `v` are (tokens, width). Dao et al., FlashAttention, 2022, algorithm 0.
    """
    scores = np.empty((len(q), len(k)), q.dtype)
    weights, result = np.empty_like(scores), np.empty_like(q)
    machine.store(scores, machine.matmul(machine.load(q) * scale(q), machine.load(k).T))
    held = machine.load(scores)
    held = machine.each("exp", machine.each("subtract", held, machine.rows("max", held)))
    machine.store(weights, machine.each("divide", held, machine.rows("sum", held)))
    machine.store(result, machine.matmul(machine.load(weights), machine.load(v)))
    return result


def keys_outside(q: Array, k: Array, v: Array, rows: int, columns: int, machine: Machine) -> Array:
    """The same in tiles of `rows` queries and `columns` keys, keys in the outer loop.

    Result, maxima and sums of a tile of queries go to memory and come back for each
    tile of keys. Dao et al., FlashAttention, 2022, algorithm 1.
    """
    result = np.zeros_like(q)
    maxima = np.full((len(q), 1), -np.inf, q.dtype)
    sums = np.zeros((len(q), 1), q.dtype)
    for column in range(0, len(k), columns):
        keys = machine.load(k[column : column + columns])
        values = machine.load(v[column : column + columns])
        for row in range(0, len(q), rows):
            here = slice(row, row + rows)
            queries = machine.load(q[here]) * scale(q)
            before, old_max = machine.load(result[here]), machine.load(maxima[here])
            old_sum = machine.load(sums[here])
            scores = machine.matmul(queries, keys.T)
            own_max = machine.rows("max", scores)
            weights = machine.each("exp", machine.each("subtract", scores, own_max))
            new_max = machine.each("maximum", old_max, own_max)
            fade = machine.each("exp", machine.each("subtract", old_max, new_max))
            share = machine.each("exp", machine.each("subtract", own_max, new_max))
            old_sum = machine.each("multiply", fade, old_sum)
            own_sum = machine.each("multiply", share, machine.rows("sum", weights))
            new_sum = machine.each("add", old_sum, own_sum)
            kept = machine.each("multiply", old_sum, before)
            added = machine.each("multiply", share, machine.matmul(weights, values))
            total = machine.each("divide", machine.each("add", kept, added), new_sum)
            machine.store(result[here], total)
            machine.store(maxima[here], new_max)
            machine.store(sums[here], new_sum)
    return result


def queries_outside(q: Array, k: Array, v: Array, rows: int, columns: int, machine: Machine) -> Array:
    """The same in tiles, queries in the outer loop: a result stays on the chip.

    It is divided by its sum once, at the end. What the backward pass needs is one
    number per query, which is stored. Dao, FlashAttention-2, 2023, algorithm 1.
    """
    result, logarithms = np.empty_like(q), np.empty((len(q), 1), q.dtype)
    for row in range(0, len(q), rows):
        queries = machine.load(q[row : row + rows]) * scale(q)
        total = np.zeros_like(queries)
        maximum = np.full((len(queries), 1), -np.inf, q.dtype)
        sum_ = np.zeros((len(queries), 1), q.dtype)
        for column in range(0, len(k), columns):
            keys = machine.load(k[column : column + columns])
            values = machine.load(v[column : column + columns])
            scores = machine.matmul(queries, keys.T)
            new_max = machine.each("maximum", maximum, machine.rows("max", scores))
            weights = machine.each("exp", machine.each("subtract", scores, new_max))
            fade = machine.each("exp", machine.each("subtract", maximum, new_max))
            faded = machine.each("multiply", fade, sum_)
            sum_ = machine.each("add", faded, machine.rows("sum", weights))
            kept = machine.each("multiply", fade, total)
            total = machine.each("add", kept, machine.matmul(weights, values))
            maximum = new_max
        machine.store(result[row : row + rows], machine.each("divide", total, sum_))
        logarithm = machine.each("add", maximum, machine.each("log", sum_))
        machine.store(logarithms[row : row + rows], logarithm)
    return result


def scale(q: Array) -> float:
    """1 / sqrt(width), which is folded into the queries and counted nowhere."""
    return 1 / math.sqrt(q.shape[1])
