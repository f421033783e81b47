"""Triton kernels compiled in this process, for a GPU that is described: pass by pass, or without some.

`compile_for` takes the arguments of a launch, descriptors too, and counts what became of the kernel;
`step_through` lets each pass of the compiler run alone, keeps what it left, and can leave passes out;
`partitions` says what each group of warps does where they do different things.
"""

from offline_kernels.kernel import OfflineKernel, compile_for
from offline_kernels.partitions import Partition, partitions
from offline_kernels.stepper import PassRun, UnknownPass, step_through

__all__ = [
    "OfflineKernel",
    "Partition",
    "PassRun",
    "UnknownPass",
    "compile_for",
    "partitions",
    "step_through",
]
