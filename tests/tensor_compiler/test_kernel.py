"""Compiling, caching and calling: no copies, and one sentence for each way to call it wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tests.tensor_compiler.sanitizers import sanitized

from tensor_compiler import interpret, kernel, parse
from tensor_compiler.arguments import ALIGNMENT, BadArgument, aligned_empty
from tensor_compiler.dtype import bf16, f32
from tensor_compiler.kernel import CompilationFailed, cache_folder, compile_function
from tensor_compiler.target import NoCompiler, Target, host_target

SCALE = parse("""
def scale(n: s64, factor: f32, X: f32[n, 8], Y: f32[n, 8]):
    for i in parallel(n):
        for j in vectorized(8):
            Y[i, j] = X[i, j] * factor
""")
scale = pytest.fixture(scope="module")(lambda: compile_function(SCALE, threads=2))


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def test_sizes_are_read_off_the_arrays(scale: Any) -> None:
    for rows in (0, 1, 7):
        Y = ones(rows, 8)
        scale(3, ones(rows, 8), Y)
        np.testing.assert_array_equal(Y, 3 * ones(rows, 8))


def test_bf16_arrays_go_in_as_bits_or_as_ml_dtypes() -> None:
    copy = compile_function(
        parse("def copy(X: bf16[4], Y: bf16[4]):\n    for i in serial(4):\n        Y[i] = X[i]")
    )
    X, Y = np.arange(4).astype(ml_dtypes.bfloat16), np.zeros(4, np.uint16)
    copy(X, Y)
    assert Y.view(ml_dtypes.bfloat16).tolist() == [0, 1, 2, 3]


base = ones(9, 8)
frozen = ones(4, 8)
frozen.flags.writeable = False
askew = np.zeros(4 * 8 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(4, 8)
MISCALLS = [
    ((2.0, ones(4, 8)), "'scale' takes 3 arguments (factor, X, Y), not 2"),
    ((2.0, [[1.0]], ones(4, 8)), "'X' is a list: pass a numpy array"),
    ((2.0, np.ones((4, 8)), ones(4, 8)), "'X' is an array of float64: convert it with .astype('float32')"),
    ((2.0, ones(8), ones(4, 8)), "'X' has 1 dimensions, not 2: reshape it"),
    ((2.0, ones(4, 9), ones(4, 8)), "'X' is [4, 9], its type says [4, 8]: reshape it"),
    ((2.0, ones(4, 8), ones(5, 8)), "'Y' is [5, 8], its type says [4, 8]: reshape it"),
    ((2.0, ones(8, 4).T, ones(4, 8)), "'X' is not in row-major order: pass numpy.ascontiguousarray(...)"),
    ((2.0, askew, ones(4, 8)), "'X' does not start at a multiple of its element: pass a copy of it"),
    ((2.0, ones(4, 8), frozen), "'Y' is written to but read-only: pass a writable array"),
    ((2.0, base[:8], base[1:]), "'X' and 'Y' share memory and one is written to: pass a copy"),
]


@pytest.mark.parametrize(("arguments", "message"), MISCALLS, ids=[message for _, message in MISCALLS])
def test_a_wrong_call_is_one_sentence(scale: Any, arguments: tuple[Any, ...], message: str) -> None:
    for run in (scale, lambda *given: interpret(SCALE, *given)):
        with pytest.raises(BadArgument) as caught:
            run(*arguments)
        assert str(caught.value) == message


def test_read_arrays_may_share_memory(scale: Any) -> None:
    add = compile_function(
        parse(
            "def add(A: f32[4], B: f32[4], C: f32[4]):\n    for i in serial(4):\n        C[i] = A[i] + B[i]"
        )
    )
    A, C = ones(4), ones(4)
    add(A, A, C)
    assert C.tolist() == [2, 2, 2, 2]
    scale(2.0, base[:4], base[4:8])


def test_empty_arrays_start_at_a_cache_line() -> None:
    for dtype, shape in ((f32, (3, 5)), (bf16, (7,)), (f32, ())):
        array = aligned_empty(shape, dtype)
        assert (array.shape, array.dtype.name) == (shape, dtype.storage)
        assert array.ctypes.data % ALIGNMENT == 0
        assert array.flags.c_contiguous


def test_the_second_compilation_is_a_look_up() -> None:
    first = compile_function(SCALE, threads=1)
    again = compile_function(SCALE, threads=1)
    assert again.compile_seconds == 0
    assert again.library == first.library
    assert first.library.with_suffix(".c").read_text() == first.source


def test_flags_and_runtime_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = host_target()
    source = compile_function(SCALE).source
    libraries = {kernel.compiled(source, each)[0] for each in (target, target.strict(), sanitized(target))}
    changed = tmp_path / "runtime.h"
    changed.write_text(kernel.RUNTIME.read_text() + "/* changed */\n")
    monkeypatch.setattr(kernel, "RUNTIME", changed)
    libraries.add(kernel.compiled(source, target)[0])
    assert len(libraries) == 4


def test_many_at_once_compile_one_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENSOR_COMPILER_CACHE", str(tmp_path / "kernels"))
    with ThreadPoolExecutor(4) as pool:
        kernels = list(pool.map(lambda _: compile_function(SCALE), range(4)))
    assert {k.library for k in kernels} == {kernels[0].library}
    assert sorted(path.suffix for path in cache_folder().iterdir()) == [".c", ".so"]
    Y = ones(2, 8)
    for each in kernels:
        each(2.0, ones(2, 8), Y)
        assert Y.sum() == 32


def test_the_cache_stands_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TENSOR_COMPILER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tensor_compiler"


def test_without_a_compiler_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    host_target.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(NoCompiler) as caught:
        host_target()
    assert str(caught.value) == (
        "there is no C compiler gcc, clang or cc: install gcc or clang, or set CC to one"
    )
    monkeypatch.setenv("CC", "nonsense")
    with pytest.raises(NoCompiler) as caught:
        host_target()
    assert str(caught.value) == "there is no C compiler 'nonsense': install gcc or clang, or set CC to one"


def test_what_the_c_compiler_refuses_is_kept_and_quoted() -> None:
    host = host_target()
    broken = Target(host.compiler, host.version, 16, (*host.flags, "-Dstatic=error"), host.macros)
    with pytest.raises(CompilationFailed) as caught:
        compile_function(SCALE, broken)
    message = str(caught.value)
    assert message.startswith(f"{host.compiler} refuses {cache_folder()}")
    assert "error" in message
    assert "\n" not in message


def test_the_target_is_what_the_compiler_says_of_this_machine() -> None:
    target = host_target()
    assert target.vector_bytes == (
        64 if "__AVX512F__" in target.macros else 32 if "__AVX2__" in target.macros else 16
    )
    assert replace(target, vector_bytes=16).lanes == 4
    assert target.strict().flags[-1] == "-ffp-contract=off"
