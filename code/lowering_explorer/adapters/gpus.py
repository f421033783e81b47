"""What compilers ask a GPU about, for three that are described and need not be there.

The figures are those that the devices report, as XLA's target descriptions record them
(xla/backends/gpu/target_config/specs: a100_sxm_40, h100_sxm and b200).
"""

from __future__ import annotations

from dataclasses import dataclass

from lowering_explorer.request import CannotCapture, Request


@dataclass(frozen=True)
class GPU:
    """A GPU of NVIDIA. The names are PyTorch's (`torch.cuda.get_device_properties`); sizes are in bytes."""

    name: str
    major: int
    minor: int
    multi_processor_count: int
    total_memory: int
    L2_cache_size: int
    shared_memory_per_multiprocessor: int
    shared_memory_per_block_optin: int
    bytes_per_second: int
    clock_gigahertz: float
    float_units_per_multi_processor: int
    shared_memory_per_block: int = 48 << 10
    regs_per_multiprocessor: int = 65536
    max_threads_per_multi_processor: int = 2048
    max_threads_per_block: int = 1024
    warp_size: int = 32
    gcnArchName: str = ""  # noqa: N815, of AMD's GPUs; Inductor asks every GPU

    @property
    def capability(self) -> int:
        """Such as 90."""
        return 10 * self.major + self.minor


GPUS = {
    "sm_80": GPU(
        *("A100", 8, 0, 108, 42331013120, 40 << 20, 164 << 10, 163 << 10, 1555200000000, 1.41, 64),
    ),
    "sm_90": GPU(
        *("H100", 9, 0, 132, 84942979072, 50 << 20, 228 << 10, 227 << 10, 3352320000000, 1.98, 128),
    ),
    "sm_100": GPU(
        *("B200", 10, 0, 148, 191514411008, 132644864, 228 << 10, 227 << 10, 7672320000000, 1.965, 128),
    ),
}


def gpu_named(name: str) -> GPU:
    """The GPU of a target such as sm_90. Raises CannotCapture for one that is not described."""
    if name not in GPUS:
        known = ", ".join(f"{name} ({gpu.name})" for name, gpu in GPUS.items())
        raise CannotCapture(f"no GPU is described for {name!r}; targets are {known}")
    return GPUS[name]


def targets(request: Request) -> tuple[str, ...]:
    """The option `targets`, one name or several, of which sm_90 is the default.

    Raises CannotCapture for a GPU that is not described.
    """
    asked = request.options.get("targets", "sm_90")
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    for name in names:
        gpu_named(name)
    if not names:
        raise CannotCapture("name at least one target, such as sm_90")
    return names
