"""The kernels of the book that want a GPU, as cases for `python -m measurement.record`.

Each chapter passes without a GPU; where one can be had, this suite says how these kernels do on it.
"""

from recorded_kernels.cuda import find_gpu
from recorded_kernels.suite import cases, kernels

__all__ = ["cases", "find_gpu", "kernels"]
