"""The readers of XLA's texts, on small texts made by hand in its format."""

from __future__ import annotations

import re

import pytest

from xla_reports import Allocation, Pass, Value, kernels, memory_plan, passes
from xla_reports.memory import alive

LINE = "I0102 03:04:05.6 7 hlo_pass_pipeline.cc:{}] {}\n"


def log_of(*events: str) -> str:
    """A log of passes: `>p` begins the pipeline p, `+a 5 77` the pass a on 5 instructions, `-a` ends it."""
    text = "I0102 03:04:05.6 7 other.cc:1] HLO pass noise\n"
    for event in events:
        kind, rest = event[0], event[1:]
        if kind == ">":
            text += LINE.format(303, f"Running HLO pass pipeline on module jit_f: {rest}")
        elif kind == "+":
            name, size, digest = rest.split()
            text += LINE.format(181, f"  HLO pass {name}")
            text += LINE.format(185, f"  Module hash {digest}")
            text += LINE.format(187, f"  Number of instructions: {size}")
        else:
            text += LINE.format(176, f"HLO pass: {rest} time: 3 us (3 us) (cumulative: 3 us)")
    return text


def test_a_pass_changed_the_module_if_the_next_one_finds_another_hash() -> None:
    log = log_of(">first", "+a 9 1", "-a", "+b 9 1", "-b", "+c 9 2", "-c", "+d 7 3", "-d")
    assert passes(log, 7) == (
        Pass("first", "a", 9, 9, changed=False),
        Pass("first", "b", 9, 9, changed=True),  # as many instructions, and yet others
        Pass("first", "c", 9, 7, changed=True),
        Pass("first", "d", 7, 7, changed=False),
    )
    assert passes(log, 8)[-1] == Pass("first", "d", 7, 8, changed=True)


def test_a_pipeline_inside_another_is_no_pass_and_may_repeat() -> None:
    log = log_of(
        *(">outer", "+a 5 1", "-a", "+inner 5 1", ">inner", "+b 5 1", "-b"),
        *(">inner", "+b 4 2", "-b", "-inner", "+c 4 2", "-c"),
    )
    found = passes(log, 4)
    assert [(each.pipeline, each.name) for each in found] == [
        ("outer", "a"),
        ("inner", "b"),
        ("inner", "b"),
        ("outer", "c"),
    ]
    assert [each.changed for each in found] == [False, True, False, False]


def test_a_log_without_passes_says_what_to_set() -> None:
    with pytest.raises(ValueError, match="names no pass; set TF_CPP_VMODULE=hlo_pass_pipeline=2 before JAX"):
        passes("I0102 nothing of interest\n", 3)


ASSIGNMENT = """BufferAssignment:
allocation 0: size 64, parameter 0, shape |f32[16]| at ShapeIndex {}:
 value: <1 x @0> (size=64,offset=0): f32[16]{0}
allocation 1: size 4, constant:
 value: <2 c @0> (size=4,offset=0): f32[]
allocation 2: size 64, output shape is |f32[16]|, maybe-live-out:
 value: <3 a @0> (size=32,offset=0): f32[8]{0}
 value: <4 r @0> (size=64,offset=0): f32[16]{0}
allocation 3: size 4, thread-local:
 value: <5 inside @0> (size=4,offset=0): f32[]
allocation 4: size 96, preallocated-temp:
 value: <6 b @0> (size=64,offset=0): f32[16]{0}
 value: <7 d @0> (size=32,offset=64): f32[8]{0}

Total bytes used: 232
"""
LIVE = """HloLiveRange (max 6):
  InstructionSequence:
    0:x
    1:c
    2:a
    3:b
    4:d
    5:r
  BufferLiveRange:
    x{}:0-6
    c{}:1-3
    a{}:2-3
    b{}:3-5
    d{}:4-5
    r{}:5-6
"""


