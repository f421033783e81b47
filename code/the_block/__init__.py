"""The book's running example: one pre-norm transformer block, written once for every framework.

The functions follow the Python array API, so the same source runs under NumPy, JAX and PyTorch, and
through torch.export under TVM. `oracle` computes the same in float64 by other means; `check` compares
a result with it under a tolerance that an error model gives.
"""

from the_block.block import attention, block, mlp, rmsnorm
from the_block.costs import Cost, cost
from the_block.oracle import oracle
from the_block.sizes import SIZES, L, M, S, Size
from the_block.tensors import arguments
from the_block.tolerance import check, relative_tolerance

__all__ = [
    "SIZES",
    "Cost",
    "L",
    "M",
    "S",
    "Size",
    "arguments",
    "attention",
    "block",
    "check",
    "cost",
    "mlp",
    "oracle",
    "relative_tolerance",
    "rmsnorm",
]
