"""What code is generated for: a C compiler, and the vectors of the machine it is asked to compile for."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path


class NoCompiler(RuntimeError):
    """There is no C compiler to call."""


@dataclass(frozen=True)
class Target:
    """`compiler` is a path, `version` what it says of itself, `vector_bytes` the width of a vector register.

    `macros` are those that the compiler defines for this machine, such as __AVX512F__; `caches` the bytes of
    the data caches that one core reaches, the smallest first.
    """

    compiler: str
    version: str
    vector_bytes: int
    flags: tuple[str, ...]
    macros: frozenset[str]
    caches: tuple[int, ...] = (32 << 10, 1 << 20)

    @property
    def registers(self) -> int:
        """Vector registers that a program can name."""
        return 32 if self.macros & {"__AVX512F__", "__aarch64__"} else 16

    @property
    def lanes(self) -> int:
        """Elements in a vector: f32 in a register; other dtypes take as many."""
        return self.vector_bytes // 4

    def strict(self) -> Target:
        """The target without contraction of a * b + c, so that C rounds as the interpreter does."""
        return replace(self, flags=(*self.flags, "-ffp-contract=off"))


FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-ffp-contract=fast")


@functools.cache
def host_target(compiler: str | None = None) -> Target:
    """The machine this runs on, as a C compiler sees it: `compiler`, else $CC, gcc, clang or cc.

    Raises NoCompiler.
    """
    named = compiler or os.environ.get("CC")
    found = [path for name in ([named] if named else ["gcc", "clang", "cc"]) if (path := shutil.which(name))]
    if not found:
        wanted = f"'{named}'" if named else "gcc, clang or cc"
        raise NoCompiler(f"there is no C compiler {wanted}: install gcc or clang, or set CC to one")
    command = [found[0], *FLAGS, "-dM", "-E", "-xc", "-"]
    probe = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    if probe.returncode:
        what = f"'{found[0]}' is no C compiler like gcc or clang"
        raise NoCompiler(f"{what}: set CC to one ({probe.stderr.strip()})")
    macros = dict(re.findall(r"#define (\w+) ?(.*)", probe.stdout))
    widths = {"__AVX512F__": 64, "__AVX2__": 32}
    width = next((width for macro, width in widths.items() if macro in macros), 16)
    openmp = ("-fopenmp",) if compiles(found[0], "-fopenmp") else ()
    version = f"{found[0]} {macros['__VERSION__']}"
    return Target(found[0], version, width, FLAGS + openmp, frozenset(macros), data_caches())


def data_caches() -> tuple[int, ...]:
    """The bytes of the data caches of one core, as Linux tells; else those of a common core."""
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            found.append(int((index / "size").read_text().strip().removesuffix("K")) << 10)
    return tuple(found) if len(found) > 1 else Target.caches


def compiles(compiler: str, flag: str) -> bool:
    """Whether `compiler` links a shared object with `flag`: clang without its OpenMP library does not."""
    command = [compiler, flag, "-shared", "-fPIC", "-xc", "-", "-o", os.devnull]
    source = "int omp_get_max_threads(void); int f(void) { return omp_get_max_threads(); }"
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False).returncode == 0
