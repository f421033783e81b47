"""Wrong primitives and wrong checks, one at a time: the fuzz must notice each, without any golden text.

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
PROGRAMS = 400  # at most; a mutant dies at the first program that shows it

MUTANTS = {
    "split: the guard of the last block is dropped": (
        "primitives/split.py",
        "body = (If(Binary(\"<\", at, old.upper), body),)",
        "pass",
    ),
    "split: what a cut leaves over is forgotten": (
        "primitives/split.py",
        "new = (*new, *renamed_copy(function, (rest,), \"t\"))",
        "pass",
    ),
    "reorder: no dependence is looked at": (
        "primitives/reorder.py",
        "verdict = independent(",
        "verdict = PROVED if True else independent(",
    ),
    "reorder: a bound that depends on the outer loop is overlooked": (
        "primitives/reorder.py",
        "if outer in free_names(second.lower) | free_names(second.upper):",
        "if False:",
    ),
    "reorder: a parallel loop that moves out is not looked at again": (
        "primitives/reorder.py",
        'if second.kind in ("parallel", "vectorized"):',
        "if False:",
    ),
    "rfactor: the partial results do not start at the identity": (
        "dtype.py",
        "\"max\": least",
        "\"max\": 0",
    ),
    "rfactor: a reduction that is read in the loop is factored": (
        "primitives/rfactor.py",
        "if guilty := {each: \"\" for each in touching if each != here}:",
        "if guilty := {}:",
    ),
    "dependence: what is reduced counts as free in parallel loops": (
        "dependence.py",
        "if reductions and both.startswith",
        "if both.startswith",
    ),
    "dependence: what is read before it is written is overlooked": (
        "dependence.py",
        "or both == READS:",
        "or READS in (first.kind, second.kind):",
    ),
    "dependence: all memory is private to the loops around its accesses": (
        "dependence.py",
        "private = private_loops(function, first.buffer.name)",
        "private = frozenset(first.names)",
    ),
    "system: an inequality is rounded the wrong way": (
        "system.py",
        "constant = row.get(\"\", 0) // divisor",
        "constant = -(-row.get(\"\", 0) // divisor)",
    ),
    "cache_write: what the loop writes does not go back": (
        "primitives/cache.py",
        "(work.copy(\"_out\", into=False),))",
        "())",
    ),
    "cache_write: a loop that skips elements copies them too": (
        "primitives/cache.py",
        "if not any(map(self.filled, candidates)):",
        "if False:",
    ),
    "compute_at: the box is short of its last element": (
        "region.py",
        "count = combine(combine(high, low, -1), Linear((), 1), 1)",
        "count = combine(combine(high, low, -1), Linear((), 0), 1)",
    ),
    "compute_at, inline: what an earlier iteration left is forgotten": (
        "legality.py",
        "if loop.name not in private]:",
        "if False]:",
    ),
    "inline: the value is taken after its inputs changed": (
        "primitives/inline.py",
        "    if changed:",
        "    if False:",
    ),
    "merge: an element is used before it is made": (
        "primitives/distribute.py",
        "verdict = independent(merged, late, early,",
        "verdict = independent(merged, [], early,",
    ),
    "decompose_reduction: a later initialisation wipes out an earlier result": (
        "primitives/distribute.py",
        "relations[loop.name] = EQUAL",
        "return PROVED",
    ),
}  # fmt: skip


def fuzzed(folder: Path) -> subprocess.CompletedProcess[str]:
    """The fuzz on the package in `folder`."""
    command = [sys.executable, "-m", "tests.tensor_compiler.fuzz", "--seed", "0", "--compile", "0"]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [*command, "--programs", str(PROGRAMS)], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_dies(mutant: str, tmp_path: Path) -> None:
    file, old, new = MUTANTS[mutant]
    shutil.copytree(PACKAGE, tmp_path / "tensor_compiler", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "tensor_compiler" / file
    text = source.read_text()
    assert text.count(old) == 1
    mutated = text.replace(old, new)
    if "PROVED" in new:
        mutated = mutated.replace("import AFTER, BEFORE,", "import PROVED, AFTER, BEFORE,")
    source.write_text(mutated)
    done = fuzzed(tmp_path)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("seed "), done.stderr  # a wrong result that the fuzz reports, not a crash
    assert "Traceback" not in done.stderr, done.stderr
