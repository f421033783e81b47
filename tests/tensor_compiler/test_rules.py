"""Default schedules: the results of the naive loops, and machine code that stays in registers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.tensor_compiler.rewriting import assert_same, inputs, interpreted

import tensor_compiler as tc
from tensor_compiler import Function, Target, parse
from tensor_compiler.legality import Refused
from tensor_compiler.rules import attention, convolution, matmul, provable, rows
from tensor_compiler.rules.matmul import register_tile
from tensor_compiler.rules.rows import large
from tensor_compiler.schedule import Schedule
from tensor_compiler.statement import For, Invoke
from tensor_compiler.target import host_target
from tensor_compiler.traversal import walk

AVX512 = Target("none", "none", 64, (), frozenset({"__AVX512F__", "__AVX512VNNI__", "__AVX512BF16__"}))
AVX2 = Target("none", "none", 32, (), frozenset({"__AVX2__"}))
SMALL = Target("none", "none", 16, (), frozenset(), (256, 512))  # caches so small that everything is large
Rule = Callable[[Schedule, Target], None]


def product(m: int, n: int, k: int, left: str = "f32", right: str = "f32", result: str = "f32") -> str:
    cast = (lambda x: x) if left == result else (lambda x: f"{result}({x})")
    return f"""
def product(A: {left}[{m}, {k}], B: {right}[{k}, {n}], C: {result}[{m}, {n}]):
    for i in serial({m}):
        for j in serial({n}):
            C[i, j] = {result}(0)
            for k in serial({k}):
                C[i, j] += {cast("A[i, k]")} * {cast("B[k, j]")}
""".replace("f32(0)", "0.0")


def epilogue(m: int, n: int, k: int) -> str:
    return f"""
def epilogue(A: f32[{m}, {k}], B: f32[{k}, {n}], b: f32[{n}], R: f32[{m}, {n}], Y: f32[{m}, {n}]):
    C = scratch(f32[{m}, {n}])
    H = scratch(f32[{m}, {n}])
    for i in serial({m}):
        for j in serial({n}):
            C[i, j] = 0.0
            for k in serial({k}):
                C[i, j] += A[i, k] * B[k, j]
    for p in serial({m}):
        for q in serial({n}):
            H[p, q] = C[p, q] + b[q]
    for r in serial({m}):
        for s in serial({n}):
            Y[r, s] = H[r, s] / (1.0 + exp(-H[r, s])) + R[r, s]
"""


def batch(m: int, n: int, k: int) -> str:
    return f"""
def batch(A: f32[2, {m}, {k}], B: f32[2, {n}, {k}], C: f32[2, {m}, {n}]):
    for b in serial(2):
        for i in serial({m}):
            for j in serial({n}):
                C[b, i, j] = 0.0
                for k in serial({k}):
                    C[b, i, j] += A[b, i, k] * B[b, j, k]
"""


def softmax(m: int, n: int) -> str:
    return f"""
def softmax(X: f32[{m}, {n}], Y: f32[{m}, {n}]):
    t = scratch(f32[{m}, 1])
    e = scratch(f32[{m}, {n}])
    s = scratch(f32[{m}, 1])
    for i in serial({m}):
        t[i, 0] = -inf
        for j in serial({n}):
            t[i, 0] = max(t[i, 0], X[i, j])
    for i1 in serial({m}):
        for j1 in serial({n}):
            e[i1, j1] = exp(X[i1, j1] - t[i1, 0])
    for i2 in serial({m}):
        s[i2, 0] = 0.0
        for j2 in serial({n}):
            s[i2, 0] += e[i2, j2]
    for i3 in serial({m}):
        for j3 in serial({n}):
            Y[i3, j3] = e[i3, j3] / s[i3, 0]
"""


def layernorm(m: int, n: int) -> str:
    return f"""
