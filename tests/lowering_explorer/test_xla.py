"""XLA from the trace to the assembly: what the stages say is what JAX's own objects say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import pytest
from tests.lowering_explorer import functions
from tests.lowering_explorer.finding import line_of
from tests.lowering_explorer.places import check_parents, multiplies_at

from lowering_explorer import Capture, Lowering
from lowering_explorer.adapters import hlo_text
from lowering_explorer.lower import ENVIRONMENT

pytestmark = pytest.mark.slow

SHAPES = (jax.ShapeDtypeStruct((8, 64), "float32"), jax.ShapeDtypeStruct((64,), "float32"))


@pytest.fixture(params=["xla", "xla-plain"])
def capture(request: pytest.FixtureRequest, norm: Lowering) -> Capture:
    return norm[request.param]


def test_reaches_the_assembly_in_order(capture: Capture) -> None:
    assert capture.problem == ""
    check_parents(capture)
    order = [re.sub(r" after .*| of .*", "", stage.name) for stage in capture]
    assert list(dict.fromkeys(order)) == [
        *("jaxpr", "StableHLO", "HLO", "fusion decisions", "fused HLO", "buffer assignment", "thunks"),
        *("LLVM IR", "optimised LLVM IR", "assembly"),
    ]


def test_the_multiplication_by_g_is_lit_in_every_stage(capture: Capture) -> None:
    found = multiplies_at(capture, line_of(functions.norm, "unit * g"))
    assert len(found) >= 18
    assert [name for name, lit in found.items() if not lit] == []


def test_the_jaxpr_has_the_equations_of_jax(capture: Capture) -> None:
    jaxpr = jax.make_jaxpr(functions.norm)(*SHAPES).jaxpr
    counts = dict(capture["jaxpr"].counts)
    assert counts.pop("operations") == len(jaxpr.eqns)
    assert counts == Counter(equation.primitive.name for equation in jaxpr.eqns)


def test_stablehlo_has_the_operations_of_the_module(capture: Capture) -> None:
    found: Counter[str] = Counter()

    def visit(operation: Any) -> None:
        found[operation.name] += operation.name.startswith("stablehlo.")
        if operation.name != "stablehlo.reduce":  # its body is printed as `applies stablehlo.add`
            for block in (block for region in operation.regions for block in region.blocks):
                for inner in block.operations:
                    visit(inner.operation)

    visit(jax.jit(functions.norm).lower(*SHAPES).compiler_ir().operation)
    counts = dict(capture["StableHLO"].counts)
    assert counts.pop("operations") == found.total()
    assert counts == +found


def test_the_fused_hlo_is_the_program_that_jax_runs(norm: Lowering) -> None:
    module = jax.jit(functions.norm).lower(*SHAPES).compile().runtime_executable().hlo_modules()[0]
    found = Counter(
        re.sub(r"(?<!^)([A-Z])", r"-\1", instruction.opcode.name.removeprefix("k")).lower()
        for computation in module.computations()
        for instruction in computation.instructions()
    )
    runs = {name: number for name, number in found.items() if name not in hlo_text.IDLE}
    counts = norm["xla"]["fused HLO"].counts
    assert {name: counts[name] for name in runs} == runs
    assert counts["operations"] == sum(runs.values())


def test_fusion_decisions_account_for_the_kernels(capture: Capture) -> None:
    before, decisions = capture[capture["fusion decisions"].parent], capture["fusion decisions"]
    after = capture["HLO after fusion"]
    assert decisions.counts["fused"] > 0
    assert decisions.counts["not fused"] > 0
    assert sum(decisions.counts.values()) == len(decisions.text.splitlines())
    into = set(re.findall(r"^Fused \|.*\| into \|(.*)\|$", decisions.text, re.MULTILINE))
    fusions = {name for name, opcode in hlo_text.kernels(after.text) if opcode == "fusion"}
    assert into <= fusions
    assert len(hlo_text.kernels(after.text)) < len(hlo_text.kernels(before.text))


def test_the_thunks_run_the_kernels_of_the_fused_hlo(capture: Capture) -> None:
    kernels = [name for name, _ in hlo_text.kernels(capture["fused HLO"].text)]
    assert capture["fused HLO"].counts["kernels"] == len(kernels)
    assert capture["thunks"].counts["thunks"] == len(kernels)
    assert {line.split()[1] for line in capture["thunks"].text.splitlines()} == set(kernels)
    compiled = [stage.name.removeprefix("assembly of ") for stage in capture.at("assembly")]
    run = re.findall(r"^kernel +(\S+)", capture["thunks"].text, re.MULTILINE)
    assert sorted(compiled) == sorted(run)


def test_without_library_fusion_every_kernel_is_compiled(norm: Lowering) -> None:
    assert norm["xla"].flags.get("xla_cpu_experimental_ynn_fusion_type") is None
    assert norm["xla-plain"].flags["xla_cpu_experimental_ynn_fusion_type"] == ""
    assert "library fusions" not in norm["xla-plain"]["fused HLO"].counts


DUMPING = """
import jax
from tests.lowering_explorer.functions import norm
shapes = jax.ShapeDtypeStruct((8, 64), "float32"), jax.ShapeDtypeStruct((64,), "float32")
jax.jit(norm).lower(*shapes).compile()
"""


def test_the_assembly_has_as_many_instructions_as_the_object_files(norm: Lowering, tmp_path: Path) -> None:
    flags = f"--xla_dump_to={tmp_path}"
    environment = {**os.environ, **ENVIRONMENT, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", DUMPING], env=environment, check=True)
    instructions = 0
    for path in tmp_path.glob("*.o"):
        listing = subprocess.run(["objdump", "-d", path], capture_output=True, text=True, check=True).stdout
        codes = re.findall(r"^ +[0-9a-f]+:\t(?:[0-9a-f]{2} )+ *\t(\w+)", listing, re.MULTILINE)
        instructions += sum(not code.startswith(("nop", "data16", "cs")) for code in codes)
    assert instructions > 100
    assert instructions == sum(stage.counts["instructions"] for stage in norm["xla"].at("assembly"))


def test_llvm_knows_the_width_of_the_vectors_that_run(capture: Capture) -> None:
    for kernel in capture.at("assembly"):
        optimised = capture[kernel.parent]
        bits = 32 * optimised.counts.get("widest float vector in elements", 1)
        assert kernel.counts["widest vector register in bits"] >= min(bits, 128)
