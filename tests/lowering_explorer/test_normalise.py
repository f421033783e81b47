"""What varies between two processes goes; what the compiler wrote stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowering_explorer.normalise import normalised

FOLDER = Path("/captures/one")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<function f at 0x7f3a5c0d1e20>", "<function f>"),
        ("PackedFunc(0x7f3a5c0d1e20)", "PackedFunc(ADDRESS)"),
        ("        vmovd  xmm0,0x3f800000", "        vmovd  xmm0,0x3f800000"),
        (
            "  ISETP.GT.U32.AND P0, PT, R14, 0x727fffff, PT ;",
            "  ISETP.GT.U32.AND P0, PT, R14, 0x727fffff, PT ;",
        ),
        ("/captures/one/work/kernel.py", "FOLDER/work/kernel.py"),
        ("latency = 12.5 us", "latency = TIME us"),
    ],
)
def test_leaves_out_what_varies(text: str, left: str) -> None:
    assert normalised(text, "/elsewhere/source.py", FOLDER) == f"{left}\n"