def test_the_plan_joins_places_and_lifetimes() -> None:
    plan = memory_plan(ASSIGNMENT, LIVE)
    assert plan.schedule == ("x", "c", "a", "b", "d", "r")
    assert [each.kind for each in plan.allocations] == [
        *("argument", "constant", "result", "scratch", "temporary"),
    ]
    assert plan.allocations[4] == Allocation(4, 96, "temporary")
    assert Value("d", 4, 64, 32, 4, 5) in plan.values
    assert "inside" not in [value.name for value in plan.values]
    assert (plan.size("result", "temporary"), plan.size("constant")) == (160, 4)
    assert [value.name for value in plan.values_in("result")] == ["a", "r"]
    own = plan.values_in("result", "temporary")
    assert [alive(own, step) for step in range(7)] == [0, 0, 32, 96, 96, 160, 64]
    assert plan.collisions() == plan.in_place() == []


def test_what_begins_where_another_ends_is_written_in_place() -> None:
    plan = memory_plan(ASSIGNMENT.replace("offset=64", "offset=0"), LIVE.replace("b{}:3-5", "b{}:3-4"))
    assert [(old.name, new.name) for old, new in plan.in_place()] == [("b", "d")]
    assert plan.collisions() == []


def test_two_values_that_are_needed_at_once_collide() -> None:
    plan = memory_plan(ASSIGNMENT.replace("offset=64", "offset=32"), LIVE)
    assert [(old.name, new.name) for old, new in plan.collisions()] == [("b", "d")]


def test_two_results_of_one_kernel_collide_even_if_one_is_never_read() -> None:
    plan = memory_plan(ASSIGNMENT.replace("offset=64", "offset=0"), LIVE.replace("b{}:3-5", "b{}:4-4"))
    assert [(old.name, new.name) for old, new in plan.collisions()] == [("b", "d")]
    assert plan.in_place() == []


def test_an_unknown_kind_of_allocation_is_named() -> None:
    with pytest.raises(ValueError, match="XLA describes as 'on loan'"):
        memory_plan("allocation 0: size 4, on loan:\n", LIVE)


HLO = """HloModule jit_f

%inside (p: f32[4,8]) -> f32[4] {
  %p = f32[4,8]{1,0} parameter(0)
  %z = f32[] constant(0)
  %two = f32[4,8]{1,0} multiply(%p, %p)
  ROOT %sum = f32[4]{0} reduce(%two, %z), dimensions={1}, to_apply=%add
}

%scaled (q: f32[4]) -> (f32[4], pred[4]) {
  %q = f32[4]{0} parameter(0)
  %n = f32[4]{0} negate(%q)
  %c = pred[4]{0} compare(%q, %n), direction=LT
  ROOT %both = (f32[4]{0}, pred[4]{0}) tuple(%n, %c)
}

ENTRY %main (x: f32[4,8], w: bf16[8,2]) -> f32[4,2] {
  %x = f32[4,8]{1,0} parameter(0)
  %w = bf16[8,2]{1,0} parameter(1)
  %lib = f32[4]{0} fusion(%x), kind=kCustom, calls=%inside, backend_config={"fusion_config":{}}
  %loop = (f32[4]{0}, pred[4]{0}) fusion(%lib), kind=kLoop, calls=%scaled
  %first = f32[4]{0} get-tuple-element(%loop), index=0
  ROOT %product = f32[4,2]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}
"""


def test_kernels_have_kinds_bytes_and_what_was_fused() -> None:
    found = {each.name: each for each in kernels(HLO)}
    assert list(found) == ["lib", "loop", "product"]
    library, loop, product = found.values()
    assert (library.kind, library.read, library.written) == ("library fusion", 128, 16)
    assert library.opcodes == ("multiply", "reduce")
    assert (loop.kind, loop.read, loop.written) == ("loop fusion", 16, 16 + 4)
    assert loop.opcodes == ("negate", "compare")
    assert (product.kind, product.read, product.written) == ("dot", 128 + 32, 32)
    assert product.opcodes == ("dot",)


def test_a_module_that_computes_nothing_has_no_kernels() -> None:
    assert kernels(re.sub(r"  (ROOT )?%(lib|loop|first|product) = .*\n", "", HLO)) == []
