"""python -m cute_gemm [FILE]: compile the kernels, print the recording as JSON or write it to FILE."""

import json
import os
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    os.environ |= {"CUTE_DSL_KEEP": "ir", "CUTE_DSL_DUMP_DIR": folder}  # read when the DSL is imported
    from cute_gemm.compiled import everything

    text = json.dumps(everything(), indent=1)
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text + "\n")
    else:
        print(text)
