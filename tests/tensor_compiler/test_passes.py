"""Passes over the graph: what each does, and that none changes what is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.tensor_compiler.functions import RandomFunction, close, functions

import tensor_compiler as tc
import the_block as source
from tensor_compiler.dtype import bf16, f32
from tensor_compiler.graph import Graph, run
from tensor_compiler.passes import (
    PASSES,
    Pass,
    changes,
    drop_dead,
    fold_constants,
    fold_transposes,
    keep_precision,
    merge_equal,
    simplify_graph,
)
from tensor_compiler.size import Size, TensorType
from tensor_compiler.tracer import trace
from the_block.sizes import Size as BlockSize
from the_block.tensors import arguments
from the_block.tolerance import check

SIZE = BlockSize(tokens=5, width=16, hidden=40)
EXACT = [each for each in PASSES if each[0] not in ("keep precision", "fold constants")]


def well_formed(graph: Graph) -> None:
    """Assert that operands come first, names are unique and outputs are distinct nodes."""
    ready = [parameter.name for parameter in graph.parameters]
    for node in graph.nodes:
        assert set(node.names) <= set(ready), str(graph)
        ready.append(node.name)
    assert len(set(ready)) == len(ready)
    assert len(set(graph.outputs)) == len(graph.outputs)
    made = {node.name for node in graph.nodes if node.operator != "literal"}
    assert set(graph.outputs) <= made


@pytest.mark.parametrize(("name", "transform"), PASSES)
@settings(max_examples=60, deadline=None)
@given(function=functions())
def test_a_pass_preserves_what_a_graph_computes(name: str, transform: Pass, function: RandomFunction) -> None:
    graph = trace(function, *function.arrays).graph
    after = transform(graph)
    well_formed(after)
    assert [after.by_name[o].type_text for o in after.outputs] == [
        graph.by_name[o].type_text for o in graph.outputs
    ]
    close(run(after, *function.arrays), run(graph, *function.arrays))
    if (name, transform) in EXACT:
        for one, other in zip(run(after, *function.arrays), run(graph, *function.arrays), strict=True):
            np.testing.assert_array_equal(one, other)
    assert transform(after) == after


@settings(max_examples=100, deadline=None)
@given(function=functions())
def test_all_passes_together_preserve_it_too(function: RandomFunction) -> None:
    weights = function.arrays[1:]
    graph = trace(lambda x: function(x, *weights), function.arrays[0]).graph  # the rest are literals
    for _, transform in PASSES:
        graph = transform(graph)
        well_formed(graph)
    close(run(graph, function.arrays[0]), function.expected())


def after_passes(function: Callable[..., Any], *examples: Any, passes: Any = PASSES) -> Graph:
    graph = trace(function, *examples).graph
    for _, transform in passes:
        graph = transform(graph)
    return graph


def xp(x: Any) -> Any:
    return x.__array_namespace__()


X = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (lambda x: 1 * (x * 1) / 1 - 0, ["result: f32[4, 6] = copy(x)"]),
        (lambda x: x / 8, ["result: f32[4, 6] = x * 0.125"]),
        (lambda x: x / 3, ["result: f32[4, 6] = x / 3.0"]),
        (lambda x: xp(x).negative(-x), ["result: f32[4, 6] = copy(x)"]),
        (lambda x: x.T.T, ["result: f32[4, 6] = copy(x)"]),
        (lambda x: xp(x).reshape(x[None][:, :, None], (24,)), ["result: f32[24] = reshape(x)"]),
        (lambda x: x + 0, ["result: f32[4, 6] = x + 0.0"]),  # -0.0 + 0.0 is 0.0
    ],
)
def test_simplification(function: Callable[..., Any], left: list[str]) -> None:
    graph = drop_dead(simplify_graph(trace(function, X).graph))
    assert [str(node) for node in graph.nodes] == left


def test_equal_nodes_merge_and_a_sum_does_not_know_its_order() -> None:
    graph = trace(lambda x, y: (x + y) * (y + x), X, X).graph
    assert (
        changes(graph, drop_dead(merge_equal(graph)))
        == """\
     add: f32[4, 6] = x + y
