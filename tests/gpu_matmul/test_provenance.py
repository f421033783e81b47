"""An operation is led back to the line of this package that asked for it."""

from __future__ import annotations

from pathlib import Path

from gpu_matmul import provenance, ring


def test_the_innermost_line_of_the_package_counts() -> None:
    folder = Path(provenance.__file__).parent
    source = Path(ring.__file__).read_text().splitlines()
    number = next(n for n, line in enumerate(source, 1) if "mbarrier.init(" in line)
    module = f'''module {{
  %a = ttg.local_alloc : () -> !ttg.memdesc<1xi64> loc(#loc1)
  %b = ttg.memdesc_index %a[%c0] : !ttg.memdesc<1xi64> loc(#loc1)
  ttng.init_barrier %b, 1 : !ttg.memdesc<1xi64> loc(#loc3)
  %c = arith.addi %d, %e : i32 loc(#loc1)
}} loc(#loc)
#loc = loc(unknown)
#loc1 = loc("/somewhere/else.py":3:4)
#loc2 = loc("{folder}/ring.py":{number}:8)
#loc3 = loc(callsite(#loc1 at #loc2))
'''
    assert provenance.operations(module) == [
        ("ttg.local_alloc", ""),
        ("ttng.init_barrier", "mbarrier.init(barriers.index(i), count=1)"),
    ]
