"""XLA for TPUs, ahead of time: the HLO that a TPU would run, with its tiled layouts and memory spaces.

What JAX's public interface returns is shown, nothing that libtpu writes for itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from jax.experimental import topologies

from lowering_explorer.adapters import hlo_text, xla
from lowering_explorer.adapters.xla_ahead import plain, with_places
from lowering_explorer.request import Request
from lowering_explorer.stage import Stage

REMEDIES = xla.REMEDIES
TOPOLOGY = "v5e:2x2"  # the smallest that has a description; the program runs on its first chip


def flags() -> dict[str, str]:
    """What the environment sets, and the TPU that is described."""
    return xla.flags() | {"topology": TOPOLOGY}


def capture(request: Request) -> Iterator[Stage]:
    """The trace, StableHLO and the final HLO, with what libtpu says of memory and costs."""
    topology = topologies.get_topology_desc(platform="tpu", topology_name=TOPOLOGY)
    lowered = yield from xla.lowered_for(request, "tpu", topology.devices[0], plain)
    compiled = lowered.compile()
    module = re.sub(r", backend_config=\{.*\}$", "", with_places(compiled.as_text()), flags=re.MULTILINE)
    text, lines = hlo_text.located(module, request.resolve)
    entry = hlo_text.kernels(text)
    memory = compiled.memory_analysis()
    yield plain(
        Stage(
            "fused HLO",
            "loops",
            "hlo",
            text,
            "StableHLO",
            lines,
            {
                **Counter(f"{opcode} operations" for _, opcode in entry),
                "bytes of code": memory.generated_code_size_in_bytes,
                "bytes of arguments": memory.argument_size_in_bytes,
                "bytes of results": memory.output_size_in_bytes,
                "temporary bytes": memory.temp_size_in_bytes,
                **xla.costs(compiled),
            },
            "T(8,128) is the tile in which an array lies in memory, S(1) the vector memory of the core.",
        )
    )
