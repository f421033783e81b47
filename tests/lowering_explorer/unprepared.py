"""Functions as readers bring them: nobody wrote them for the explorer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch import Tensor, nn
from torch.nn import functional

from lowering_explorer import Array

LAYER = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
CELL = nn.GRUCell(8, 16)


def transformer_layer(x: Tensor) -> Tensor:
    return LAYER(x)


def conv_block(x: Tensor, weight: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    y = functional.conv2d(x, weight, padding=1)
    y = functional.batch_norm(y, mean, variance)
    return functional.max_pool2d(functional.relu(y) + x, 2)


def torch_router(x: Tensor, gate: Tensor, experts: Tensor) -> Tensor:
    weights, chosen = torch.topk(torch.softmax(x @ gate, -1), 2)
    each = torch.einsum("tw,tkwv->tkv", x, experts[chosen])
    load = torch.zeros(gate.shape[1]).scatter_add(0, chosen.flatten(), weights.flatten())
    return (each * weights[..., None]).sum(1) / load.max()


def jax_router(x: jax.Array, gate: jax.Array, experts: jax.Array) -> jax.Array:
    weights, chosen = jax.lax.top_k(jax.nn.softmax(x @ gate), 2)
    each = jnp.einsum("tw,tkwv->tkv", x, experts[chosen])
    load = jnp.zeros(gate.shape[1]).at[chosen].add(weights)
    return (each * weights[..., None]).sum(1) / load.max()


def jax_scan(x: jax.Array, decay: jax.Array) -> jax.Array:
    def step(state: jax.Array, row: jax.Array) -> tuple[jax.Array, jax.Array]:
        state = decay * state + row
        return state, jnp.tanh(state)

    return jax.lax.scan(step, jnp.zeros_like(decay), x)[1]


def torch_loop(x: Tensor, decay: Tensor) -> Tensor:
    state, rows = torch.zeros_like(decay), []
    for row in x:
        state = decay * state + row
        rows.append(torch.tanh(state))
    return torch.stack(rows)


def int8_matmul(a: Tensor, b: Tensor, scale: Tensor) -> Tensor:
    return torch._int_mm(a, b) * scale


def jax_int8_matmul(a: jax.Array, b: jax.Array, scale: jax.Array) -> jax.Array:
    return jnp.matmul(a, b, preferred_element_type=jnp.int32) * scale


def torch_cond(x: Tensor) -> Tensor:
    return torch.cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos(), (x,))


def jax_cond(x: jax.Array) -> jax.Array:
    return jax.lax.cond(x.sum() > 0, lambda x: jnp.sin(x) * 2, jnp.cos, x)


def rnn_cell(x: Tensor, state: Tensor) -> Tensor:
    return CELL(x, state)


def torch_fft(x: Tensor) -> Tensor:
    return torch.fft.rfft(x).abs()  # here


def jax_fft(x: jax.Array) -> jax.Array:
    return jnp.abs(jnp.fft.rfft(x))


def torch_sort(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.sort(x, -1).values, x.argmax(-1)


def jax_sort(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.sort(x), x.argmax(-1)


def torch_embedding(tokens: Tensor, table: Tensor) -> Tensor:
    return functional.layer_norm(functional.embedding(tokens, table), (table.shape[1],))


def jax_embedding(tokens: jax.Array, table: jax.Array) -> jax.Array:
    return jax.nn.standardize(table[tokens])


def cached_attention(q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, at: int) -> Tensor:
    keys = torch.cat([keys[:, :, :at], k, keys[:, :, at + 1 :]], 2)
    values = torch.cat([values[:, :, :at], v, values[:, :, at + 1 :]], 2)
    mask = torch.arange(keys.shape[2]) <= at
    return functional.scaled_dot_product_attention(q, keys, values, mask[None, None, None])


def jax_cached_attention(q: Any, k: Any, v: Any, keys: Any, values: Any, at: int) -> Any:
    keys = jax.lax.dynamic_update_slice(keys, k, (0, 0, at, 0))
    values = jax.lax.dynamic_update_slice(values, v, (0, 0, at, 0))
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, keys) / q.shape[-1] ** 0.5
    return jax.nn.softmax(jnp.where(jnp.arange(keys.shape[2]) <= at, scores, -jnp.inf)) @ values


def jax_nonzero(x: jax.Array) -> jax.Array:
    return x[x > 0] * 2  # here


def torch_nonzero(x: Tensor) -> Tensor:
    return x[x > 0] * 2


@dataclass(frozen=True)
class Trial:
    """One function through one compiler, and how it ends: at the assembly, or with a sentence."""

    compiler: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    problem: str = ""  # where {line} is the line with `# here`
    level: str = "assembly"

    def __str__(self) -> str:
        return f"{self.compiler}-{self.function.__name__}"


def f32(*shape: int) -> Array:
    return Array("f32", shape)


ROUTED = f32(16, 8), f32(8, 4), f32(4, 8, 8)
PRODUCT = Array("s8", (32, 64)), Array("s8", (64, 16)), f32(16)
TOKENS = Array("s32", (7,)), f32(50, 16)
CACHED = (*[f32(2, 4, 1, 8)] * 3, *[f32(2, 4, 16, 8)] * 2, 5)

TRIALS = (
    Trial("xla", jax_router, ROUTED),
    Trial("xla", jax_scan, (f32(4, 8), f32(8))),
    Trial("xla", jax_int8_matmul, PRODUCT),
    Trial("xla", jax_cond, (f32(4, 8),)),
    Trial("xla", jax_fft, (f32(4, 16),)),
    Trial("xla", jax_sort, (f32(4, 16),)),
    Trial("xla", jax_embedding, TOKENS),
    Trial("xla", jax_cached_attention, CACHED),
    Trial(
        "xla",
        jax_nonzero,
        (f32(4, 8),),
        "xla stopped before its first stage: NonConcreteBooleanIndexError: Array boolean indices must be "
        "concrete; got bool[4,8] (unprepared.py, line {line}). The shape of the result depends on the values "
        "of an array: use jax.numpy.where, or jax.numpy.nonzero with size.",
    ),
    Trial(
        "xla",
        torch_fft,
        (f32(4, 16),),
        "xla stopped before its first stage: TypeError: fft_rfft(): argument 'input' (position 1) must be "
        "Tensor, not DynamicJaxprTracer (unprepared.py, line {line}). Its arguments are arrays of JAX: write "
        "it in the array API or in jax.numpy.",
    ),
    Trial("inductor", transformer_layer, (f32(2, 8, 32),)),
    Trial("inductor", conv_block, (f32(1, 8, 16, 16), f32(8, 8, 3, 3), f32(8), f32(8))),
    Trial("inductor", torch_router, ROUTED),
    Trial("inductor", torch_loop, (f32(4, 8), f32(8))),
    Trial("inductor", int8_matmul, PRODUCT),
    Trial("inductor", torch_cond, (f32(4, 8),)),
    Trial("inductor", rnn_cell, (f32(4, 8), f32(4, 16))),
    Trial("inductor", torch_fft, (f32(4, 16),), level="loops"),  # two calls of a library, no kernel
    Trial("inductor", torch_sort, (f32(4, 16),)),
    Trial("inductor", torch_embedding, TOKENS),
    Trial("inductor", cached_attention, CACHED),
    Trial("inductor", torch_nonzero, (f32(4, 8),)),  # in two parts
    Trial("tvm", transformer_layer, (f32(2, 8, 32),)),
    Trial("tvm", torch_cond, (f32(4, 8),)),
    Trial("tvm", rnn_cell, (f32(4, 8), f32(4, 16))),
    Trial("tvm", cached_attention, CACHED),
    Trial(
        "tvm",
        torch_router,
        ROUTED,
        "tvm stopped after the stage 'decomposed graph': TVM's importer has no conversion for scatter_add; "
        "write it with other operations of torch",
    ),
    Trial(
        "tvm",
        int8_matmul,
        PRODUCT,
        "tvm stopped after the stage 'exported graph': TVM's importer has no conversion for _int_mm; "
        "write it with other operations of torch",
    ),
)
