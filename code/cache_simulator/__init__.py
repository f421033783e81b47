"""Which accesses of a loop function miss a cache: counted on a model, not measured on the machine.

`Cache` is set-associative with the least recently used line replaced; `simulate` sends every access of a
`tensor_compiler` function through one or several of them, in program order.
It needs no C compiler; `measurement.simulate_caches` counts what a compiled function touches, registers and
vectors included.
"""

from cache_simulator.cache import Cache
from cache_simulator.simulate import CannotSimulate, Traffic, simulate

__all__ = ["Cache", "CannotSimulate", "Traffic", "simulate"]
