"""The whole pipeline: functions of the array API on numpy arrays, guards, caches, refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.tensor_compiler.functions import RandomFunction, close, functions

import tensor_compiler as tc
import the_block as source
from tensor_compiler.arguments import BadArgument
from tensor_compiler.dtype import f32
from tensor_compiler.passes import PASSES
from tensor_compiler.pipeline import NO_MACHINE
from tensor_compiler.rules import RULES, Rule, provable
from tensor_compiler.schedule import Schedule
from tensor_compiler.size import Size, TensorType
from tensor_compiler.stage import Staged
from tensor_compiler.target import Target
from the_block.sizes import Size as BlockSize
from the_block.tensors import arguments
from the_block.tolerance import check

SIZE = BlockSize(tokens=5, width=16, hidden=24)
BLOCK = ["rmsnorm", "attention", "mlp", "block"]


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENSOR_COMPILER_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield


@pytest.mark.parametrize("backend", ["c", "interpreter"])
@pytest.mark.parametrize("name", BLOCK)
def test_the_blocks_functions_give_what_the_oracle_gives(name: str, backend: Any) -> None:
    arrays = arguments(name, SIZE)
    check(name, tc.compile(getattr(source, name), *arrays, backend=backend)(*arrays), arrays)


@pytest.mark.parametrize("name", BLOCK)
def test_one_program_serves_every_number_of_tokens(name: str) -> None:
    weights = arguments(name, SIZE)[1:]
    compiled = tc.compile(
        getattr(source, name), TensorType(f32, Size("tokens", 5), 16), *weights, backend="interpreter"
    )
    for count in (5, 1, 3, 5):
        arrays = arguments(name, replace(SIZE, tokens=count))
        check(name, compiled(*arrays), arrays)
    assert compiled.counts == {"calls": 4, "compilations": 1, "guard_failures": 0}
    assert [list(program.frames) for program in compiled.programs] == [[(5,), (1,), (3,)]]


@settings(max_examples=60, deadline=None)
@given(functions())
def test_any_function_gives_what_numpy_gives(function: RandomFunction) -> None:
    result = tc.compile(function, *function.arrays, backend="interpreter")(*function.arrays)
    close(result if isinstance(result, tuple) else (result,), function.expected())


@settings(max_examples=8, deadline=None)
@given(functions())
def test_c_gives_what_numpy_gives(function: RandomFunction) -> None:
    result = tc.compile(function, *function.arrays)(*function.arrays)
    close(result if isinstance(result, tuple) else (result,), function.expected())


def test_a_guard_that_fails_compiles_once_more_and_both_programs_stay() -> None:
    def padded(x: Any) -> Any:
        return x * 2 if x.shape[0] > 2 else x + 1

    compiled = tc.compile(padded, TensorType(f32, Size("n", 8), 2), backend="interpreter")
    for n, factor, term in ((8, 2, 0), (2, 1, 1), (3, 2, 0), (1, 1, 1)):
        x = np.ones((n, 2), np.float32)
        np.testing.assert_array_equal(compiled(x), x * factor + term)
    assert compiled.counts == {"calls": 4, "compilations": 2, "guard_failures": 1}
    assert [tc.show(program.traced.guards[0]) for program in compiled.programs] == ["n > 2", "n <= 2"]


def test_static_shapes_and_dtypes_are_guards_too() -> None:
    compiled = tc.compile(lambda x: x + 1, backend="interpreter")
    for x in (
        np.zeros(3, np.float32),
        np.zeros(4, np.float32),
        np.zeros(3, np.int32),
        np.ones(3, np.float32),
    ):
        result = compiled(x)
        assert result.dtype == x.dtype
        np.testing.assert_array_equal(result, x + 1)
    assert compiled.counts == {"calls": 4, "compilations": 3, "guard_failures": 2}


def test_results_are_new_arrays_or_those_given() -> None:
    x = np.arange(4, dtype=np.float32)
    compiled = tc.compile(lambda x: (x + 1, x * 2), x)
    first, second = compiled(x), compiled(x)
    assert not any(np.may_share_memory(a, b) for a in first for b in second)
    out = (np.empty(4, np.float32), np.empty(4, np.float32))
    assert all(a is b for a, b in zip(compiled(x, out=out), out, strict=True))
    np.testing.assert_array_equal(out[1], x * 2)
    with pytest.raises(
        BadArgument, match=r"^out for 'result' and 'x' share memory: pass an array of its own$"
    ):
        tc.compile(lambda x: x + 1, x)(x, out=x)
    with pytest.raises(BadArgument, match=r"^out for '.*' and '.*' share memory: pass an array of its own$"):
        compiled(x, out=(out[0], out[0]))
    with pytest.raises(BadArgument, match=r"^there are 2 results: pass as many arrays as out, not 1$"):
        compiled(x, out=[out[0]])


def test_an_array_for_the_result_must_fit() -> None:
    x = np.zeros((2, 3), np.float32)
    compiled = tc.compile(lambda x: x + 1, x, backend="interpreter")
    frozen = np.zeros((2, 3), np.float32)
    frozen.flags.writeable = False
    for out, message in [
        (
            np.zeros((3, 2), np.float32),
            "out for 'result' is [3, 2], the result [2, 3]: pass one of its shape",
        ),
        (np.zeros((2, 3)), "'result' is an array of float64: convert it with .astype('float32')"),
        (frozen, "out for 'result' is read-only: pass a writable array"),
    ]:
        with pytest.raises(BadArgument) as refusal:
            compiled(x, out=out)
        assert str(refusal.value) == message
    with pytest.raises(BadArgument, match=r"^'x' is not in row-major order"):
        compiled(np.zeros((3, 2), np.float32).T)


@pytest.mark.parametrize("name", ["attention", "mlp"])
def test_compiled_loops_serve_every_number_of_tokens(name: str) -> None:
    weights = arguments(name, SIZE)[1:]
    compiled = tc.compile(getattr(source, name), TensorType(f32, Size("tokens", 5), 16), *weights)
    for count in (5, 1, 33, 2):
        arrays = arguments(name, replace(SIZE, tokens=count))
        check(name, compiled(*arrays), arrays)
    assert compiled.counts["compilations"] == 1


@pytest.mark.parametrize("packed", [False, True])
def test_integer_products_are_exact(packed: bool) -> None:
    random = np.random.default_rng(0)
    a = random.integers(0, 255, (7, 33)).astype(np.uint8)
    b = random.integers(-128, 127, (33, 64)).astype(np.int8)

    def product(a: Any, b: Any) -> Any:
        xp = a.__array_namespace__()
        return xp.matmul(a, b, dtype=xp.int32)

    result = tc.compile(lambda a: product(a, b), a)(a) if packed else tc.compile(product, a, b)(a, b)
    np.testing.assert_array_equal(result, a.astype(np.int32) @ b.astype(np.int32))


def test_bf16_comes_and_goes_as_its_bits() -> None:
    x, g = (array.view(np.uint32) >> 16 for array in arguments("rmsnorm", SIZE))
    x, g = x.astype(np.uint16), g.astype(np.uint16)
    result = tc.compile(source.rmsnorm, x, g)(x, g)
    assert result.dtype == np.uint16
    wide, scale, found = ((each.astype(np.uint32) << 16).view(np.float32) for each in (x, g, result))
    check("rmsnorm", found, [wide, scale], "bfloat16")


def test_f16_is_computed_in_f32() -> None:
    arrays = [array.astype(np.float16) for array in arguments("block", SIZE)]
    check("block", tc.compile(source.block, *arrays, backend="interpreter")(*arrays), arrays, "float16")


def test_calls_from_many_threads_do_not_share_the_arena_at_once() -> None:
    arrays = arguments("block", SIZE)
    compiled = tc.compile(source.block, *arrays, threads=1)
    expected = compiled(*arrays)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: compiled(*arrays), range(40)))
    assert all((result == expected).all() for result in results)


def test_a_parameter_and_a_constant_are_returned_as_copies() -> None:
    weight = np.arange(3, dtype=np.float32)
    x = np.ones(3, np.float32)
    same, again, held = tc.compile(
        lambda x: (x, x, x.__array_namespace__().asarray(weight)), x, backend="interpreter"
    )(x)
    assert not np.may_share_memory(same, x)
    np.testing.assert_array_equal(np.stack([same, again, held]), np.stack([x, x, weight]))


def test_the_function_may_hold_on_to_its_weights() -> None:
    arrays = arguments("mlp", SIZE)
    compiled = tc.compile(lambda x: source.mlp(x, *arrays[1:]), arrays[0], backend="interpreter")
    check("mlp", compiled(arrays[0]), arrays)
    literals = [node.name for node in compiled.programs[0].graph.nodes if node.operator == "literal"]
    assert literals == ["g", "W1_packed", "W2_packed"]


def test_sizes_that_disagree_are_refused() -> None:
    symbolic = TensorType(f32, Size("n", 4))
    compiled = tc.compile(lambda x, y: x + y, symbolic, symbolic, backend="interpreter")
    with pytest.raises(BadArgument) as refusal:
        compiled(np.zeros(3, np.float32), np.zeros(4, np.float32))
    assert str(refusal.value) == (
        "the size n is 3 in one argument and 4 in argument 1: pass arrays that agree"
    )
    with pytest.raises(BadArgument, match=r"^the function takes 2 arrays, not 1: pass as many$"):
        compiled(np.zeros(3, np.float32))
    with pytest.raises(BadArgument, match=r"^argument 0 has 2 dimension\(s\), its example 1: reshape it$"):
        compiled(np.zeros((3, 1), np.float32), np.zeros(3, np.float32))


def test_a_rule_is_chosen_by_the_name_of_the_group_before_its_pattern() -> None:
    seen: list[tuple[str, str]] = []

    def rule(label: str) -> Rule:
        def unrolled(schedule: Schedule, group: Staged, target: Target) -> None:
            seen.append((label, group.name))
            schedule.unroll(group.loops[group.stages[0].buffer.name][-1])

        return unrolled

    arrays = arguments("mlp", SIZE)
    rules = {"matmul": rule("pattern"), "matmul_result": rule("name")}
    compiled = tc.compile(source.mlp, *arrays, schedules=rules, backend="interpreter")
    assert seen == [("pattern", "matmul_divide_2"), ("name", "matmul_result")]
    traces = [[str(step) for step in schedule.trace] for schedule in compiled.programs[0].schedules]
    assert traces[1:] == [["unroll(loop='k_h')"], ["unroll(loop='k_matmul')"]]
    check("mlp", compiled(*arrays), arrays)


PROVABLE = dict.fromkeys(RULES, provable)


def test_the_last_rung_takes_what_is_proved_and_leaves_the_rest() -> None:
    def traces(name: str) -> list[list[str]]:
        compiled = tc.compile(
            getattr(source, name), *arguments(name, SIZE), backend="interpreter", schedules=PROVABLE
        )
        return [[str(step) for step in schedule.trace] for schedule in compiled.programs[0].schedules]

    assert traces("rmsnorm") == [[
        "vectorize(loop='j_sum')", "parallel(loop='i_sum')", "vectorize(loop='i_sqrt_1')",
        "vectorize(loop='j_result')", "parallel(loop='i_result')",
    ]]  # fmt: skip
    assert traces("mlp")[1][:4] == [
        "decompose_reduction(loop='k_h', at='j_h')", "reorder(loops=['k_h', 'j_h'])",
        "vectorize(loop='j_h')", "parallel(loop='i_h')",
    ]  # fmt: skip


def test_the_last_rung_runs_along_the_panels_of_a_packed_weight() -> None:
    x, weight = np.ones((3, 4), np.float32), np.arange(4 * 64, dtype=np.float32).reshape(4, 64)
    compiled = tc.compile(lambda x: x @ weight, x, backend="interpreter", schedules=PROVABLE)
    np.testing.assert_array_equal(compiled(x), x @ weight)
    schedule = compiled.programs[0].schedules[0]
    assert "for j_result_i in vectorized(32):" in schedule.show()
    source_text = tc.c_source(schedule.function, NO_MACHINE)
    assert "load_f32x16(weight_packed + j_result_o * 128 + k_result * 32)" in source_text


def test_the_callback_sees_what_each_step_leaves_in_order() -> None:
    steps: list[str] = []
    tc.compile(
        source.rmsnorm, *arguments("rmsnorm", SIZE), callback=lambda name, artefact: steps.append(name)
    )
    after = ["fuse", "tensor expressions", "inline", "in place", "memory plan", "loops", "schedules", "c"]
    assert steps == ["trace", *(name for name, _ in PASSES), *after]


def test_importing_the_compiler_loads_no_framework() -> None:
    code = "import sys, tensor_compiler; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jax", "torch", "tvm", "sphinx", "the_block"} & set(done.stdout.split())
