"""The recording is of the kernels as they stand, and says what their tiles say."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest

import cute_gemm
from cute_gemm.anew import importlib as importing
from cute_gemm.compiled import TARGETS

RECORDED = json.loads((Path(__file__).parents[2] / "book" / "recorded" / "cute_gemm.json").read_text())
MULTIPLY = {  # opcode, multiply-adds of one, warps that issue one together
    "ampere": ("HMMA", 16 * 8 * 16, 1),
    "hopper": ("HGMMA", 64 * 128 * 16, 4),
    "blackwell": ("UTCHMMA", 128 * 128 * 16, None),
}
UNROLLED = {"ampere": 8, "hopper": 1, "blackwell": 1}


@pytest.mark.parametrize("name", TARGETS)
def test_the_recording_is_of_this_source(name: str) -> None:
    assert RECORDED["kernels"][name]["source"] == cute_gemm.digest(name), (
        "a kernel changed: python -m cute_gemm book/recorded/cute_gemm.json, with the extra cutlass-dsl"
    )


@pytest.mark.parametrize("name", TARGETS)
def test_the_instructions_of_one_trip_make_one_tile(name: str) -> None:
    recorded = RECORDED["kernels"][name]
    opcode, each, together = MULTIPLY[name]
    issuers = recorded["threads"] // 32 // together if together else 1
    assert recorded["sass"][opcode] * issuers * each == prod(recorded["tile"]) * UNROLLED[name]


@pytest.mark.parametrize("name", TARGETS)
def test_the_counts_by_line_are_those_of_the_whole(name: str) -> None:
    recorded = RECORDED["kernels"][name]
    opcode = MULTIPLY[name][0]
    assert sum(line.get(opcode, 0) for line in recorded["lines"].values()) == recorded["sass"][opcode]
    assert all(line in cute_gemm.source_of(name) for line in recorded["lines"])


def test_no_place_of_the_machine_is_recorded() -> None:
    assert not any(word in json.dumps(RECORDED) for word in ('"/', "/tmp", "/home", "/root"))


def test_without_the_extra_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing.util, "find_spec", lambda name: None)
    assert cute_gemm.compile_anew() is None


def test_a_compilation_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing.util, "find_spec", lambda name: object())
    monkeypatch.setattr("cute_gemm.anew.COMMAND", ["-c", "raise SystemExit('no ptxas')"])
    with pytest.raises(RuntimeError, match="the kernels did not compile: no ptxas"):
        cute_gemm.compile_anew()


@pytest.mark.slow
@pytest.mark.skipif(importing.util.find_spec("nvidia_cutlass_dsl") is None, reason="the extra cutlass-dsl")
def test_compiled_anew_the_counts_are_the_recorded_ones() -> None:
    fresh: dict[str, Any] | None = cute_gemm.compile_anew()
    assert fresh is not None
    if fresh["versions"] != RECORDED["versions"]:
        pytest.skip("another version of the DSL than the recorded one")
    for part in ("other order", "symbolic", "refusal", "cache"):
        assert fresh[part] == RECORDED[part]
    for name in TARGETS:  # register names differ from run to run, counts do not
        for part in ("printed", "mlir", "ptx", "sass", "lines", "registers"):
            assert fresh["kernels"][name][part] == RECORDED["kernels"][name][part], (name, part)
