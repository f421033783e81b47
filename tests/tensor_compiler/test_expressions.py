"""Fusion, tensor expressions and their naive loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.tensor_compiler.functions import RandomFunction, close, functions

import the_block as source
from tensor_compiler.affine import evaluate
from tensor_compiler.dtype import f32
from tensor_compiler.expression import as_index
from tensor_compiler.fusion import fuse, materialised
from tensor_compiler.graph import Graph
from tensor_compiler.interpreter import interpret
from tensor_compiler.parser import parse
from tensor_compiler.printer import show
from tensor_compiler.size import Size, TensorType
from tensor_compiler.stage import Staged, inline, staged
from tensor_compiler.tracer import trace
from the_block.block import softmax
from the_block.sizes import Size as BlockSize
from the_block.tensors import arguments

SIZE = BlockSize(tokens=5, width=16, hidden=24)


def groups_of(name: str) -> tuple[Staged, ...]:
    return staged(fuse(trace(getattr(source, name), *arguments(name, SIZE)).graph))


def execute(graph: Graph, groups: tuple[Staged, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outputs of the loop functions of `groups`, interpreted one after the other."""
    memory = {parameter.name: array for parameter, array in zip(graph.parameters, arrays, strict=True)}
    for node in graph.nodes:
        if node.operator == "literal":
            memory[node.name] = node["data"].array
    for group in groups:
        for buffer in group.function.buffers:
            shape = tuple(evaluate(as_index(extent), {}) for extent in buffer.shape)
            memory.setdefault(buffer.name, np.zeros(shape, buffer.dtype.storage))
        read = set(group.outputs) - set(group.inputs)
        interpret(group.function, *(memory[b.name] for b in group.function.buffers), uninitialised=read)
    return tuple(memory[name] for name in graph.outputs)


def test_the_block_becomes_nine_groups() -> None:
    patterns = [(group.pattern, len(group.stages)) for group in groups_of("block")]
    assert patterns == [
        ("rows", 7), ("matmul", 1), ("matmul", 1), ("matmul", 1), ("attention", 9), ("matmul", 2),
        ("rows", 7), ("matmul", 5), ("matmul", 2),
    ]  # fmt: skip


def test_a_group_prints_as_one_expression_for_each_operator() -> None:
    (group,) = groups_of("rmsnorm")
    assert (
        str(group)
        == """\
rows_result:
    multiply[i_multiply, j_multiply] = x[i_multiply, j_multiply] * x[i_multiply, j_multiply]
    sum[i_sum, 0] = sum(multiply[i_sum, j_sum] for j_sum < 16)
    divide[i_divide, 0] = sum[i_divide, 0] / 16.0
    add[i_add, 0] = divide[i_add, 0] + 1e-06
    sqrt_1[i_sqrt_1, 0] = sqrt(add[i_sqrt_1, 0])
    divide_1[i_divide_1, j_divide_1] = x[i_divide_1, j_divide_1] / sqrt_1[i_divide_1, 0]
    result[i_result, j_result] = divide_1[i_result, j_result] * g[j_result]"""
    )
    assert group.loops["sum"] == ("i_sum", "j_sum")
    assert group.lines["sqrt_1"].number == group.lines["result"].number


def test_inlining_leaves_what_is_read_more_than_once() -> None:
    (group,) = map(inline, groups_of("rmsnorm"))
    assert (
        show(group.function)
        == """\
def rows_result(x: f32[5, 16], g: f32[16], result: f32[5, 16]):
    sum = scratch(f32[5, 1])
    sqrt_1 = scratch(f32[5, 1])
    for i_sum in serial(5):
        sum[i_sum, 0] = 0.0
        for j_sum in serial(16):
            sum[i_sum, 0] += x[i_sum, j_sum] * x[i_sum, j_sum]
    for i_sqrt_1 in serial(5):
        sqrt_1[i_sqrt_1, 0] = sqrt(sum[i_sqrt_1, 0] / 16.0 + 1e-06)
    for i_result in serial(5):
        for j_result in serial(16):
            result[i_result, j_result] = x[i_result, j_result] / sqrt_1[i_result, 0] * g[j_result]"""
    )


