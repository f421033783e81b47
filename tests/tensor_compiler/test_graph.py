"""Traces: the graph of a function, its text, its meaning, and what has no place in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.tensor_compiler.functions import RandomFunction, close, functions

import the_block as source
from tensor_compiler.dtype import bf16, f16, f32, s8, u8
from tensor_compiler.graph import run
from tensor_compiler.printer import show
from tensor_compiler.size import Size, TensorType
from tensor_compiler.tracer import NotTraceable, trace
from the_block.sizes import Size as BlockSize
from the_block.tensors import arguments
from the_block.tolerance import check

SIZE = BlockSize(tokens=5, width=16, hidden=24)


@pytest.mark.parametrize("name", ["rmsnorm", "attention", "mlp", "block"])
def test_the_blocks_functions_trace_unchanged_to_graphs_that_mean_the_same(name: str) -> None:
    function, arrays = getattr(source, name), arguments(name, SIZE)
    (result,) = run(trace(function, *arrays).graph, *arrays)
    check(name, result, arrays)


def test_a_graph_prints_one_line_for_each_operator_with_the_names_of_the_source() -> None:
    graph = trace(source.attention, *arguments("attention", SIZE)).graph
    expected = """\
def attention(x: f32[5, 16], g: f32[16], Wq: f32[16, 16], Wk: f32[16, 16], Wv: f32[16, 16], Wo: f32[16, 16]):
    multiply: f32[5, 16] = x * x
    sum: f32[5, 1] = sum(multiply, axes=(1,), keepdims=True)
    divide: f32[5, 1] = sum / 16.0
    add: f32[5, 1] = divide + 1e-06
    sqrt_1: f32[5, 1] = sqrt(add)
    divide_1: f32[5, 16] = x / sqrt_1
    h: f32[5, 16] = divide_1 * g
    q: f32[5, 16] = matmul(h, Wq)
    k: f32[5, 16] = matmul(h, Wk)
    v: f32[5, 16] = matmul(h, Wv)
    permute: f32[16, 5] = permute(k, axes=(1, 0))
    matmul: f32[5, 5] = matmul(q, permute)
    scores: f32[5, 5] = matmul / 4.0
    position: s64[5] = arange()
    reshape: s64[5, 1] = reshape(position)
    reshape_1: s64[1, 5] = reshape(position)
    greater_equal: bool[5, 5] = reshape >= reshape_1
    scores_1: f32[5, 5] = where(greater_equal, scores, -inf)
    max_1: f32[5, 1] = max(scores_1, axes=(1,), keepdims=True)
    subtract: f32[5, 5] = scores_1 - max_1
    weights: f32[5, 5] = exp(subtract)
    sum_1: f32[5, 1] = sum(weights, axes=(1,), keepdims=True)
    divide_2: f32[5, 5] = weights / sum_1
    matmul_1: f32[5, 16] = matmul(divide_2, v)
    matmul_2: f32[5, 16] = matmul(matmul_1, Wo)
    result: f32[5, 16] = x + matmul_2
    return result"""
    assert str(graph) == expected
    assert trace(source.attention, *arguments("attention", SIZE)).graph == graph


def test_nodes_remember_the_line_of_the_source_that_made_them() -> None:
    graph = trace(source.mlp, *arguments("mlp", SIZE)).graph
    file = inspect.getsourcefile(source.mlp) or ""
    lines = Path(file).read_text().splitlines()
    for name, text in {"h": "rmsnorm(x, g) @ W1", "result": "return x + (h", "sqrt_1": "xp.sqrt("}.items():
        line = graph.by_name[name].line
        assert line is not None
        assert line.file == file
        assert text in lines[line.number - 1]


@settings(max_examples=150, deadline=None)
@given(functions())
def test_a_graph_means_what_numpy_gives(function: RandomFunction) -> None:
    graph = trace(function, *function.arrays).graph
    close(run(graph, *function.arrays), function.expected())


def test_sizes_stay_symbolic_and_the_trace_records_what_it_assumed() -> None:
    def halves(x: Any) -> Any:
        n = x.shape[0]
        return x * 2 if n > 4 else x.reshape((n * 3,)) if n == 4 else x

    wide = TensorType(f32, Size("n", 8), 3)
    traced = trace(lambda x: x * 2 if x.shape[0] > 4 else x, wide)
    assert [show(guard) for guard in traced.guards] == ["n > 4"]
    assert traced.graph.nodes[0].type_text == "f32[n, 3]"
    small = trace(lambda x: x * 2 if x.shape[0] > 4 else x + 1, TensorType(f32, Size("n", 2), 3))
    assert [show(guard) for guard in small.guards] == ["n <= 4"]
    assert [show(g) for g in trace(halves, TensorType(f32, Size("n", 2), 3)).guards] == ["n <= 4", "n != 4"]


def test_asking_for_the_number_of_a_size_fixes_it() -> None:
    traced = trace(lambda x: x / x.shape[0] ** 0.5, TensorType(f32, Size("n", 4), 3))
    assert [show(guard) for guard in traced.guards] == ["n == 4"]
    assert "divide" in str(traced.graph) or "x / 2.0" in str(traced.graph)


def test_a_batch_that_broadcasts_against_1_needs_no_guard() -> None:
    traced = trace(lambda x, g: x * g + 1, TensorType(f32, Size("n", 8), 3), TensorType(f32, 1, 3))
    assert traced.guards == ()


def test_a_mean_over_a_symbolic_extent_divides_by_the_size() -> None:
    def centred(x: Any) -> Any:
        xp = x.__array_namespace__()
        return x - xp.mean(x, axis=0)

    traced = trace(centred, TensorType(f32, Size("n", 4), 3))
    assert traced.guards == ()
    for n in (1, 5):
        x = np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32)
        close(run(traced.graph, x), (centred(x),))


def test_arrays_that_the_function_makes_on_the_way_are_told_apart() -> None:
    def counted(x: Any) -> Any:
        for number in range(20):
            x = x + np.full(3, number, np.float32)
        return x

    x = np.zeros(3, np.float32)
    np.testing.assert_array_equal(run(trace(counted, x).graph, x)[0], counted(x))


def test_narrow_floats_are_stored_and_f32_computes() -> None:
    traced = trace(lambda a, b: a * b + 1, TensorType(bf16, 4), TensorType(bf16, 4))
    text = str(traced.graph)
    assert "multiply: f32[4] = cast * cast_1" in text
    assert traced.graph.by_name[traced.graph.outputs[0]].dtype == bf16
    assert trace(lambda a: a @ a, TensorType(f16, 4, 4)).graph.nodes[0].dtype == f32


def test_integer_matrices_multiply_into_s32() -> None:
    def product(a: Any, b: Any) -> Any:
        xp = a.__array_namespace__()
        return xp.matmul(a, b, dtype=xp.int32)

    a = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    b = np.arange(12, dtype=np.int8).reshape(3, 4) * 10
    traced = trace(product, a, b)
    assert str(traced.graph.nodes[0]) == "result: s32[2, 4] = matmul(a, b)"
    np.testing.assert_array_equal(run(traced.graph, a, b)[0], a.astype(int) @ b.astype(int))


def test_bf16_rounds_to_the_nearest_even() -> None:
    numbers = np.array([1.0, 1.00390625, 1.01171875, -3.14159], np.float32)
    traced = trace(lambda x: x.__array_namespace__().astype(x, "bfloat16"), numbers)
    assert run(traced.graph, numbers)[0].tolist() == [1.0, 1.0, 1.015625, -3.140625]


def xp(x: Any) -> Any:
    return x.__array_namespace__()


X, Y = TensorType(f32, 4, 3), TensorType(f32, 4, 5)
REFUSALS: list[tuple[Callable[..., Any], tuple[TensorType, ...], str]] = [
    (lambda x: x if x.__array_namespace__().sum(x) > 0 else -x, (X,),
     "the branch depends on the numbers of an array, which a trace does not know: "
     "choose with where(condition, a, b)"),
    (lambda x, y: x + y, (X, Y),
     "'add' of [4, 3] and [4, 5]: the extents 3 and 5 differ, make them equal or 1"),
    (lambda x, y: x @ y, (X, Y),
     "'matmul' of [4, 3] and [4, 5]: the inner extents 3 and 4 differ, make them equal"),
    (lambda x, y: x + y, (X, TensorType(f16, 4, 3)),
     "'add' of f16 and f32: cast one of them with astype"),
    (lambda x, y: x @ y, (X, TensorType(f16, 3, 3)),
     "'matmul' of f32 and f16: cast one of them with astype"),
    (lambda x: x @ x, (TensorType(s8, 3, 3),),
     "the product of s8 matrices overflows s8: ask for matmul(a, b, dtype=int32)"),
    (lambda x: x / 2, (TensorType(u8, 3),), "'divide' is of floats, not of u8: cast with astype first"),
    (lambda x: x + 300, (TensorType(u8, 3),),
     "'add' of u8 and 300, which u8 does not hold: cast the array first"),
    (lambda x: x + 0.5, (TensorType(s8, 3),),
     "'add' of s8 and 0.5, which s8 does not hold: cast the array first"),
    (lambda x: x // 2, (X,), "'floor_divide' is of integers, not of f32: cast with astype first"),
    (lambda x: xp(x).where(x, x, 0), (X,),
     "the first argument of 'where' is no bool array: compare something"),
    (lambda x: (x > 0) + 1, (X,), "'add' is not of bool: choose numbers with where first"),
    (lambda x: x & x, (X,), "'logical_and' is of bool, not of f32: compare with 0 first"),
    (lambda x: float(x[0, 0]), (X,),
     "the function asks for the number in an array, which a trace does not know: keep the array"),
    (lambda x: [row for row in x], (X,),  # noqa: C416
     "a loop over an array has no place in a graph: index or reduce it"),
    (lambda x: x[::-1], (X,), "a slice with the step -1 is not supported: use a positive one"),
    (lambda x: x[4], (X,), "the index 4 is outside of 4 elements"),
    (lambda x: x[x > 0], (X,), "an index that is a Tracer is not supported: use ints, slices, None"),
    (lambda x: x[0, 0, 0], (X,), "3 indices for 2 dimension(s): drop some"),
    (lambda x: xp(x).sum(x, axis=2), (X,), "there is no axis 2 of 2 dimension(s): name one there is"),
    (lambda x: xp(x).sum(x > 0), (X,), "'sum' of bool: cast it with astype first"),
    (lambda x: xp(x).mean(x), (TensorType(s8, 3),), "the mean of s8 is no s8: cast it to float32 first"),
    (lambda x: xp(x).reshape(x, (5, 2)), (X,),
     "reshape of [4, 3] to [5, 2]: the number of elements differs"),
    (lambda x: xp(x).permute_dims(x, (0, 0)), (X,), "(0, 0) is no order of 2 axes: name each once"),
    (lambda x: x.T, (TensorType(f32, 2, 2, 2),), "T is of 2 dimensions, not of 3: use permute_dims or mT"),
    (lambda x: x.cumsum(), (X,), "an array has no 'cumsum' here: use the array API's functions"),
    (lambda x: x @ 2.0, (X,), "a matrix product is of two arrays: multiply by a number with *"),
    (lambda x: x + "a", (X,), "'add' of a str: pass arrays and numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "types", "message"), REFUSALS)
def test_what_has_no_place_in_a_graph_is_refused_in_one_sentence(
    function: Callable[..., Any], types: tuple[TensorType, ...], message: str
) -> None:
    with pytest.raises(NotTraceable) as refusal:
        trace(function, *types)
    sentence, _, where = str(refusal.value).rpartition(" (")
    assert sentence == message
    assert where == f"test_graph.py, line {function.__code__.co_firstlineno})"


def test_a_number_of_numpy_is_a_literal_and_arithmetic_of_numbers_is_theirs() -> None:
    weights = np.float32([0.5, 2.0])
    array = np.ones((4, 3), np.float32)

    def function(x: Any) -> Any:
        namespace = xp(x)
        return x * namespace.tanh(namespace.add(weights[0], 0.0)), weights[1]

    traced = trace(function, array)
    scaled, second = run(traced.graph, array)
    np.testing.assert_allclose(scaled, array * np.tanh(np.float32(0.5)), rtol=1e-6)
    assert (second, second.dtype, second.shape) == (2.0, np.float32, ())


def test_a_function_that_is_not_supported_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotTraceable, match=r"^'cumulative_sum' is not supported: write it with one of abs, "):
        trace(lambda x: xp(x).cumulative_sum(x), X)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 3, "the function returns a int: return arrays made from its arguments"),
        (lambda x: x > 0, "the function returns bool: return where(mask, 1, 0) of a dtype with numbers"),
    ],
)
def test_what_cannot_be_returned_is_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(NotTraceable) as refusal:
        trace(function, X)
    assert str(refusal.value) == message


def test_arguments_without_a_type_are_refused() -> None:
    with pytest.raises(NotTraceable) as refusal:
        trace(lambda x: x, [1, 2])
    assert str(refusal.value) == "argument 0 is a list: pass a numpy array or a TensorType"
    with pytest.raises(NotTraceable) as refusal:
        trace(lambda x: x, np.zeros(3, bool))
    assert str(refusal.value) == "argument 0 is bool: pass uint8 and compare it with 0"


def test_an_assignment_into_an_array_is_refused() -> None:
    def assign(x: Any) -> Any:
        x[0] = 1
        return x

    with pytest.raises(NotTraceable, match="an array being traced cannot be written to: make a new one with"):
        trace(assign, X)
