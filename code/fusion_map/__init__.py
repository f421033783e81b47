"""One program through several compilers: which operations became which kernel, and what it needs to run.

`compile_xla`, `compile_inductor`, `compile_tvm` and `compile_tensor_compiler` stand in modules of their own,
each of which imports its compiler alone.
"""

from fusion_map.operation import FusionMap, Kernel, Operation
from fusion_map.program import Program
from fusion_map.steps import STEPS, kernels_of_steps, steps_of

__all__ = ["STEPS", "FusionMap", "Kernel", "Operation", "Program", "kernels_of_steps", "steps_of"]