def test_the_mask_of_attention_is_recomputed_not_stored() -> None:
    attention = next(group for group in groups_of("attention") if group.pattern == "attention")
    assert "if i_scores_1 >= j_scores_1 else -inf" in str(attention)
    assert set(attention.inputs) == {"q", "k", "v"}


def test_rows_that_something_else_reads_are_no_attention() -> None:
    def both(x: Any, v: Any) -> Any:
        weights = softmax(x @ x.T)
        return weights @ v, weights

    graph = trace(both, np.zeros((4, 3), np.float32), np.zeros((4, 2), np.float32)).graph
    assert [group.pattern for group in fuse(graph).groups] == ["matmul", "rows", "matmul"]


def test_what_follows_a_product_and_goes_into_rows_belongs_to_the_rows() -> None:
    graph = trace(source.block, *arguments("block", SIZE)).graph
    product = next(group for group in fuse(graph).groups if "x_1" in group.nodes)
    assert product.nodes == ("matmul_2", "x_1")


def test_a_node_does_not_join_a_group_that_it_needs_through_another() -> None:
    def through(x: Any, w: Any) -> Any:
        a = x * 2
        return a + a @ w

    x, w = np.ones((4, 6), np.float32), np.ones((6, 1), np.float32)
    graph = trace(through, x, w).graph
    fusion = fuse(graph)
    assert [group.pattern for group in fusion.groups] == ["elementwise", "matmul", "elementwise"]
    close(execute(graph, staged(fusion), (x, w)), (through(x, w),))


def test_what_is_read_twice_is_not_computed_twice() -> None:
    def square(x: Any) -> Any:
        e = x.__array_namespace__().exp(x)
        return e * e

    (group,) = map(inline, staged(fuse(trace(square, np.ones(3, np.float32)).graph)))
    assert [str(stage) for stage in group.stages] == ["e[i_e] = exp(x[i_e])", "result[i_result] = "
                                                      "e[i_result] * e[i_result]"]  # fmt: skip


def test_an_index_that_broadcasts_is_0() -> None:
    def masked(x: Any) -> Any:
        xp = x.__array_namespace__()
        return xp.where(xp.arange(1) > 0, x, 0.0)

    x = np.ones(4, np.float32)
    graph = trace(masked, x).graph
    close(execute(graph, staged(fuse(graph)), (x,)), (masked(x),))


@settings(max_examples=150, deadline=None)
@given(functions())
def test_the_loops_of_any_graph_compute_it(function: RandomFunction) -> None:
    graph = trace(function, *function.arrays).graph
    fusion = fuse(graph)
    placed = [name for group in fusion.groups for name in group.nodes]
    assert sorted(placed) == sorted(node.name for node in materialised(graph))
    groups = staged(fusion)
    close(execute(graph, groups, function.arrays), function.expected())
    close(execute(graph, tuple(map(inline, groups)), function.arrays), function.expected())
    for group in groups:
        assert parse(show(group.function)) == group.function


@settings(max_examples=100, deadline=None)
@given(functions())
def test_groups_read_only_what_earlier_groups_made(function: RandomFunction) -> None:
    graph = trace(function, *function.arrays).graph
    ready = {parameter.name for parameter in graph.parameters}
    for group in staged(fuse(graph)):
        assert set(group.inputs) <= ready
        ready |= set(group.outputs)
    assert set(graph.outputs) <= ready


def test_a_symbolic_extent_becomes_a_size_of_the_function() -> None:
    graph = trace(source.rmsnorm, TensorType(f32, Size("n", 5), 16), TensorType(f32, 16)).graph
    (group,) = staged(fuse(graph))
    assert show(group.function).startswith(
        "def rows_result(x: f32[n, 16], g: f32[16], result: f32[n, 16], n: s64):"
    )


@pytest.mark.parametrize("axis", [0, (0, 1), None])
def test_reductions_along_other_axes_end_their_group(axis: Any) -> None:
    def total(x: Any) -> Any:
        return x.__array_namespace__().sum(x * 2, axis=axis) + 1

    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    graph = trace(total, x).graph
    assert [group.pattern for group in fuse(graph).groups] == ["reduction"]
    close(execute(graph, staged(fuse(graph)), (x,)), (total(x),))
