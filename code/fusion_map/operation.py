"""Which operations became which kernel, in one vocabulary for all compilers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["product", "reduction", "elementwise", "movement", "constant"]
Origin = Literal["generated", "library"]


@dataclass(frozen=True)
class Operation:
    """One operation on arrays, in the words of a compiler's own representation.

    `operands` are names: of operations, of arguments, of constants. `bytes` are those of the result.
    """

    name: str
    kind: Kind
    operands: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Kernel:
    """What runs as one call: a loop nest that the compiler generated, or a library."""

    name: str
    origin: Origin
    operations: tuple[Operation, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """The operations that it computes."""
        return frozenset(operation.name for operation in self.operations)


@dataclass(frozen=True)
class FusionMap:
    """The kernels of one program in the order in which they run.

    `given` are the bytes of what exists before the first kernel, arguments and constant arrays; `results`
    are what the caller gets. An operation may be in several kernels: each computes it for itself.
    """

    compiler: str
    given: Mapping[str, int]
    kernels: tuple[Kernel, ...]
    results: tuple[str, ...]

    def __post_init__(self) -> None:
        known = set(self.given).union(*(kernel.names for kernel in self.kernels))
        for operation in self.operations():
            if missing := set(operation.operands) - known:
                raise ValueError(
                    f"{self.compiler}: {operation.name} reads {min(missing)}, which nobody makes"
                )
        if missing := set(self.results) - known:
            raise ValueError(f"{self.compiler}: nobody makes the result {min(missing)}")

    def operations(self) -> Iterator[Operation]:
        """All operations, kernel by kernel."""
        return (operation for kernel in self.kernels for operation in kernel.operations)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of everything that has a name."""
        return dict(self.given) | {operation.name: operation.bytes for operation in self.operations()}

    def read(self, kernel: Kernel) -> frozenset[str]:
        """The arrays that `kernel` reads and does not make itself."""
        used = {name for operation in kernel.operations for name in operation.operands}
        return frozenset(used - kernel.names)

    def written(self, kernel: Kernel) -> frozenset[str]:
        """The arrays that `kernel` leaves for others: for later kernels that lack them, or for the caller."""
        later = self.kernels[self.kernels.index(kernel) + 1 :]
        wanted = set(self.results).union(*(self.read(other) for other in later))
        earlier = self.kernels[: self.kernels.index(kernel)]
        return kernel.names & wanted - frozenset().union(*(other.names for other in earlier))

    def bytes_of(self, kernel: Kernel) -> int:
        """Bytes that cross the border of `kernel`: each array that it reads or writes, once."""
        return sum(self.sizes[name] for name in self.read(kernel) | self.written(kernel))

    @property
    def moved(self) -> int:
        """Bytes that cross a border of some kernel."""
        return sum(map(self.bytes_of, self.kernels))

    @property
    def library_calls(self) -> int:
        """Kernels that the compiler found in a library."""
        return sum(kernel.origin == "library" for kernel in self.kernels)
