"""Compiles the three kernels with the CuTe DSL for GPUs that are absent, and keeps what the chapter shows.

Needs the extra `cutlass-dsl`. No driver is needed: the arguments are descriptions of tensors. The machine
code is disassembled by the nvdisasm that comes with Triton.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from the_block import M

TARGETS = {"ampere": "sm_80", "hopper": "sm_90a", "blackwell": "sm_100a"}
PACKAGES = ("nvidia-cutlass-dsl", "triton")
SIZES = {"M": M.tokens, "N": M.hidden, "K": M.width}  # silu(h @ W1) of the Block
INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]+\*/\s+((?:@!?U?P\w+ )?([A-Z][A-Z0-9_]*)\S*.*?);", re.MULTILINE)
MLIR = re.compile(r"cute\.(gemm|copy)\(|make_fragment C|tiled_mma<")
PTX = re.compile(r"^\s*(?:@%p\d+ )?\{? *([a-z]\w*(?:\.\w+)?)[ .\t:]", re.MULTILINE)
TILE_OPCODES = {  # they move or multiply tiles, or end the row of a tile
    *("LDGSTS", "UTMALDG", "LDSM", "LDTM", "HMMA", "HGMMA", "UTCHMMA", "BAR", "SYNCS", "MUFU", "STG"),
}
EARLY_EXIT = """
import cutlass.cute as cute

@cute.kernel
def first_half(x: cute.Tensor):
    thread, _, _ = cute.arch.thread_idx()
    if thread >= 16:
        return
    x[thread] = 2 * x[thread]

@cute.jit
def launch(x: cute.Tensor):
    first_half(x).launch(grid=(1, 1, 1), block=(32, 1, 1))
"""
HOST = """
import sys
import cutlass.cute as cute

@cute.jit
def host():
    cute.printf("%d", cute.size(cute.make_layout((int(sys.argv[2]), 8))))

