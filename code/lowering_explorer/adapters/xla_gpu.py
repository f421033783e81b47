"""XLA for GPUs of NVIDIA, ahead of time: from the trace to PTX for a GPU that is described, not present.

Option: `targets`, names such as sm_90 (the default); the first one counts. Nothing is timed: the autotuner is
off, so a matrix product keeps the tile that XLA starts from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from jax.experimental import topologies

from lowering_explorer.adapters import hlo_text, xla, xla_dump, xla_gpu_dump
from lowering_explorer.adapters.gpus import GPU, gpu_named, targets
from lowering_explorer.adapters.xla_ahead import plain
from lowering_explorer.request import Request
from lowering_explorer.stage import Lines, Stage

REMEDIES = (
    (
        "topology not implemented for cuda",
        "The plugin was not loaded: install jax-cuda13-plugin and jax-cuda13-pjrt in the version of jax.",
    ),
    *xla.REMEDIES,
)
OPTIONS = {
    **xla_dump.OPTIONS,
    "xla_dump_fusion_visualization": False,  # the fusion of GPUs has a dump of its own
    "xla_gpu_autotune_level": 0,
}


def flags() -> dict[str, str]:
    """What the environment sets, and the option that keeps XLA from timing kernels."""
    return xla.flags() | {"xla_gpu_autotune_level": str(OPTIONS["xla_gpu_autotune_level"])}


def capture(request: Request) -> Iterator[Stage]:
    """The stages of `jax.jit` on the described GPU."""
    gpu = gpu_named(targets(request)[0])
    topology = topologies.get_topology_desc(
        platform="cuda", topology_name="1x1x1", topology="1x1x1", target_config=_target_config(gpu)
    )
    lowered = yield from xla.lowered_for(request, "cuda", topology.devices[0], plain)
    compiled = lowered.compile(compiler_options={"xla_dump_to": str(request.folder), **OPTIONS})
    last = unfused = ""
    for stage in xla_dump.hlo_stages(request.folder, request):
        yield plain(stage)
        last = stage.name
        unfused = last if stage.level == "tensor IR" else unfused
    yield from xla_gpu_dump.fusion_decisions(request.folder, unfused)
    lines_of_kernel: Mapping[str, Lines] = {}
    launches = xla_gpu_dump.launches(request.folder)
    kernels = xla_gpu_dump.launched_kernels(launches)
    for stage in xla_dump.final_stages(request.folder, request, last, launches, "gpu"):
        if stage.name == "fused HLO":
            lines_of_kernel = hlo_text.kernel_lines(stage.text, stage.source_lines)
            stage = replace(stage, counts=xla_gpu_dump.kernel_kinds(stage.text) | xla.costs(compiled))
        if stage.name == "thunks":
            note = "What the host does, in order; a kernel is launched with this grid and these threads."
            stage = replace(stage, counts={"kernel launches": len(kernels)}, note=note)
        yield plain(stage)
    yield from xla_gpu_dump.kernel_stages(request.folder, kernels, lines_of_kernel)


def _target_config(gpu: GPU) -> str:
    """The GPU as XLA's GpuTargetConfigProto, in the text format of protocol buffers."""
    # From Hopper on, code for the accelerated features of one architecture (sm_90a) runs on no other.
    features = "feature_extension: ACCELERATED_FEATURES" if gpu.major >= 9 else ""
    return f"""
        gpu_device_info {{
          threads_per_block_limit: {gpu.max_threads_per_block}
          threads_per_warp: {gpu.warp_size}
          shared_memory_per_block: {gpu.shared_memory_per_block}
          shared_memory_per_core: {gpu.shared_memory_per_multiprocessor}
          shared_memory_per_block_optin: {gpu.shared_memory_per_block_optin}
          threads_per_core_limit: {gpu.max_threads_per_multi_processor}
          registers_per_core_limit: {gpu.regs_per_multiprocessor}
          registers_per_block_limit: {gpu.regs_per_multiprocessor}
          core_count: {gpu.multi_processor_count}
          fpus_per_core: {gpu.float_units_per_multi_processor}
          block_dim_limit_x: 2147483647
          block_dim_limit_y: 65535
          block_dim_limit_z: 65535
          memory_bandwidth: {gpu.bytes_per_second}
          l2_cache_size: {gpu.L2_cache_size}
          clock_rate_ghz: {gpu.clock_gigahertz}
          device_memory_size: {gpu.total_memory}
          cuda_compute_capability {{ major: {gpu.major} minor: {gpu.minor} {features} }}
        }}
        platform_name: "CUDA"
        dnn_version_info {{ major: 9 minor: 10 patch: 0 }}
        runtime_version {{ major: 13 minor: 0 patch: 0 }}
        device_description_str: "{gpu.name}"
    """
