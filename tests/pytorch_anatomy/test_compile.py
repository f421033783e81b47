"""What AOTAutograd saves, what Inductor's loops compute, memory plan, keys, the cost of a first call."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from pytorch_anatomy import (  # noqa: E402
    first_call,
    key_parts,
    loop_bodies,
    memory_plan,
    partition,
    saved_by_autograd,
)
from pytorch_anatomy.first_call import _purpose  # noqa: E402

F32 = 4


def gated(x: Any, w: Any) -> Any:
    h = x @ w
    return h / (1 + torch.exp(-h))


def gated_inputs() -> tuple[Any, Any]:
    torch.manual_seed(0)
    return torch.randn(8, 16), torch.randn(16, 32)


def test_saving_all_is_what_autograd_saves_and_min_cut_keeps_the_product_alone() -> None:
    inputs = gated_inputs()
    everything, cut = partition(gated, *inputs, keep="all"), partition(gated, *inputs)
    assert everything.bytes == saved_by_autograd(gated, *inputs) == 3 * 8 * 32 * F32
    assert everything.recomputed == []
    assert [(each.operator, each.shape) for each in cut.saved] == [("mm", (8, 32))]
    assert cut.bytes == 8 * 32 * F32
    assert sorted(cut.recomputed) == ["add", "exp", "neg"]
    assert cut.repeated_flops == 0


def test_without_a_budget_the_product_is_done_again() -> None:
    frugal = partition(gated, *gated_inputs(), budget=0.0)
    assert frugal.bytes == 0
    assert frugal.repeated_flops == 2 * 8 * 16 * 32


def test_the_two_halves_compute_the_gradients() -> None:
    x, w = gated_inputs()
    cut = partition(gated, x, w)
    results = cut.forward(x, w)
    gradients = cut.backward(*results[1:], torch.ones(8, 32))
    leaves = [each.clone().requires_grad_() for each in (x, w)]
    gated(*leaves).sum().backward()
    for found, leaf in zip(gradients, leaves, strict=True):
        assert torch.allclose(found, leaf.grad, rtol=1e-4, atol=1e-6)


def test_an_unknown_way_to_cut_is_refused() -> None:
    with pytest.raises(ValueError, match=r"keep='some': write 'all' or 'min-cut'$"):
        partition(gated, *gated_inputs(), keep="some")


class Floats:
    """Operations on numbers."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.arrays = arrays

    def load(self, name: str, index: Any) -> float:
        return float(self.arrays[name].flatten()[int(index)])

    constant = staticmethod(lambda value, dtype: value)
    neg = staticmethod(lambda a: -a)
    exp = staticmethod(math.exp)
    add = staticmethod(lambda a, b: a + b)
    truediv = staticmethod(lambda a, b: a / b)


def test_a_body_run_on_numbers_is_the_element() -> None:
    x, w = gated_inputs()
    product, loop = loop_bodies(gated, x, w)
    assert (product.kind, product.text) == ("extern_kernels.mm", "")
    assert (loop.kind, loop.ranges, loop.reduced) == ("Pointwise", ("8", "32"), ())
    arrays = {product.name: x @ w}
    for i, j in ((0, 0), (3, 5), (7, 31)):
        assert loop(Floats(arrays), [i, j]) == pytest.approx(float(gated(x, w)[i, j]), rel=1e-5)


def test_only_a_pointwise_body_is_run_by_itself() -> None:
    (body,) = loop_bodies(lambda x: x.sum(dim=-1), torch.ones(3, 400))
    assert (body.kind, body.reduced) == ("Reduction", ("400",))
    with pytest.raises(ValueError, match="buf0 is a Reduction; only a Pointwise body is run by itself"):
        body(Floats({}), [0])


def test_open_sizes_are_symbols_in_the_ranges() -> None:
    (body,) = loop_bodies(lambda x: torch.exp(x), torch.ones(3, 4), dynamic=True)
    assert all(extent.startswith("s") for extent in body.ranges)


