"""The compilers that the explorer knows, and the versions that each adapter was verified with.

This table is read without importing any framework. An adapter is a module with

- `capture(request) -> Iterator[Stage]`: yields the stages in order, as soon as each is there, so that those
  that were reached survive a failure;
- `flags() -> dict[str, str]`: what the compiler was set to, for the reader (optional);
- `REMEDIES`: pairs of a regular expression that an error matches and a sentence on what to do (optional).
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType


class NotAvailable(ValueError):
    """A compiler that is unknown, absent or of another version; one sentence that says what to do."""


@dataclass(frozen=True)
class Adapter:
    """A compiler as the table knows it."""

    compiler: str
    title: str
    distribution: str
    first: str  # the first version that it was verified with
    below: str  # the first one that it was not
    module: str
    environment: Mapping[str, str] = field(default_factory=dict)  # for the process of the capture
    options: tuple[str, ...] = ()  # those of `lower(options=...)` that it reads
    takes: str = "function"  # or "kernel": a Triton or Gluon kernel

    def version(self) -> str:
        """The installed version. Raises NotAvailable when there is none, or one out of range."""
        try:
            installed = importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            raise NotAvailable(
                f"{self.compiler} needs {self.distribution}, which is not installed: "
                f"pip install '{self.distribution}>={self.first},<{self.below}'"
            ) from None
        if not _numbers(self.first) <= _numbers(installed) < _numbers(self.below):
            raise NotAvailable(
                f"{self.compiler} was verified with {self.distribution} from {self.first} up to, "
                f"not including, {self.below}; installed is {installed}"
            )
        return installed

    def load(self) -> ModuleType:
        """The adapter's module; imports the framework."""
        return importlib.import_module(f"lowering_explorer.adapters.{self.module}")


def _numbers(version: str) -> tuple[int, ...]:
    public = version.partition("+")[0].partition(".post")[0]
    return tuple(int(part) for part in public.split(".") if part.isdigit())


_TORCH_ENVIRONMENT = {"TORCHINDUCTOR_VEC_ISA_OK": "1"}  # no compilation of a probe
# A plugin looks for no device, and libtpu asks no server which it has and keeps no log.
_NO_ACCELERATOR = {"JAX_PLATFORMS": "cpu", "TPU_SKIP_MDS_QUERY": "1", "TPU_LOG_DIR": "disabled"}

ADAPTERS = {
    adapter.compiler: adapter
    for adapter in (
        Adapter("xla", "XLA", "jax", "0.10.2", "0.10.3", "xla"),
        Adapter("xla-plain", "XLA without library fusion", "jax", "0.10.2", "0.10.3", "xla_plain"),
        Adapter(
            *("inductor", "Inductor", "torch", "2.13.0", "2.14", "inductor", _TORCH_ENVIRONMENT),
            options=("gradient", "dynamic"),
        ),
        Adapter(
            *("inductor-cuda", "Inductor for CUDA", "torch", "2.13.0", "2.14", "inductor_cuda"),
            options=("targets", "gemm", "dynamic"),
        ),
        Adapter("tvm", "TVM", "apache-tvm", "0.27.0", "0.28", "tvm", options=("schedule", "cuda")),
        Adapter("triton", "Triton", "triton", "3.7.1", "3.8", "triton", {}, ("targets",), "kernel"),
        Adapter("gluon", "Gluon", "triton", "3.7.1", "3.8", "gluon", {}, ("targets",), "kernel"),
        Adapter(
            *(
                "tensor-compiler",
                "The teaching compiler",
                "ai-compilers-book",
                "0.1",
                "0.2",
                "tensor_compiler",
            )
        ),
        # Optional: nothing else needs these plugins, and no requirement of this repository names them.
        Adapter(
            *("xla-gpu", "XLA for GPUs", "jax-cuda13-plugin", "0.10.2", "0.10.3", "xla_gpu"),
            environment=_NO_ACCELERATOR,
            options=("targets",),
        ),
        Adapter(
            *("xla-tpu", "XLA for TPUs", "libtpu", "0.0.42", "0.0.43", "xla_tpu"),
            environment=_NO_ACCELERATOR,
        ),
    )
}


def adapter(compiler: str) -> Adapter:
    """The adapter of a compiler. Raises NotAvailable for an unknown name."""
    if compiler not in ADAPTERS:
        raise NotAvailable(f"no compiler {compiler!r}; known are {', '.join(ADAPTERS)}")
    return ADAPTERS[compiler]
