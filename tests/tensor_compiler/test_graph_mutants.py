"""Wrong graph passes, fusion and memory, one at a time: the test that is named beside each must notice it.

A mutant is the package with one place in its source changed. It runs in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tensor_compiler

PACKAGE = Path(str(tensor_compiler.__file__)).parent
ROOT = Path(__file__).parents[2]

MUTANTS = {
    "fusion: a group that needs itself through another": (
        "fusion.py", "and not any(self.depends(other, number) for other in producers - {number})", "",
        "test_expressions.py::test_a_node_does_not_join_a_group_that_it_needs_through_another",
    ),
    "memory: the step that reads a tensor last does not count": (
        "memory.py", "return self.first <= other.last and", "return self.first < other.last and",
        "test_memory.py::test_tensors_that_live_together_do_not_overlap_and_the_peak_keeps_its_bounds",
    ),
    "in place: a later group reads what is written over": (
        "memory.py", "if alive.get(name, (0, -1))[1] != step or", "if name not in alive or",
        "test_memory.py::test_an_input_that_is_read_elsewhere_is_not_written_over",
    ),
    "in place: another stage reads what is written over": (
        "memory.py", "or len(found) != len(own):", "or not own:",
        "test_memory.py::test_an_input_that_is_read_elsewhere_is_not_written_over",
    ),
    "in place: another element is read than is written": (
        "memory.py", "if alike and all(load.indices == last.indices for load in own):", "if alike:",
        "test_memory.py::test_an_input_that_is_read_elsewhere_is_not_written_over",
    ),
    "merge equal nodes: attributes are overlooked": (
        "passes.py", "node.dtype, node.shape, node.attributes)", "node.dtype, node.shape)",
        "test_passes.py::test_nodes_that_differ_in_an_attribute_or_in_order_do_not_merge",
    ),
    "merge equal nodes: subtraction commutes": (
        "passes.py", '("add", "multiply", "maximum", "minimum")', '("add", "multiply", "subtract")',
        "test_passes.py::test_nodes_that_differ_in_an_attribute_or_in_order_do_not_merge",
    ),
    "simplify: permutations are joined the wrong way round": (
        "passes.py", 'before["axes"][axis] for axis in node["axes"]',
        'node["axes"][axis] for axis in before["axes"]',
        "test_passes.py::test_permutations_of_permutations_join_in_order",
    ),
    "fold transposes: the transpose is forgotten": (
        "passes.py", "layouts[side][::-1]", "layouts[side]",
        "test_passes.py::test_a_transpose_goes_into_the_product_that_reads_it",
    ),
    "inline: a reduction recomputes what it reads many times": (
        "stage.py", "if len(used) == len(stage.axes) and len(around) == len(set(used)):", "if True:",
        "test_expressions.py::test_inlining_leaves_what_is_read_more_than_once",
    ),
    "expressions: the index of an extent of 1 is not 0": (
        "stage.py", "Constant(0) if extent == 1 else index for extent, index", "index for extent, index",
        "test_expressions.py::test_an_index_that_broadcasts_is_0",
    ),
    "guards: they are recorded and not checked": (
        "program.py", "if all(evaluate(guard, sizes) for guard in self.traced.guards) else None", "",
        "test_pipeline.py::test_a_guard_that_fails_compiles_once_more_and_both_programs_stay",
    ),
    "guards: the answer that was not taken is recorded": (
        "size.py", "Binary(sign if holds else NEGATED[sign],", "Binary(sign,",
        "test_graph.py::test_sizes_stay_symbolic_and_the_trace_records_what_it_assumed",
    ),
    "trace: two arrays on one address are one literal": (
        "tracer.py", "self.literals[id(array)] = array, tracer", "self.literals[id(array)] = None, tracer",
        "test_graph.py::test_arrays_that_the_function_makes_on_the_way_are_told_apart",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_dies(mutant: str, tmp_path: Path) -> None:
    file, old, new, test = MUTANTS[mutant]
    shutil.copytree(PACKAGE, tmp_path / "tensor_compiler", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "tensor_compiler" / file
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'code'}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"tests/tensor_compiler/{test}"], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "failed" in done.stdout.splitlines()[-1], done.stdout  # a test that fails, not one that is missing
