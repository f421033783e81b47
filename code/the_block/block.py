"""The Block and its three kernels.

Shapes: `x` is (tokens, width); `g` is (width,); `Wq`, `Wk`, `Wv`, `Wo` are (width, width);
`W1` is (width, hidden); `W2` is (hidden, width). All of one floating dtype, and so is the result.
One attention head, no batch axis: the intermediate representations of the whole fit on a page.
"""

from __future__ import annotations

from typing import Any

EPSILON = 1e-6  # keeps the norm of a row of zeros finite

Array = Any  # of NumPy, JAX or PyTorch: the functions ask for the array API and nothing else


def namespace(x: Array) -> Any:
    """The module whose functions take `x`: what the array is made of, by the array API standard."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    import torch  # its tensors lack the attribute, its functions have the standard's names

    return torch


def rmsnorm(x: Array, g: Array) -> Array:
    """Scale each row of `x` to a root mean square of 1, then each column by `g`.

    Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
    """
    xp = namespace(x)
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + EPSILON) * g


def attention(x: Array, g: Array, Wq: Array, Wk: Array, Wv: Array, Wo: Array) -> Array:
    """Add to `x` what each token reads from itself and the tokens before it.

    Vaswani et al., Attention Is All You Need, 2017, section 3.2.1, with a causal mask.
    """
    xp = namespace(x)
    tokens, width = x.shape
    h = rmsnorm(x, g)
    q, k, v = h @ Wq, h @ Wk, h @ Wv
    scores = (q @ k.T) / width**0.5
    position = xp.arange(tokens)
    scores = xp.where(position[:, None] >= position[None, :], scores, -xp.inf)
    return x + softmax(scores) @ v @ Wo


def softmax(scores: Array) -> Array:
    """Turn each row into weights that add up to 1.

    The maximum is taken off so that exp stays finite.
    """
    xp = namespace(scores)
    weights = xp.exp(scores - xp.amax(scores, axis=-1, keepdims=True))
    return weights / xp.sum(weights, axis=-1, keepdims=True)


def mlp(x: Array, g: Array, W1: Array, W2: Array) -> Array:
    """Add to `x` a two-layer perceptron of its norm.

    The activation is silu(h) = h / (1 + exp(-h)).
    """
    xp = namespace(x)
    h = rmsnorm(x, g) @ W1
    return x + (h / (1 + xp.exp(-h))) @ W2


def block(
    x: Array, g1: Array, Wq: Array, Wk: Array, Wv: Array, Wo: Array, g2: Array, W1: Array, W2: Array
) -> Array:
    """One layer of a transformer: attention, then the perceptron."""
    return mlp(attention(x, g1, Wq, Wk, Wv, Wo), g2, W1, W2)
