"""silu(h @ W1) of the Block as CuTe kernels for three generations of GPUs, compiled without a GPU.

The kernels are written for NVIDIA's CuTe DSL, which is proprietary and an extra of this project
(`pip install ".[cutlass-dsl]"`). `python -m cute_gemm FILE` compiles and records them; a chapter reads the
recording, and `compile_anew` makes it anew where the extra is installed.
"""

from cute_gemm.anew import compile_anew
from cute_gemm.compiled import digest, source_of

__all__ = ["compile_anew", "digest", "source_of"]
