"""Walking, rebuilding and naming."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.tensor_compiler.programs import programs
from tests.tensor_compiler.test_text import MATMUL

from tensor_compiler import parse, show
from tensor_compiler.dtype import f32
from tensor_compiler.expression import Binary, Buffer, Constant, Expression, Load, Variable
from tensor_compiler.statement import For, Function, If, Statement, Store
from tensor_compiler.traversal import (
    bound_names,
    enclosing_loops,
    find_buffer,
    find_loop,
    free_names,
    fresh_name,
    loads,
    map_buffers,
    map_expressions,
    map_statements,
    rename,
    replace_at,
    statement_at,
    substitute,
    walk,
    writes,
)

matmul = parse(MATMUL)
BRANCHES = parse(
    "def f(A: f32[4]):\n"
    "    if 1 < 2:\n        A[0] = 0.0\n        A[1] = 1.0\n    else:\n        A[2] = 2.0\n"
)


@settings(max_examples=100, deadline=None)
@given(programs())
def test_identities_give_the_same_program(program: Function) -> None:
    assert map_expressions(lambda expression: expression, program) is program
    assert map_statements(lambda statement: statement, program) == program
    assert map_buffers(lambda buffer: buffer, program) == program
    for path, statement in walk(program):
        assert statement_at(program, path) == statement
        assert replace_at(program, path, (statement,)) == program
    assert free_names(program) == set()


@settings(max_examples=100, deadline=None)
@given(programs())
def test_renaming_and_back_gives_the_same_program(program: Function) -> None:
    there = {name: f"{name}_new" for name in bound_names(program)}
    renamed = rename(program, there)
    assert bound_names(renamed) == set(there.values())
    assert show(renamed) != show(program)
    assert rename(renamed, {new: old for old, new in there.items()}) == program


def test_loops_are_found_by_name() -> None:
    path, loop = find_loop(matmul, "k")
    assert path == (0, 0, 1)
    assert [outer.name for outer in enclosing_loops(matmul, path)] == ["i", "j"]
    assert [outer.name for outer in enclosing_loops(matmul, (*path, 0))] == ["i", "j", "k"]
    assert free_names(loop) == {"A", "B", "C", "i", "j"}
    assert bound_names(matmul) == {"A", "B", "C", "i", "j", "k"}
    with pytest.raises(LookupError) as caught:
        find_loop(matmul, "x")
    assert caught.value.args == ("there is no loop 'x': choose one of i, j, k",)
    with pytest.raises(LookupError) as caught:
        find_buffer(matmul, "x")
    assert caught.value.args == ("there is no buffer 'x': choose one of A, B, C",)


def test_paths_count_through_both_branches() -> None:
    assert [path for path, _ in walk(BRANCHES)] == [(0,), (0, 0), (0, 1), (0, 2)]
    gone = replace_at(BRANCHES, (0, 2), ())
    assert show(gone) == "def f(A: f32[4]):\n    if 1 < 2:\n        A[0] = 0.0\n        A[1] = 1.0"
    marked = show(BRANCHES, {(0, 2): "third"})
    assert [line for line in marked.split("\n") if line.startswith(">")] == [">         A[2] = 2.0  # third"]


def test_substitution_reaches_bounds_indices_and_values() -> None:
    loop = For("k", Variable("i"), Variable("n"), "serial", find_loop(matmul, "k")[1].body)
    there = substitute(loop, {"i": Constant(3), "n": Variable("m") + 1})
    assert show(there) == "for k in serial(3, m + 1):\n    C[3, j] += A[3, k] * B[k, j]"


def test_statements_splice() -> None:
    def twice(statement: Statement) -> Statement | tuple[Statement, ...]:
        return (statement, statement) if isinstance(statement, Store) else statement

    assert len(list(writes(map_statements(twice, matmul)))) == 3
    emptied = map_statements(lambda s: () if isinstance(s, Store) else s, BRANCHES)
    assert emptied.body == (If(BRANCHES.body[0].condition, ()),)


def test_buffers_change_where_declared_and_used() -> None:
    def wider(buffer: Buffer) -> Buffer:
        return Buffer("P", f32, (8, 32), "parameter") if buffer.name == "B" else buffer

    changed = map_buffers(wider, matmul)
    assert find_buffer(changed, "P").extents == (8, 32)
    assert {load.buffer.name for load in loads(changed)} == {"A", "P"}


def test_expressions_are_mapped_inside_out() -> None:
    seen: list[str] = []

    def look(expression: Expression) -> Expression:
        seen.append(show(expression))
        return expression

    map_expressions(look, Binary("+", Load(Buffer("A", f32, (4,)), (Variable("i"),)), Constant(1, f32)))
    assert seen == ["i", "A[i]", "1.0", "A[i] + 1.0"]


def test_fresh_names_count_up() -> None:
    assert fresh_name("i", {"j"}) == "i"
    assert fresh_name("i", {"i", "i_1"}) == "i_2"
    assert replace(find_loop(matmul, "i")[1], name="i_1") != find_loop(matmul, "i")[1]


def test_importing_loads_no_framework() -> None:
    source = "import sys, tensor_compiler; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    code = Path(__file__).parents[2] / "code"
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(code)},
    )
    loaded = done.stdout.split()
    assert {"numpy", "tensor_compiler"} <= set(loaded)
    assert not {"jax", "jaxlib", "torch", "tvm", "triton", "sphinx", "scipy"} & set(loaded)
