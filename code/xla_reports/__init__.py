"""What XLA reports of one compilation for this CPU, as data.

`report` compiles a function in a process of its own and returns the passes that ran, the kernels that are
left with the bytes that they move, and the plan of the memory. The readers of the texts need no JAX.
"""

from xla_reports.kernels import Kernel, kernels
from xla_reports.memory import Allocation, MemoryPlan, Value, memory_plan
from xla_reports.passes import Pass, passes
from xla_reports.report import CompilationFailed, Report, report

__all__ = [
    "Allocation",
    "CompilationFailed",
    "Kernel",
    "MemoryPlan",
    "Pass",
    "Report",
    "Value",
    "kernels",
    "memory_plan",
    "passes",
    "report",
]
