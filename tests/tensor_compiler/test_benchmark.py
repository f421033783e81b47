"""The benchmark's own arithmetic: wrong results are no results, and noisy pairs do not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.tensor_compiler.__main__ import Process, ratio, roofline, row
from benchmarks.tensor_compiler.workloads import (
    WORKLOADS,
    attention,
    bf16_bits,
    bf16_values,
    conv,
    error,
    expected,
)

from measurement import MachineCard


def test_a_wrong_result_is_refused() -> None:
    workload = WORKLOADS["GEMM 512"]
    wanted = expected(workload)
    assert error(workload, wanted.astype(np.float32), wanted) < 1e-6
    wrong = wanted.copy()
    wrong[3, 4] += 1
    with pytest.raises(ValueError, match=r"^GEMM 512: error 0\.0\d+ where 1e-05 is allowed$"):
        error(workload, wrong, wanted)
    with pytest.raises(ValueError, match="error nan"):
        error(workload, np.full_like(wanted, np.nan), wanted)
    with pytest.raises(ValueError, match=r"the shape is \(512,\), not \(512, 512\)"):
        error(workload, wrong[0], wanted)


def test_the_oracles_are_right_where_the_answer_is_known() -> None:
    x = np.zeros((1, 2, 4, 4))
    x[0, 1, 0, 0] = 1
    w = np.arange(36.0).reshape(2, 2, 3, 3)
    out = conv(x, w)
    assert out.shape == (1, 2, 4, 4)
    np.testing.assert_array_equal(out[0, :, :2, :2], w[:, 1, 1::-1, 1::-1])
    assert not out[0, :, 2:].any()
    q = np.zeros((1, 3, 2))
    v = np.arange(6.0).reshape(1, 3, 2)
    np.testing.assert_allclose(attention(q, q, v), np.broadcast_to(v.mean(1), (1, 3, 2)))
    values = np.float32([1, 1 + 2**-8, -(1 + 3 * 2**-8), 0.1])
    np.testing.assert_array_equal(
        bf16_values(bf16_bits(values)), np.float32([1, 1, -(1 + 2**-6), 0.10009765625])
    )


def test_the_quietest_pairs_decide_wall_time_and_all_pairs_cpu_time() -> None:
    quiet = [{"wall": 2.0, "cpu": 2.0, "others": 0}] * 10
    loud = [{"wall": 90.0, "cpu": 4.0, "others": 5}] * 12
    ours = [{"wall": 1.0, "cpu": 1.0, "others": 0}] * 22
    middle, (low, high) = ratio([*quiet, *loud], ours, "cpu")
    assert (middle, low, high) == (4.0, 2.0, 4.0)
    assert ratio([*loud[:10], *quiet], ours[:20], "wall") == (2.0, (2.0, 2.0))


def test_the_share_of_the_roofline_is_that_of_the_lower_ceiling() -> None:
    card = MachineCard("m", "c", 16, 100.0, {"memory": 1}, {"memory": 30.0}, {"memory": 20.0})
    product = WORKLOADS["GEMM 1024"]
    assert roofline(product, product.flops / 100e9, card, 1) == pytest.approx(1.0)
    assert roofline(product, product.flops / 100e9, card, 2) == pytest.approx(0.5)
    assert roofline(WORKLOADS["softmax"], 134217728 / 20e9, card, 2) == pytest.approx(1.0)
    assert roofline(WORKLOADS["int8 GEMM"], product.flops / 400e9, card, 1) == pytest.approx(1.0)


class Steady(Process):
    """A worker whose calls all take as long."""

    def __init__(self, seconds: float) -> None:
        self.nanoseconds = seconds * 1e9

    def ask(self, **request: Any) -> dict[str, Any]:
        return {"wall": self.nanoseconds, "cpu": self.nanoseconds, "others": 1}


def test_a_row_of_the_record_holds_ours_the_ratios_and_why_a_peer_has_none() -> None:
    card = MachineCard("m", "c", 16, 100.0, {"memory": 1}, {"memory": 30.0}, {"memory": 20.0})
    product = WORKLOADS["GEMM 1024"]
    own = {"kernels": 1, "seconds": 9.0, "missing": {"tvm": "no schedule by hand"}}
    able: dict[str, Process] = {"ours": Steady(product.flops / 50e9), "numpy": Steady(product.flops / 40e9)}
    found = row(product, able, own, card, rounds=10, threads=1)
    assert found == {
        "workload": "GEMM 1024", "flops": 2 << 30, "bytes": 12 << 20, "rate": 1, "kernels": 1,
        "seconds": pytest.approx(product.flops / 50e9), "roof": pytest.approx(0.5), "others": 1.0,
        "ratios": {"numpy": pytest.approx([1.25] * 3)}, "missing": {"tvm": "no schedule by hand"},
    }  # fmt: skip
