"""Each peer as a function from a workload and its arrays to a call without arguments.

A call allocates its result where the peer does (NumPy, PyTorch, JAX) and writes into an array that is kept
where it takes one (TVM, ours). Every peer gets the form of the workload that its users write.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.tensor_compiler.workloads import WORKLOADS, Workload

import the_block

Call = Callable[[], Any]  # the result, not yet as a NumPy array
Prepared = tuple[Call, Callable[[Any], np.ndarray]]


class NotOffered(ValueError):
    """A workload that a peer has no form of; the sentence says why."""


def with_numpy(workload: Workload, arrays: list[np.ndarray]) -> Prepared:
    if arrays[0].dtype != np.float32:
        raise NotOffered("NumPy has no fast product of this dtype")
    return lambda: workload.oracle(*arrays), np.asarray


def torch_functions() -> dict[str, Callable[..., Any]]:
    import torch
    from torch.nn import functional as f

    return {
        "MLP": lambda x, w1, b1, w2, b2: torch.addmm(
            b2, f.gelu(torch.addmm(b1, x, w1), approximate="tanh"), w2
        ),
        "softmax": lambda x: torch.softmax(x, -1),
        "layernorm": lambda x, g, b: f.layer_norm(x, x.shape[-1:], g, b, 1e-5),
        "rmsnorm": lambda x, g: f.rms_norm(x, x.shape[-1:], g, 1e-6),
        "attention": lambda q, k, v: f.scaled_dot_product_attention(q[None], k[None], v[None])[0],
        "causal": lambda q, k, v: f.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[
            0
        ],
        "chain": lambda x, a, b, r: f.gelu(x * a + b, approximate="tanh") + r,
        "conv": lambda x, w: f.conv2d(x, w, padding=1),
        "int8 GEMM": lambda a, b: torch._int_mm(a, b),
        "Block M": the_block.block,
    }


def with_torch(workload: Workload, arrays: list[np.ndarray], mode: str | None) -> Prepared:
    """PyTorch: eager if `mode` is None, else torch.compile in that mode."""
    import torch

    torch.set_grad_enabled(False)
    tensors = [torch.from_numpy(array) for array in arrays]
    if workload.name == "bf16 GEMM":
        tensors = [tensor.view(torch.bfloat16) for tensor in tensors]
    if workload.name == "int8 GEMM":
        tensors[0] = tensors[0].view(torch.int8)
    function = torch_functions().get(workload.name, torch.matmul)
    if mode is not None:
        torch._dynamo.reset()
        function = torch.compile(function, fullgraph=True, mode=mode)
    return lambda: function(*tensors), lambda result: result.float().numpy()


def jax_functions() -> dict[str, Callable[..., Any]]:
    import jax
    from jax import lax
    from jax import numpy as jnp

    def scores(q: Any, k: Any) -> Any:
        return q @ jnp.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])

    def layernorm(x: Any, g: Any, b: Any) -> Any:
        d = x - jnp.mean(x, axis=-1, keepdims=True)
        return d * lax.rsqrt(jnp.mean(d * d, axis=-1, keepdims=True) + 1e-5) * g + b

    def causal(q: Any, k: Any, v: Any) -> Any:
        mask = jnp.tril(jnp.ones((q.shape[1], k.shape[1]), bool))
        return jax.nn.softmax(jnp.where(mask, scores(q, k), -jnp.inf)) @ v

    def product(result: Any) -> Callable[..., Any]:
        return lambda a, b: lax.dot(a, b, preferred_element_type=result)

    return {
        "MLP": lambda x, w1, b1, w2, b2: jax.nn.gelu(x @ w1 + b1, approximate=True) @ w2 + b2,
        "softmax": jax.nn.softmax,
        "layernorm": layernorm,
        "rmsnorm": the_block.rmsnorm,
        "attention": lambda q, k, v: jax.nn.softmax(scores(q, k)) @ v,
        "causal": causal,
        "chain": lambda x, a, b, r: jax.nn.gelu(x * a + b, approximate=True) + r,
        "conv": lambda x, w: lax.conv(x, w, (1, 1), "SAME"),
        "bf16 GEMM": product(jnp.float32),
        "int8 GEMM": product(jnp.int32),
        "Block M": the_block.block,
    }


def with_jax(workload: Workload, arrays: list[np.ndarray], library_fusion: bool) -> Prepared:
    """XLA: what jax.jit does unless told, or without the fusion of whole regions into YNNPACK."""
    import jax
    from jax import numpy as jnp

    given = list(arrays)
    if workload.name == "int8 GEMM":
        given[0] = given[0].view(np.int8)
    tensors = [jnp.asarray(array) for array in given]
    if workload.name == "bf16 GEMM":
        tensors = [jax.lax.bitcast_convert_type(tensor, jnp.bfloat16) for tensor in tensors]
    options = {} if library_fusion else {"xla_cpu_experimental_ynn_fusion_type": ""}
    function = jax.jit(jax_functions().get(workload.name, jnp.matmul))
    compiled = function.lower(*tensors).compile(compiler_options=options)
    return lambda: compiled(*tensors).block_until_ready(), np.asarray


def with_tvm(workload: Workload, arrays: list[np.ndarray]) -> Prepared:
    """TVM with a schedule by hand: a 4 x 64 tile of accumulators, B packed into panels."""
    if not workload.name.startswith("GEMM"):
        raise NotOffered("no schedule by hand")
    import tvm
    from tvm import te

    n = arrays[0].shape[0]
    a, b = (te.placeholder((n, n), "float32", name) for name in "AB")
    k = te.reduce_axis((0, n), "k")
    c = te.compute((n, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    schedule = tvm.s_tir.Schedule(te.create_prim_func([a, b, c]))
    block = schedule.get_sblock("C")
    i, j, k = schedule.get_loops(block)
    (i0, i1), (j0, j1), (k0, k1) = (
        schedule.split(loop, [None, factor]) for loop, factor in ((i, 4), (j, 64), (k, 4))
    )
    schedule.reorder(j0, i0, k0, k1, i1, j1)
    written = schedule.cache_write(block, 0, "global")
    schedule.reverse_compute_at(written, i0)
    packed = schedule.cache_read(block, 1, "global")
    schedule.transform_layout(block, ("read", 1), lambda k, j: (j // 64, k, j % 64))
    rows, columns = schedule.get_loops(packed)
    panel, column = schedule.split(columns, [None, 64])
    schedule.reorder(panel, rows, column)
    schedule.vectorize(column)
    schedule.parallel(panel)
    schedule.vectorize(j1)
    schedule.vectorize(schedule.get_loops(written)[-1])
    schedule.parallel(j0)
    schedule.unroll(i1)
    schedule.unroll(k1)
    schedule.decompose_reduction(block, k0)
    processor = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({"kind": "llvm", "mcpu": processor, "num-cores": 2})
    executable = tvm.compile(schedule.mod, target=target)
    tensors = [tvm.runtime.tensor(array) for array in (*arrays, np.empty((n, n), np.float32))]

    def call() -> Any:
        executable(*tensors)
        return tensors[-1]

    return call, lambda result: np.asarray(result.numpy())


PEERS: dict[str, Callable[[Workload, list[np.ndarray]], Prepared]] = {
    "numpy": with_numpy,
    "eager": lambda workload, arrays: with_torch(workload, arrays, None),
    "inductor": lambda workload, arrays: with_torch(workload, arrays, "default"),
    "autotune": lambda workload, arrays: with_torch(workload, arrays, "max-autotune"),
    "xla": lambda workload, arrays: with_jax(workload, arrays, True),
    "xla, own": lambda workload, arrays: with_jax(workload, arrays, False),
    "tvm": with_tvm,
}


def prepare(peer: str, name: str) -> Prepared:
    """The call of `peer` for the workload `name`. Raises NotOffered."""
    workload = WORKLOADS[name]
    return PEERS[peer](workload, workload.inputs())
