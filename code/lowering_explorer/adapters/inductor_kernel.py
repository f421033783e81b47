"""Compiles a Triton kernel that Inductor wrote, as Inductor does it, for a GPU that is described."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch._inductor.config as inductor_config
from torch._inductor.runtime import triton_helpers
from triton.backends.compiler import GPUTarget

from lowering_explorer.adapters.triton_compile import Compiled, observed
from lowering_explorer.stage import Lines

_METADATA = re.compile(r"\s*(?:filename|triton_meta|inductor_meta)=")


class InductorKernel:
    """One kernel: its module loaded, its candidate configurations known, nothing compiled."""

    def __init__(self, name: str, code: str, folder: Path) -> None:
        file = folder / f"{name}.py"
        file.write_text(code)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None, file
        assert spec.loader is not None, file
        module = importlib.util.module_from_spec(spec)
        with patch.object(triton_helpers, "set_driver_to_gpu", _leave_the_driver):
            spec.loader.exec_module(module)
        self.file = str(file)
        self._autotuner: Any = getattr(module, name)
        self.is_template = "@triton_heuristics.template(" in code
        self.candidates = [_written(config) for config in self._autotuner.configs]

    def compiled(self, target: GPUTarget, keep_passes: bool = False) -> Compiled:
        """The kernel with its first configuration, compiled for the target. Raises CompilationFailed."""
        properties = self._autotuner.device_props._replace(cc=target.arch, major=target.arch // 10)
        self._autotuner.device_props = properties

        def compilation() -> Any:
            return self._autotuner._precompile_config(self._autotuner.configs[0]).kernel

        with (
            patch.object(triton_helpers, "set_driver_to_gpu", _leave_the_driver),
            inductor_config.patch(use_static_cuda_launcher=False),
        ):
            return observed(compilation, self._autotuner.fn, target, keep_passes)


def _leave_the_driver() -> None:
    """The driver that describes a device is set already."""


def _written(config: Any) -> str:
    constants = [f"{name}={value}" for name, value in config.kwargs.items()]
    return ", ".join([*constants, f"num_warps={config.num_warps}", f"num_stages={config.num_stages}"])


def without_metadata(code: str, lines: tuple[Lines, ...]) -> tuple[str, tuple[Lines, ...]]:
    """The kernel as a reader wants it: without imports and without what Inductor notes for itself."""
    kept = [
        (line, of_line)
        for line, of_line in zip(code.splitlines(), lines, strict=True)
        if not re.match(r"(import|from|triton_helpers)\b|\s*$", line) and not _METADATA.match(line)
    ]
    return "".join(f"{line}\n" for line, _ in kept), tuple(of_line for _, of_line in kept)
