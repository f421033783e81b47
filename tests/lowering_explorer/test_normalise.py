"""What differs between two captures goes; what the compiler said stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowering_explorer.normalise import normalised

FOLDER = Path("/var/folders/lowering-1a2b")
SOURCE = "/home/someone/project/model.py"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("call __compiled_fn_1_0f3c2b1a_90ab_4def_8123_456789abcdef(x)", "call __compiled_fn_1(x)"),
        ("___check_obj_id(L['f'], 140234567890), ok", "___check_obj_id(L['f'], ID), ok"),
        ("<function f at 0x7f93606a2b40>", "<function f>"),
        ("PackedFunc(0x7f3a5c0d1e20)", "PackedFunc(ADDRESS)"),
        ("latency = 12.5 us", "latency = TIME us"),
        (f'File "{SOURCE}", line 3', 'File "model.py", line 3'),
        (f"{FOLDER}/inductor/ab/cd.cpp:12", "FOLDER/inductor/ab/cd.cpp:12"),
        ("/usr/lib/env/site-packages/jax/_src/core.py", "jax/_src/core.py"),
        ("/opt/lib/python3.11/functools.py", "python/functools.py"),
        ("/tmp/ipykernel_4321/99.py", "99.py"),
    ],
)
def test_takes_out_what_varies(text: str, kept: str) -> None:
    assert normalised(text, SOURCE, FOLDER) == kept + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "        /*0010*/  LOP3.LUT P0, RZ, R15, 0x5f, RZ, 0xc0, !PT ;",
        "mov.b32 %r1, 0x3F800000;",
        "        vmovd  xmm0,0x3f800000",
        "  ISETP.GT.U32.AND P0, PT, R14, 0x727fffff, PT ;",
        "%c = arith.constant 0x7F800000 : f32",
        "store float 0x3EB0C6F7A0000000, ptr %x",
        "  a / b // c",
        '  <script>alert("&amp;")</script>',
    ],
)
def test_keeps_what_the_compiler_said(text: str) -> None:
    assert normalised(text, SOURCE, FOLDER) == text + "\n"


def test_ends_lines_without_blanks_and_the_text_with_one_newline() -> None:
    assert normalised("a  \n\tb\t\n\n\n", SOURCE, FOLDER) == "a\n\tb\n"
    assert normalised(" \n \n", SOURCE, FOLDER) == ""


def test_is_done_after_one_pass() -> None:
    text = f"f at 0x7f93606a2b40 in {FOLDER}/x and {SOURCE} /a/lib/python3.11/b.py  "
    once = normalised(text, SOURCE, FOLDER)
    assert normalised(once, SOURCE, FOLDER) == once
