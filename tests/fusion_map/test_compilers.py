"""The four compilers' own programs: right results, complete maps, and counts that cannot be otherwise."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable

import pytest

from fusion_map import STEPS, FusionMap, Program, kernels_of_steps, steps_of
from fusion_map.figure import boxes
from fusion_map.through_inductor import compile_inductor, temporaries_of
from fusion_map.through_tensor_compiler import compile_tensor_compiler
from fusion_map.through_tvm import compile_tvm
from fusion_map.through_xla import compile_xla, fusion_of
from the_block import S, Size, arguments, block, check, cost, mlp

COMPILERS: dict[str, Callable[..., Program]] = {
    "XLA": compile_xla,
    "Inductor": compile_inductor,
    "TVM": compile_tvm,
    "tensor_compiler": compile_tensor_compiler,
}
WEIGHTS = ("query", "key", "value", "scores", "read", "project", "expand", "contract")


@pytest.fixture(scope="module")
def programs() -> dict[str, Program]:
    return {name: compiled(block, arguments(block, S)) for name, compiled in COMPILERS.items()}


def fusion(programs: dict[str, Program], name: str) -> FusionMap:
    found = programs[name].fusion
    assert found
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_the_program_computes_the_block(programs: dict[str, Program], name: str) -> None:
    arrays = arguments(block, S)
    check(block, programs[name](*arrays), arrays)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_the_map_is_complete(programs: dict[str, Program], name: str) -> None:
    found = fusion(programs, name)
    done: set[str] = set(found.given)
    for kernel in found.kernels:  # in an order that runs
        assert found.read(kernel) <= done
        done |= kernel.names
    step = steps_of(found)
    products = [step[each.name] for each in found.operations() if each.kind == "product"]
    assert sorted(products, key=STEPS.index) == sorted(WEIGHTS, key=STEPS.index)
    assert {each.name for each in found.operations() if each.kind != "movement"} <= set(step)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_no_program_moves_less_than_the_floor(programs: dict[str, Program], name: str) -> None:
    found = fusion(programs, name)
    assert {array: size for array, size in found.given.items() if array in block.__code__.co_varnames} == {
        array: value.nbytes
        for array, value in zip(block.__code__.co_varnames, arguments(block, S), strict=False)
    }
    assert found.moved >= cost(block, S).bytes
    largest = max(found.sizes[array] for kernel in found.kernels for array in found.written(kernel))
    assert programs[name].temporaries >= largest == 4 * S.tokens * S.hidden


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_the_boxes_of_a_column_fill_it_without_overlap(programs: dict[str, Program], name: str) -> None:
    edges = sorted((top, bottom) for _, top, bottom in boxes(fusion(programs, name)))
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(len(STEPS))
    for (_, bottom), (top, _) in itertools.pairwise(edges):
        assert bottom == pytest.approx(top)


@pytest.mark.slow
def test_our_kernels_are_the_groups(programs: dict[str, Program]) -> None:
    of_step = kernels_of_steps(fusion(programs, "tensor_compiler"))
    assert of_step["scores"] == of_step["softmax"] == of_step["read"]
    assert of_step["expand"] == of_step["silu"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "opened",
    [
        lambda arrays: compile_inductor(block, arrays, dynamic=True),
        lambda arrays: compile_tvm(block, arrays, open_rows=True),
        lambda arrays: compile_tensor_compiler(block, arrays, open_rows=True),
    ],
    ids=["Inductor", "TVM", "tensor_compiler"],
)
def test_an_open_length_serves_others(opened: Callable[..., Program]) -> None:
    program = opened(arguments(block, S))
    assert program.fusion is None
    for rows in (2, 5, 13):
        arrays = arguments(block, Size(rows, S.width, S.hidden))
        check(block, program(*arrays), arrays)


@pytest.mark.slow
def test_a_program_without_attention_has_no_map_of_steps() -> None:
    found = compile_tensor_compiler(mlp, arguments(mlp, S)).fusion
    assert found
    with pytest.raises(ValueError, match=r"^tensor_compiler: no operation computes query$"):
        steps_of(found)


MODULE = """HloModule f

%fused (p.0: f32[4,8], p.1: f32[8]) -> f32[4,8] {
  %p.0 = f32[4,8]{1,0} parameter(0)
  %p.1 = f32[8]{0} parameter(1)
  %wide = f32[4,8]{1,0} broadcast(%p.1), dimensions={1}
  ROOT %sum = f32[4,8]{1,0} add(%p.0, %wide), metadata={op_name="jit(f)/add"}
}

ENTRY %main (x: f32[4,8], w: f32[8,8], b: f32[8]) -> f32[4,8] {
  %x = f32[4,8]{1,0} parameter(0)
  %w = f32[8,8]{1,0} parameter(1)
  %b = f32[8]{0} parameter(2)
  %dot = f32[4,8]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  ROOT %fusion = f32[4,8]{1,0} fusion(%dot, %b), kind=kLoop, calls=%fused
}
"""


def test_hlo_is_read_through_the_borders_of_a_fusion() -> None:
    found = fusion_of(MODULE, ("x", "w", "b"))
    product, loop = found.kernels
    assert (product.origin, loop.origin) == ("library", "generated")
    assert found.read(loop) == {"dot", "b"}
    assert found.written(loop) == {"sum"}
    assert found.moved == (128 + 256 + 128) + (128 + 32 + 128)


WRAPPER = """
    def call(self, args):
        buf0 = empty_strided_cpu((8, 64), (64, 1), torch.float32)
        kernel_0(arg0_1, buf0)
        buf1 = empty_strided_cpu((8, 1), (1, 8), torch.float32)
        kernel_1(buf0, buf1)
        buf2 = buf0; del buf0  # reuse
        kernel_2(buf2)
        del buf1
        buf3 = empty_strided_cpu((8, 64), (64, 1), torch.float32)
        kernel_3(buf2, buf3)
        return (buf3, )
"""


def test_temporaries_are_what_lives_at_once_without_the_result() -> None:
    assert temporaries_of(WRAPPER) == 4 * (8 * 64 + 8)
    assert temporaries_of(WRAPPER.replace("        del buf1\n", "")) == 4 * (8 * 64 + 8)
    assert temporaries_of(WRAPPER.replace("(buf3, )", "(buf2, )")) == 4 * (8 * 64)


def test_the_vocabulary_imports_no_compiler() -> None:
    program = "import fusion_map, sys; print(*sorted({'jax', 'torch', 'tvm'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not found.stdout.strip()


def test_a_scalar_is_a_part_of_the_code() -> None:
    module = MODULE.replace("%b = f32[8]{0} parameter(2)", "%b = f32[] constant(1)").replace(
        "%p.1 = f32[8]{0}", "%p.1 = f32[]"
    )
    assert fusion_of(module, ("x", "w")).moved == (128 + 256 + 128) + (128 + 128)
