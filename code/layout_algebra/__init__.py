"""The algebra of layouts in which CuTe states its kernels, small enough to read.

A `Layout` is a function from coordinates to offsets. The operations take layouts to layouts; a `Swizzle`
permutes offsets so that a tile can be read along both of its sides; `wavefronts` counts what an access costs.
"""

from layout_algebra.algebra import (
    coalesce,
    complement,
    composition,
    logical_divide,
    logical_product,
    right_inverse,
    zipped_divide,
    zipped_product,
)
from layout_algebra.layout import Layout, concatenate
from layout_algebra.shared_memory import bank, wavefronts
from layout_algebra.swizzle import Swizzle, Swizzled

__all__ = [
    "Layout",
    "Swizzle",
    "Swizzled",
    "bank",
    "coalesce",
    "complement",
    "composition",
    "concatenate",
    "logical_divide",
    "logical_product",
    "right_inverse",
    "wavefronts",
    "zipped_divide",
    "zipped_product",
]
