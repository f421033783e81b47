"""Counts of operations and instructions, on texts that each language's own printer wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from lowering_explorer.counting import counted


@pytest.fixture(scope="module")
def lowered() -> jax.stages.Lowered:
    shape = jax.ShapeDtypeStruct((4, 8), jnp.float32)
    return jax.jit(lambda x: jnp.tanh(x) * x + jnp.sum(x)).lower(shape)


def test_counts_the_equations_of_a_jaxpr() -> None:
    jaxpr = jax.make_jaxpr(lambda x: jnp.tanh(x) * x + x)(jnp.ones((4, 8)))
    assert counted("jaxpr", str(jaxpr)) == {"operations": 3, "add": 1, "mul": 1, "tanh": 1}


def test_counts_stablehlo_and_hlo_alike(lowered: jax.stages.Lowered) -> None:
    stablehlo = counted("mlir", lowered.as_text())
    hlo = counted("hlo", lowered.as_text(dialect="hlo"))
    assert stablehlo["stablehlo.tanh"] == hlo["tanh"] == 1
    assert stablehlo["stablehlo.multiply"] == hlo["multiply"] == 1
    assert "parameter" not in hlo


def test_counts_what_a_c_compiler_wrote(tmp_path: Path) -> None:
    source = tmp_path / "f.c"
    source.write_text("void f(float *x, int n) { for (int i = 0; i < n; i++) x[i] = x[i] * x[i]; }\n")
    listing = {}
    for name, flags in {"scalar": ["-O1"], "vector": ["-O3", "-mavx2", "-ffast-math"]}.items():
        subprocess.run(["cc", *flags, "-c", source, "-o", tmp_path / f"{name}.o"], check=True)
        command = ["objdump", "-d", "-M", "intel", "--no-show-raw-insn", str(tmp_path / f"{name}.o")]
        listing[name] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    scalar, vector = (counted("x86", listing[name]) for name in ("scalar", "vector"))
    assert scalar["float multiply"] == 1
    assert scalar["widest vector register in bits"] == 128
    assert vector["widest vector register in bits"] == 256
    lines = [line for line in listing["scalar"].splitlines() if line.startswith(" ") and ":\t" in line]
    assert scalar["instructions"] == sum("nop" not in line for line in lines)


def test_counts_the_loops_and_vector_accesses_of_cpp() -> None:
    text = """
        for(int64_t x0=0; x0<128; x0+=1) {
            for (int64_t x1=0; x1<64; x1+=16) {
                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + x1, 16);
                tmp0.store(out_ptr0 + x1);
            }
        }
    """
    assert counted("cpp", text) == {"loops": 2, "vector loads": 1, "vector stores": 1}


def test_padding_is_no_instruction() -> None:
    text = "f:\n        data16 cs nop WORD PTR [rax+rax*1+0x0]\n        nop    DWORD PTR [rax]\n        ret\n"
    assert counted("x86", text) == {"instructions": 1}


def test_says_nothing_of_a_language_without_a_grammar() -> None:
    assert counted("text", "fused a into b") == {}