-    add_1: f32[4, 6] = y + x
-    result: f32[4, 6] = add * add_1
+    result: f32[4, 6] = add * add
     return result"""
    )


def test_nodes_that_differ_in_an_attribute_or_in_order_do_not_merge() -> None:
    def differing(x: Any, y: Any) -> Any:
        return (x - y) * (y - x) + xp(x).sum(x, axis=0) * xp(x).sum(x, axis=1)

    square = X[:, :4], X[:, 2:]
    graph = trace(differing, *square).graph
    after = merge_equal(graph)
    assert len(after.nodes) == len(graph.nodes)
    close(run(after, *square), (differing(*square),))


def test_permutations_of_permutations_join_in_order() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

    def twice(x: Any) -> Any:
        return xp(x).permute_dims(xp(x).permute_dims(x, (1, 2, 0)), (0, 2, 1))

    graph = drop_dead(simplify_graph(trace(twice, x).graph))
    assert [str(node) for node in graph.nodes] == ["result: f32[3, 2, 4] = permute(x, axes=(1, 0, 2))"]
    close(run(graph, x), (twice(x),))


def test_constants_fold_unless_they_grow() -> None:
    weight = np.arange(6, dtype=np.float32)
    graph = drop_dead(fold_constants(trace(lambda x: x * (2 * weight[:, None]).T, X).graph))
    assert [node.operator for node in graph.nodes] == ["literal", "multiply"]
    np.testing.assert_array_equal(graph.nodes[0]["data"].array, 2 * weight[None, :])

    def outer(x: Any) -> Any:
        xp = x.__array_namespace__()
        w = xp.asarray(weight)
        return x + xp.sum(w[:, None] * w[None, :])

    graph = drop_dead(fold_constants(trace(outer, X).graph))
    assert [node.operator for node in graph.nodes] == ["literal", "literal", "multiply", "sum", "add"]


def test_a_result_that_folds_to_a_literal_is_copied() -> None:
    weight = np.arange(6, dtype=np.float32)

    def constant(x: Any) -> Any:
        return x.__array_namespace__().asarray(weight) * 2

    assert str(fold_constants(trace(constant, X).graph).nodes[-1]).startswith(
        "result_1: f32[6] = copy(result)"
    )
    np.testing.assert_array_equal(tc.compile(constant, X, backend="interpreter")(X), weight * 2)


def test_a_transpose_goes_into_the_product_that_reads_it() -> None:
    def gram(x: Any) -> Any:
        return x @ x.T + x[:, :4].T.T @ x[:4, :4]

    graph = drop_dead(fold_transposes(trace(gram, X).graph))
    products = [str(node) for node in graph.nodes if node.operator == "matmul"]
    assert products[0] == "matmul: f32[4, 4] = matmul(x, x, right=nk)"
    close(run(graph, X), (gram(X),))


def test_weights_are_packed_in_panels_once() -> None:
    arrays = arguments("mlp", SIZE)

    def mlp(x: Any) -> Any:
        return source.mlp(x, *arrays[1:])

    graph = after_passes(mlp, arrays[0])
    literals = {node.name: node.type_text for node in graph.nodes if node.operator == "literal"}
    assert literals == {"g": "f32[16]", "W1_packed": "f32[2, 16, 32]", "W2_packed": "f32[1, 40, 32]"}
    check("mlp", run(graph, arrays[0])[0], arrays)
    compiled = tc.compile(mlp, arrays[0], backend="interpreter")
    check("mlp", compiled(arrays[0]), arrays)
    text = tc.show(compiled.programs[0].schedules[1].history[0])
    assert "W1_packed[j_h // 32, k_h, j_h % 32]" in text


def test_roundings_between_operators_go_and_those_at_the_ends_stay() -> None:
    def chain(a: Any) -> Any:
        return (a * 3 + 1) * a

    a = TensorType(bf16, 8)
    before = trace(chain, a).graph
    after = drop_dead(merge_equal(keep_precision(before)))
    assert [str(node) for node in after.nodes] == [
        "cast: f32[8] = cast(a)",
        "multiply: f32[8] = cast * 3.0",
        "add: f32[8] = multiply + 1.0",
        "multiply_1: f32[8] = add * cast",
        "result: bf16[8] = cast(multiply_1)",
    ]
    numbers = (np.linspace(-2, 2, 8).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    exact = run(after, numbers)[0]
    np.testing.assert_allclose(run(before, numbers)[0], exact, rtol=2**-5, atol=2**-5)


def test_dead_nodes_go_and_parameters_stay() -> None:
    def lazy(x: Any, y: Any) -> Any:
        y * 2
        return x + 1

    graph = drop_dead(trace(lazy, X, X).graph)
    assert [node.name for node in graph.nodes] == ["result"]
    assert [parameter.name for parameter in graph.parameters] == ["x", "y"]


def test_the_passes_leave_the_block_correct_and_shorter() -> None:
    arrays = arguments("block", SIZE)
    before = trace(source.block, *arrays).graph
    after = after_passes(source.block, *arrays)
    check("block", run(after, *arrays)[0], arrays)
    assert (len(before.nodes), len(after.nodes)) == (40, 39)


def test_passes_keep_symbolic_sizes() -> None:
    graph = after_passes(source.attention, TensorType(f32, Size("n", 5), 16),
                         *arguments("attention", SIZE)[1:])  # fmt: skip
    for n in (1, 4):
        arrays = arguments("attention", BlockSize(n, 16, 40))
        check("attention", run(graph, *arrays)[0], arrays)
