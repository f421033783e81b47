"""Memory plans: nothing that lives together overlaps, and no more is taken than stated."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tensor_compiler.functions import RandomFunction, close, functions
from tests.tensor_compiler.test_expressions import execute

import the_block as source
from tensor_compiler.fusion import fuse
from tensor_compiler.memory import Lifetime, Plan, in_place, plan, rounded, spans
from tensor_compiler.stage import inline, staged
from tensor_compiler.tracer import trace
from the_block.sizes import M
from the_block.tensors import arguments


@st.composite
def lifetimes(draw: st.DrawFn) -> list[Lifetime]:
    made = []
    for n in range(draw(st.integers(0, 12))):
        first = draw(st.integers(0, 8))
        made.append(Lifetime(f"t{n}", draw(st.integers(0, 1000)), first, draw(st.integers(first, 9))))
    return made


@settings(max_examples=300, deadline=None)
@given(lifetimes())
def test_tensors_that_live_together_do_not_overlap_and_the_peak_keeps_its_bounds(
    some: list[Lifetime],
) -> None:
    made = plan(some)
    assert made.bound <= made.peak <= made.total
    for one, other in combinations(some, 2):
        if one.meets(other):
            apart = made.offsets[one.name] + one.bytes <= made.offsets[other.name]
            assert apart or made.offsets[other.name] + other.bytes <= made.offsets[one.name]
    for each in some:
        assert made.offsets[each.name] % 64 == 0
        assert made.offsets[each.name] + each.bytes <= made.peak


def planned(name: str) -> tuple[Plan, Plan]:
    """The plan for one of the Block's functions without and with writing in place."""
    graph = trace(getattr(source, name), *arguments(name, M)).graph
    groups = tuple(map(inline, staged(fuse(graph))))

    def of(some: Any) -> Plan:
        nodes = graph.by_name
        sizes = {node: int(nodes[node].shape[0]) * int(nodes[node].shape[1]) * 4 for node in nodes
                 if len(nodes[node].shape) == 2}  # fmt: skip
        return plan(Lifetime(t, sizes[t], *span) for t, span in spans(some, graph.outputs).items())

    return of(groups), of(in_place(groups, graph.outputs))


def test_the_blocks_arena_is_as_small_as_the_busiest_step() -> None:
    plain, _ = planned("block")
    row_block = 256 * 512 * 4  # bytes of x: 256 tokens of 512 floats; the hidden layer is four times that
    assert plain.total == (7 + 4) * row_block
    assert plain.peak == plain.bound == 6 * row_block


def test_a_residual_is_added_in_place() -> None:
    def residual(x: Any, w: Any) -> Any:
        y = x @ w
        y = y + w @ x
        return y @ w

    graph = trace(residual, np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)).graph
    groups = tuple(map(inline, staged(fuse(graph))))
    assert [str(group.stages[-1]).split(" = ")[0].split("[")[0] for group in groups] == ["y", "y_1", "result"]
    reused = in_place(groups, graph.outputs)
    assert str(reused[1].stages[-1]) == "y[i_y_1, j_y_1] = y[i_y_1, j_y_1] + matmul[i_y_1, j_y_1]"
    assert set(spans(reused, graph.outputs)) == {"y"}


def self_product(x: Any, w: Any) -> Any:
    y = x @ w
    return (y + y @ w) @ w  # the product reads all of y


def transposed(x: Any, w: Any) -> Any:
    y = x @ w
    return (w @ x + y.T) @ w


def later(x: Any, w: Any) -> Any:
    y = x @ w
    return (w @ x + y) @ w @ y


@pytest.mark.parametrize("function", [self_product, transposed, later])
def test_an_input_that_is_read_elsewhere_is_not_written_over(function: Any) -> None:
    x, w = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4)).astype(np.float32)
    graph = trace(function, x, w).graph
    groups = tuple(map(inline, staged(fuse(graph))))
    reused = in_place(groups, graph.outputs)
    assert reused[1] == groups[1]
    close(execute(graph, reused, (x, w)), (function(x, w),))


@settings(max_examples=150, deadline=None)
@given(functions(steps=10))
def test_writing_in_place_changes_nothing(function: RandomFunction) -> None:
    graph = trace(function, *function.arrays).graph
    groups = in_place(tuple(map(inline, staged(fuse(graph)))), graph.outputs)
    close(execute(graph, groups, function.arrays), function.expected())


def test_sizes_are_in_whole_cache_lines() -> None:
    assert [rounded(size) for size in (0, 1, 64, 65)] == [0, 64, 64, 128]
