"""Borders of kernels, counted on programs small enough to count by hand; refusals word for word."""

from __future__ import annotations

import pytest

from fusion_map import FusionMap, Kernel, Operation

BYTES = {"x": 10, "w": 1000, "a": 20, "b": 30, "y": 50}


def operation(name: str, *operands: str) -> Operation:
    return Operation(name, "elementwise", operands, BYTES[name])


def program(*kernels: tuple[Operation, ...], results: tuple[str, ...] = ("y",)) -> FusionMap:
    made = tuple(Kernel(f"k{n}", "generated", each) for n, each in enumerate(kernels))
    return FusionMap("a compiler", {"x": 10, "w": 1000}, made, results)


A, B, Y = operation("a", "x"), operation("b", "a", "a"), operation("y", "b")


def test_what_stays_inside_crosses_no_border() -> None:
    assert program((A, B, Y)).moved == 10 + 50
    assert program((A,), (B,), (Y,)).moved == 10 + 2 * 20 + 2 * 30 + 50


def test_an_array_is_read_once_by_each_kernel_and_written_once() -> None:
    fusion = program((A,), (B,), (operation("y", "a", "b"),))
    assert [fusion.bytes_of(kernel) for kernel in fusion.kernels] == [30, 50, 100]
    assert program((A,), (operation("y", "a", "x"),), results=("a", "y")).moved == 30 + 80


def test_a_kernel_that_computes_again_reads_what_it_needs_and_writes_nothing_twice() -> None:
    fusion = program((A, B), (A, operation("y", "a", "b")))
    first, second = fusion.kernels
    assert fusion.written(first) == {"b"}
    assert fusion.read(second) == {"x", "b"}
    again = program((A,), (A, B), (operation("y", "a", "b"),))
    assert again.written(again.kernels[1]) == {"b"}


def test_library_calls_are_counted() -> None:
    kernels = (Kernel("dot", "library", (A,)), Kernel("loop", "generated", (B, Y)))
    assert FusionMap("a compiler", {"x": 10}, kernels, ("y",)).library_calls == 1


def test_an_operand_that_nobody_makes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a compiler: b reads a, which nobody makes$"):
        program((B, Y))
    with pytest.raises(ValueError, match=r"^a compiler: nobody makes the result y$"):
        program((A,))
