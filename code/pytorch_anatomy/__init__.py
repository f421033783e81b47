"""The parts of `torch.compile`, each asked by itself: bytecode, guards, saved tensors, loops, memory, keys.

Each function takes a Python function on tensors and returns plain records. Only `first_call` runs a C++
compiler; the others stop before machine code is made, so that a page can afford them.
"""

from pytorch_anatomy.bytecode import Rewriting, rewritings
from pytorch_anatomy.cache_keys import key_parts
from pytorch_anatomy.first_call import FirstCall, first_call
from pytorch_anatomy.graph_capture import Outcome, outcomes
from pytorch_anatomy.guards import Guard, guards
from pytorch_anatomy.loop_bodies import LoopBody, loop_bodies
from pytorch_anatomy.memory_plan import MemoryPlan, Step, memory_plan
from pytorch_anatomy.saved_tensors import Partition, Saved, partition, saved_by_autograd

__all__ = [
    "FirstCall",
    "Guard",
    "LoopBody",
    "MemoryPlan",
    "Outcome",
    "Partition",
    "Rewriting",
    "Saved",
    "Step",
    "first_call",
    "guards",
    "key_parts",
    "loop_bodies",
    "memory_plan",
    "outcomes",
    "partition",
    "rewritings",
    "saved_by_autograd",
]