WRAPPER = """def call(self, args):
    arg0_1, arg1_1 = args
    buf0 = empty_strided_cpu((8, 1), (1, 8), torch.float32)
    buf1 = empty_strided_cpu((8, 16), (16, 1), torch.float32)
    cpp_fused_0(arg0_1, buf0, buf1)
    del buf0
    buf2 = empty_strided_cpu((8, 16), (16, 1), torch.bool)
    extern_kernels.mm(buf1, arg1_1, out=buf2)
    del arg1_1
    buf3 = buf1; del buf1  # reuse
    cpp_fused_1(buf3, buf2)
    del buf2
    return (buf3, )
"""


def test_the_plan_follows_what_is_alive() -> None:
    plan = memory_plan(WRAPPER)
    row, full, flags = 8 * F32, 8 * 16 * F32, 8 * 16
    assert plan.named == {"buf0": row, "buf1": full, "buf2": flags, "buf3": full}
    assert plan.reused == (("buf3", "buf1"),)
    assert [(step.call, step.alive) for step in plan.steps] == [
        ("cpp_fused_0", row + full),
        ("mm", full + flags),
        ("cpp_fused_1", full + flags),
    ]
    assert (plan.peak, plan.returned, plan.temporary) == (full + flags, full, flags)
    assert plan.without_reuse == row + 2 * full + flags


def test_the_plan_refuses_what_it_cannot_add_up() -> None:
    with pytest.raises(ValueError, match="the plan needs sizes that are numbers"):
        memory_plan("    buf0 = empty_strided_cpu((s77, 1), (1, s77), torch.float32)\n")
    with pytest.raises(ValueError, match="buf0 has dtype complex64; known are float64"):
        memory_plan("    buf0 = empty_strided_cpu((3, ), (1, ), torch.complex64)\n")


def test_keys_move_with_what_the_code_depends_on_and_with_nothing_else() -> None:
    def silu(h: Any) -> Any:
        return h / (1 + torch.exp(-h))

    def the_same(values: Any) -> Any:
        return values / (1 + torch.exp(-values))

    def another(h: Any) -> Any:
        return h / (2 + torch.exp(-h))

    h = torch.ones(4, 8)
    key = key_parts(silu, h)
    assert key_parts(the_same, 3 * h) == key
    for changed, part in (
        (key_parts(another, h), "gm"),
        (key_parts(silu, h[:2]), "example_inputs"),
        (key_parts(silu, h.double()), "example_inputs"),
    ):
        assert changed["key"] != key["key"]
        assert changed[part] != key[part]


def test_a_function_with_a_break_has_no_one_key() -> None:
    def broken(h: Any) -> Any:
        h = h + 1
        torch._dynamo.graph_break()
        return h * 2

    with pytest.raises(ValueError, match="there are 2 graphs, and each has a key"):
        key_parts(broken, torch.ones(3))


def test_a_run_of_the_compiler_is_known_by_its_files() -> None:
    folder = "/t/torchinductor_u"
    assert _purpose(f"g++ /t/x/header.hpp -E -P -o /t/x/header.i -I {folder}") == "header, checked"
    assert (
        _purpose(f"g++ {folder}/precompiled_headers/a.h -o {folder}/precompiled_headers/a.h.gch") == "header"
    )
    assert _purpose("g++ /c/ab.main.cpp -shared -o /c/ab.main.so") == "kernel"
    assert _purpose("g++ /c/ab.cpp -shared -o /c/ab.so") == "probe"


def test_a_failing_first_call_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^the first call failed: (?s:.*)TypeError"):
        first_call(torch.nn.functional.silu, [], tmp_path)


@pytest.mark.slow
def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    cold, warm = (first_call(torch.nn.functional.silu, [(4, 8)], tmp_path) for _ in range(2))
    assert cold.caches == {"fxgraph_cache_miss": 1}
    assert warm.caches == {"fxgraph_cache_hit": 1}
    assert cold.compilations["kernel"] == 1
    assert set(warm.compilations) <= {"header, checked"}
    assert all(seconds >= 0 for seconds in cold.seconds.values())