cute.compile(host) if sys.argv[1] == "compile" else host()
"""
PROCESSES = {  # in this order, with one cache: what each does, and on how many rows
    "cute.compile": ("compile", "4"),
    "a call": ("call", "4"),
    "the same call again": ("call", "4"),
    "a call with another layout": ("call", "5"),
}


def everything() -> dict[str, Any]:
    """All that is recorded, as JSON data: see `kernel`, `refusal` and `cache`."""
    return {
        "script": "python -m cute_gemm book/recorded/cute_gemm.json",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in PACKAGES},
        "sizes": SIZES,
        "kernels": {name: kernel(name) for name in TARGETS},
        "other order": kernel("hopper", (0, 1))["sass"],
        "symbolic": {size: symbolic(size) for size in ("M", "K")},
        "refusal": refusal(),
        "cache": cache(),
    }


def kernel(name: str, *options: Any) -> dict[str, Any]:
    """One kernel: its layouts as printed while tracing, MLIR, counts by opcode, and some SASS.

    `options` go to its `product`. `lines` counts what works on tiles in each line of the source that has any;
    `text` holds the first two instructions of each such opcode.
    """
    made = _compiled(name, SIZES, *options)
    listing = made["listing"]
    module = importlib.import_module(f"cute_gemm.{name}")
    source = source_of(name).splitlines()
    lines: dict[str, Counter[str]] = {}
    for number, block in re.findall(r'//## File "[^"]*", line (\d+)\n((?:(?!\s*//##).*\n)*)', listing):
        opcodes = Counter(opcode for _, opcode in INSTRUCTION.findall(block) if opcode in TILE_OPCODES)
        lines.setdefault(source[int(number) - 1].strip(), Counter()).update(opcodes)
    shown: dict[str, list[str]] = {}
    for text, opcode in INSTRUCTION.findall(listing):
        if opcode in TILE_OPCODES:
            shown.setdefault(opcode, []).append(re.sub(r"\s+", " ", text))
    return {
        "source": digest(name),
        "target": TARGETS[name],
        "tile": module.TILE,
        "threads": module.THREADS,
        "printed": made["printed"],
        "mlir": [line.strip() for line in made["mlir"].splitlines() if MLIR.search(line)],
        "ptx": dict(Counter(PTX.findall(made["ptx"]))),
        "sass": _opcodes(listing),
        "lines": {line: dict(opcodes) for line, opcodes in lines.items() if opcodes},
        "text": [text for texts in shown.values() for text in texts[:2]],
        "registers": made["registers"],
    }


def source_of(name: str) -> str:
    """The text of the module of a kernel, which it takes no DSL to read."""
    return Path(__file__).with_name(f"{name}.py").read_text()


def digest(name: str) -> str:
    """By which a recording is known to be of the kernel as it stands."""
    return hashlib.sha256(source_of(name).encode()).hexdigest()[:16]


def symbolic(size: str) -> dict[str, Any]:
    """The opcodes of the kernel for sm_80 when one size is known only as a multiple of 64."""
    from cutlass.cute import sym_int

    return _opcodes(_compiled("ampere", {**SIZES, size: sym_int(divisibility=64)})["listing"])


def refusal() -> str:
    """What the DSL says of a thread that returns early."""
    import cutlass
    import cutlass.cute as cute
    from cutlass.cute.runtime import make_fake_compact_tensor

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "early_exit.py").write_text(EARLY_EXIT.lstrip())
        sys.path.insert(0, folder)
        try:
            launch = importlib.import_module("early_exit").launch
            cute.compile(launch, make_fake_compact_tensor(cutlass.Float32, (32,)), options="--gpu-arch sm_80")
        except Exception as refused:
            plain = re.sub(r"\x1b\[\d*m", "", str(refused))
            return plain.replace(f"{folder}/", "").strip()
        finally:
            sys.path.remove(folder)
    raise RuntimeError("the CuTe DSL takes a kernel that returns early: the chapter says that it refuses")


def cache() -> dict[str, int]:
    """How many files the cache holds after each of the processes."""
    with tempfile.TemporaryDirectory() as folder:
        script, kept = Path(folder) / "host.py", Path(folder) / "kept"
        script.write_text(HOST)
        kept.mkdir()
        environment = {**os.environ, "CUTE_DSL_CACHE_DIR": str(kept)}
        files = {}
        for name, arguments in PROCESSES.items():
            command = [sys.executable, str(script), *arguments]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            files[name] = len([path for path in kept.rglob("*") if path.is_file()])
    return files


def _opcodes(listing: str) -> dict[str, int]:
    return dict(Counter(opcode for _, opcode in INSTRUCTION.findall(listing)))


def _compiled(name: str, sizes: dict[str, Any], *options: Any) -> dict[str, Any]:
    import cutlass
    import cutlass.cute as cute
    import triton
    from cutlass.cute.runtime import make_fake_compact_tensor

    def halves(rows: Any, columns: Any, order: tuple[int, int]) -> Any:
        return make_fake_compact_tensor(
            cutlass.Float16, (rows, columns), stride_order=order, assumed_align=16
        )

    m, n, k = sizes["M"], sizes["N"], sizes["K"]
    tensors = halves(m, k, (1, 0)), halves(n, k, (0, 1)), halves(m, n, (1, 0))
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
        flags = f"--gpu-arch {TARGETS[name]} --keep-ptx --keep-cubin --generate-line-info --dump-dir={folder}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # some from inside the DSL
            product = importlib.import_module(f"cute_gemm.{name}").product
            cute.compile(product, *tensors, *options, options=flags)
        (cubin,) = Path(folder).glob("*.cubin")
        (ptx,) = Path(folder).glob("*.ptx")
        dumped = os.environ["CUTE_DSL_DUMP_DIR"]
        latest = max(Path(dumped).glob("*_clean.mlir"), key=lambda path: path.stat().st_mtime)
        nvdisasm = Path(triton.knobs.nvidia.nvdisasm.path)
        command = [str(nvdisasm), "--print-code", "--print-line-info", str(cubin)]
        listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        command = [str(nvdisasm.with_name("cuobjdump")), "-res-usage", str(cubin)]
        usage = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        registers = re.search(r"REG:(\d+)", usage)
        if registers is None:
            raise RuntimeError(f"cuobjdump names no registers: {usage}")
        return {
            "printed": printed.getvalue().strip().splitlines(),
            "mlir": latest.read_text(),
            "ptx": ptx.read_text(),
            "listing": listing,
            "registers": int(registers[1]),
        }