def layernorm(X: f32[{m}, {n}], G: f32[{n}], Y: f32[{m}, {n}]):
    a = scratch(f32[{m}, 1])
    d = scratch(f32[{m}, {n}])
    v = scratch(f32[{m}, 1])
    for i in serial({m}):
        a[i, 0] = 0.0
        for j in serial({n}):
            a[i, 0] += X[i, j]
    for i1 in serial({m}):
        for j1 in serial({n}):
            d[i1, j1] = X[i1, j1] - a[i1, 0] / {float(n)}
    for i2 in serial({m}):
        v[i2, 0] = 0.0
        for j2 in serial({n}):
            v[i2, 0] += d[i2, j2] * d[i2, j2]
    for i3 in serial({m}):
        for j3 in serial({n}):
            Y[i3, j3] = d[i3, j3] / sqrt(v[i3, 0] / {float(n)} + 0.1) * G[j3]
"""


def gate(m: int, n: int) -> str:
    return f"""
def gate(X: f32[{m}, {n}], G: f32[{n}], Y: f32[{m}, {n}]):
    h = scratch(f32[{m}, {n}])
    for i in serial({m}):
        for j in serial({n}):
            h[i, j] = exp(X[i, j]) * G[j]
    for i1 in serial({m}):
        for j1 in serial({n}):
            Y[i1, j1] = h[i1, j1] * tanh(h[i1, j1])
"""


def heads(m: int, n: int, d: int, mask: bool) -> str:
    score = "S[b, p, q] * 0.5"
    value = f"({score} if p >= q else -inf)" if mask else score
    return f"""
def heads(Q: f32[2, {m}, {d}], K: f32[2, {n}, {d}], V: f32[2, {n}, {d}], O: f32[2, {m}, {d}]):
    S = scratch(f32[2, {m}, {n}])
    x = scratch(f32[2, {m}, {n}])
    t = scratch(f32[2, {m}, 1])
    e = scratch(f32[2, {m}, {n}])
    s = scratch(f32[2, {m}, 1])
    P = scratch(f32[2, {m}, {n}])
    for a in serial(2):
        for i in serial({m}):
            for j in serial({n}):
                S[a, i, j] = 0.0
                for k in serial({d}):
                    S[a, i, j] += Q[a, i, k] * K[a, j, k]
    for b in serial(2):
        for p in serial({m}):
            for q in serial({n}):
                x[b, p, q] = {value}
    for a1 in serial(2):
        for i1 in serial({m}):
            t[a1, i1, 0] = -inf
            for j1 in serial({n}):
                t[a1, i1, 0] = max(t[a1, i1, 0], x[a1, i1, j1])
    for a2 in serial(2):
        for i2 in serial({m}):
            for j2 in serial({n}):
                e[a2, i2, j2] = exp(x[a2, i2, j2] - t[a2, i2, 0])
    for a3 in serial(2):
        for i3 in serial({m}):
            s[a3, i3, 0] = 0.0
            for j3 in serial({n}):
                s[a3, i3, 0] += e[a3, i3, j3]
    for a4 in serial(2):
        for i4 in serial({m}):
            for j4 in serial({n}):
                P[a4, i4, j4] = e[a4, i4, j4] / s[a4, i4, 0]
    for a5 in serial(2):
        for i5 in serial({m}):
            for j5 in serial({d}):
                O[a5, i5, j5] = 0.0
                for k5 in serial({n}):
                    O[a5, i5, j5] += P[a5, i5, k5] * V[a5, k5, j5]
"""


def conv(c: int, d: int, n: int) -> str:
    return f"""
def conv(X: f32[1, {d}, {n}, {n}], W: f32[{c}, {d}, 3, 3], Y: f32[1, {c}, {n}, {n}]):
    Z = scratch(f32[{d}, {n + 2}, {n + 2}])
    for a in serial({d}):
        for b in serial({n + 2}):
            for e in serial({n + 2}):
                Z[a, b, e] = 0.0
    for a1 in serial({d}):
        for b1 in serial({n}):
            for e1 in serial({n}):
                Z[a1, b1 + 1, e1 + 1] = X[0, a1, b1, e1]
    for o in serial({c}):
        for y in serial({n}):
            for x in serial({n}):
                Y[0, o, y, x] = 0.0
                for i in serial({d}):
                    for r in serial(3):
                        for s in serial(3):
                            Y[0, o, y, x] += Z[i, y + r, x + s] * W[o, i, r, s]
