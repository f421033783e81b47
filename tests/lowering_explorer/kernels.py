"""Kernels that the tests capture. Triton reads annotations, so only constants have one."""

from __future__ import annotations

import triton
import triton.language as tl
from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma


@triton.jit
def norm_kernel(X, G, Y, width, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    x = tl.load(X + row * width + at, mask=at < width, other=0.0)
    g = tl.load(G + at, mask=at < width, other=0.0)
    unit = x / tl.sqrt(tl.sum(x * x) / width + 1e-6)
    y = unit * g
    tl.store(Y + row * width + at, y, mask=at < width)


@triton.jit
def misspelt_kernel(X, BLOCK: tl.constexpr):
    x = tl.load(X + tl.arange(0, BLOCK))
    tl.store(X + tl.arange(0, BLOCK), tl.frobnicate(x))


@triton.autotune(configs=[triton.Config({"BLOCK": 64})], key=[])
@triton.jit
def tuned_kernel(X, BLOCK: tl.constexpr):
    tl.store(X + tl.arange(0, BLOCK), 0.0)


@gluon.jit
def scale_kernel(X, G, Y, BLOCK: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([1], [32], [4], [0])
    at = gl.program_id(0) * BLOCK + gl.arange(0, BLOCK, layout=layout)
    x = gl.load(X + at)
    g = gl.load(G + at)
    y = x * g
    gl.store(Y + at, y)


@triton.jit
def described_copy_kernel(X, Y, ROWS: tl.constexpr):
    row = tl.program_id(0) * ROWS
    Y.store([row, 0], X.load([row, 0]))


@gluon.jit
def described_gluon_copy_kernel(X, Y, ROWS: gl.constexpr):
    row = gl.program_id(0) * ROWS
    tile = gl.allocate_shared_memory(X.dtype, X.block_type.shape, X.layout)
    filled = mbarrier.allocate_mbarrier()
    mbarrier.init(filled, count=1)
    mbarrier.expect(filled, X.block_type.nbytes)
    tma.async_copy_global_to_shared(X, [row, 0], filled, tile)
    mbarrier.wait(filled, 0)
    tma.async_copy_shared_to_global(Y, [row, 0], tile)
    tma.store_wait(0)
