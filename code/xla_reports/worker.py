"""The process of one report: ``python -m xla_reports.worker FOLDER``.

It compiles once; its log is its standard error, and the dumps lie in the folder.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import jax


def main() -> None:
    """Compile the function that the folder's question names."""
    folder = Path(sys.argv[1])
    function, types, options = pickle.loads((folder / "question").read_bytes())
    wide = any(dtype in ("float64", "int64") for _, dtype in types)
    jax.config.update("jax_enable_x64", wide)
    shapes = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in types]
    lowered = jax.jit(function.found(folder)).lower(*shapes)
    lowered.compile(
        compiler_options={"xla_dump_to": str(folder / "dump"), "xla_dump_hlo_as_text": True, **options}
    )


if __name__ == "__main__":
    main()