"""


CASES: dict[str, tuple[Rule, str]] = {
    "product": (matmul, product(16, 64, 12)),
    "product of odd extents": (matmul, product(7, 39, 5)),
    "product of bf16": (matmul, product(8, 32, 6, "bf16", "bf16")),
    "product of int8": (matmul, product(4, 32, 8, "u8", "s8", "s32")),
    "product of int8 of odd extents": (matmul, product(3, 24, 5, "u8", "s8", "s32")),
    "epilogue": (matmul, epilogue(8, 32, 6)),
    "epilogue of odd extents": (matmul, epilogue(5, 21, 7)),
    "batch": (matmul, batch(8, 20, 5)),
    "softmax": (rows, softmax(5, 64)),
    "softmax of odd extents": (rows, softmax(3, 45)),
    "layernorm": (rows, layernorm(4, 64)),
    "layernorm of odd extents": (rows, layernorm(3, 37)),
    "elementwise": (rows, gate(3, 41)),
    "attention": (attention, heads(8, 16, 8, mask=False)),
    "attention of odd extents": (attention, heads(5, 9, 3, mask=False)),
    "causal attention": (attention, heads(8, 8, 4, mask=True)),
    "causal attention of odd extents": (attention, heads(9, 9, 5, mask=True)),
    "convolution": (convolution, conv(16, 3, 8)),
    "convolution of odd extents": (convolution, conv(5, 2, 7)),
}


@pytest.mark.parametrize("target", [AVX512, AVX2, SMALL], ids=["AVX-512", "AVX2", "small"])
@pytest.mark.parametrize("name", CASES)
def test_a_rule_keeps_the_result_and_its_parallel_loops_do_not_race(name: str, target: Target) -> None:
    rule, text = CASES[name]
    naive = parse(text)
    schedule = Schedule(naive)
    rule(schedule, replace(target, caches=(256, 8192)) if rule is attention else target)
    kinds = {each.kind for _, each in walk(schedule.function) if isinstance(each, For)}
    assert "vectorized" in kinds
    assert "parallel" in kinds
    given = inputs(naive)
    assert_same(interpreted(schedule.function, given), interpreted(naive, given), exact=False)


@pytest.mark.parametrize("name", CASES)
def test_the_machine_code_of_a_rule_gives_what_the_interpreter_gives(name: str) -> None:
    rule, text = CASES[name]
    naive = parse(text)
    schedule = Schedule(naive)
    rule(schedule, host_target())
    given = inputs(naive)
    arrays = [array.copy() for array in given]
    tc.compile_function(schedule.function, threads=2)(*arrays)
    assert_same(arrays, interpreted(naive, given), exact=False)


@pytest.mark.parametrize(("target", "most"), [(AVX512, 32), (AVX2, 16)])
def test_a_register_tile_divides_the_result_and_fits_the_registers(target: Target, most: int) -> None:
    assert target.registers == most
    for rows_, columns in [(1024, 1024), (56, 64), (7, 39), (1, 5), (13, 1)]:
        height, width = register_tile(target, rows_, columns)
        assert (rows_ % height, columns % width) == (0, 0)
        vectors = -(-width // target.lanes)
        assert height * vectors + vectors + 1 <= most
    assert register_tile(target, 1024, 1024) == ((8, 32) if most == 32 else (4, 16))


def test_tile_instructions_are_used_where_the_target_has_them() -> None:
    for name in ("product of bf16", "product of int8"):
        rule, text = CASES[name]
        for target, has in ((AVX512, True), (AVX2, False)):
            schedule = Schedule(parse(text))
            rule(schedule, target)
            assert any(isinstance(each, Invoke) for _, each in walk(schedule.function)) is has


def test_only_large_results_go_past_the_caches() -> None:
    for rows_, past in ((64, False), (4096, True)):
        schedule = Schedule(parse(softmax(rows_, 1024)))
        rows(schedule, AVX512)
        assert ("Y[i3, j3]: non_temporal" in schedule.show()) is past
        assert large(schedule.function.buffers[1], AVX512) is past


@pytest.mark.parametrize("rule", [rows, matmul, attention])
def test_a_rule_refuses_loops_of_another_form(rule: Rule) -> None:
    text = "def copy(X: f32[4], Y: f32[4]):\n    for i in serial(4):\n        Y[i] = X[i]\n"
    with pytest.raises(Refused, match=r"^these loops are no (rows|product|attention)\n"):
        rule(Schedule(parse(text)), AVX512)
    if rule is matmul:
        with pytest.raises(Refused, match=r"^these loops are no product of several rows\n"):
            rule(Schedule(parse(product(1, 20, 6))), AVX512)


def test_the_registry_goes_back_to_what_is_provable() -> None:
    x, y = np.ones((1, 6), np.float32), np.ones((6, 8), np.float32)
    compiled = tc.compile(lambda x, y: x @ y, x, y, backend="interpreter")
    (schedule,) = compiled.programs[0].schedules
    by_hand = Schedule(schedule.history[0])
    provable(by_hand, compiled.programs[0].groups[0], AVX512)
    assert [step.primitive for step in schedule.trace] == ["decompose_reduction", "reorder", "vectorize"]
    assert schedule.function == by_hand.function
    np.testing.assert_array_equal(compiled(x, y), x @ y)


def disassembly(function: Function) -> str:
    kernel = tc.compile_function(function, threads=1)
    command = ["objdump", "-d", "--no-show-raw-insn", str(kernel.library)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not there")
def test_the_inner_loop_of_a_product_multiplies_in_registers() -> None:
    target = host_target()
    if target.lanes < 8:
        pytest.skip("the registers of this machine have another name")
    schedule = Schedule(parse(product(64, 64, 64)))
    matmul(schedule, target)
    height, width = register_tile(target, 64, 64)
    wanted = height * width // target.lanes
    loops = inner_loops(disassembly(schedule.function))
    counts = [sum("vfmadd" in line for line in loop) for loop in loops]
    inner = loops[counts.index(max(counts))]
    assert max(counts) % wanted == 0
    assert max(counts) >= wanted
    stack = [line for line in inner if re.search(r"[xyz]mm", line) and re.search(r"\((%rsp|%rbp)", line)]
    assert stack == []
    assert not any(re.search(r"vmov[au]ps\s+%[xyz]mm\d+,.*\(", line) for line in inner)


def inner_loops(listing: str) -> list[list[str]]:
    """The instructions between each backward jump and where it goes."""
    lines = [match for line in listing.splitlines() if (match := re.match(r"\s+([0-9a-f]+):\s+(.*)", line))]
    places = {int(match[1], 16): position for position, match in enumerate(lines)}
    loops = []
    for position, match in enumerate(lines):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", match[2])
        start = places.get(int(jump[1], 16)) if jump else None
        if start is not None and start < position:
            loops.append([each[2] for each in lines[start : position + 1]])
    return loops


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "text", "oracle"),
    [
        (matmul, product(512, 512, 512), lambda a, b, _: a @ b),
        (matmul, batch(256, 256, 64), lambda a, b, _: a @ b.swapaxes(1, 2)),
        (rows, layernorm(512, 1024), None),
        (rows, softmax(4096, 1024), None),
        (attention, heads(256, 256, 64, mask=True), None),
        (convolution, conv(64, 64, 56), None),
    ],
    ids=["product", "batch", "layernorm", "softmax", "attention", "convolution"],
)
def test_real_sizes_give_what_float64_gives(rule: Rule, text: str, oracle: Any) -> None:
    naive = parse(text)
    schedule = Schedule(naive)
    rule(schedule, host_target())
    given = inputs(naive)
    arrays = [array.copy() for array in given]
    tc.compile_function(schedule.function, threads=2)(*arrays)
    wide = parse(text.replace("f32", "f64"))
    exact = [array.astype(np.float64) for array in given]
    if oracle is None:
        tc.compile_function(wide, threads=1)(*exact)
        wanted = exact[-1]
    else:
        wanted = oracle(*exact)
    error = np.max(np.abs(arrays[-1] - wanted)) / np.max(np.abs(wanted))
    assert error < 1e-5
