"""The perceptron of the Block, for any number of tokens, written at the graph level and at the loop level."""

# ruff: noqa: N805, N812
# mypy: disable-error-code="no-untyped-def,misc,untyped-decorator,valid-type"
from __future__ import annotations

from typing import Any

import torch
import tvm
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T


# fmt: off
@I.ir_module
class TwoLevels:
    """`mlp` at width 64 and hidden width 256: `rmsnorm` is loops, the first product a library's."""

    @T.prim_func(s_tir=True)
    def rmsnorm(x_: T.handle, g_: T.handle, y_: T.handle):
        n, w = T.int64(), T.int64()
        x = T.match_buffer(x_, (n, w), "float32")
        g = T.match_buffer(g_, (w,), "float32")
        y = T.match_buffer(y_, (n, w), "float32")
        sums = T.sblock_alloc_buffer((n,), "float32")
        for i, k in T.grid(n, w):
            with T.sblock("sums"):
                vi, vk = T.axis.remap("SR", [i, k])
                with T.init():
                    sums[vi] = T.float32(0)
                sums[vi] += x[vi, vk] * x[vi, vk]
        for i, j in T.grid(n, w):
            with T.sblock("scale"):
                vi, vj = T.axis.remap("SS", [i, j])
                y[vi, vj] = x[vi, vj] * g[vj] / T.sqrt(
                    sums[vi] / T.cast(w, "float32") + T.float32(1e-6))

    @R.function
    def main(
        x: R.Tensor(("n", 64), "float32"), g: R.Tensor((64,), "float32"),
        W1: R.Tensor((64, 256), "float32"), W2: R.Tensor((256, 64), "float32"),
    ):
        n = T.int64()
        cls = TwoLevels
        with R.dataflow():
            h = R.call_tir(cls.rmsnorm, (x, g), out_ty=R.Tensor((n, 64), "float32"))
            h = R.call_dps_packed(
                "library.product", (h, W1), out_ty=R.Tensor((n, 256), "float32"))
            result = R.add(x, R.matmul(R.nn.silu(h), W2))
            R.output(result)
        return result
# fmt: on


@tvm.register_global_func("library.product", override=True)
def library_product(a: Any, b: Any, out: Any) -> None:
    """Write `a @ b` into `out`, tensors of TVM on the CPU, with PyTorch's library; nothing is copied."""
    torch.mm(torch.from_dlpack(a), torch.from_dlpack(b), out=torch.from_dlpack(out))
