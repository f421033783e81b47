"""A lowering that no compiler made: small, with locations, changes between stages, and HTML in its text."""

from __future__ import annotations

from lowering_explorer import Capture, Lowering, Source, Stage

WILD = "<img src=x onerror=\"document.title='run'\">"

BEFORE = "".join(f"  %v{number} = f32[8]{{0}} add(%a, %b)\n" for number in range(20))
AFTER = BEFORE.replace("%v3 = f32[8]{0} add(", "%v3 = f32[8]{0} multiply(").replace("  %v9 =", "  ROOT %v9 =")
FROM_LINE_12 = tuple((12,) if number in (3, 9) else (11,) for number in range(20))

LOWERING = Lowering(
    "scale",
    ("f32[8]", "f32[8]"),
    Source(
        "scale.py",
        {
            4: "def helper(a):",
            5: "    return a",
            10: "def scale(a, b):",
            11: "    c = a + b",
            12: "    return c * b",
        },
    ),
    "a machine",
    (
        Capture(
            "xla",
            "0.1",
            (
                Stage("jaxpr", "graph", "jaxpr", "{ lambda ; a:f32[8]. let in () }\n"),
                Stage("HLO", "loops", "hlo", BEFORE, "jaxpr", FROM_LINE_12, {"operations": 20, "add": 20}),
                Stage(
                    "HLO after a pass",
                    "loops",
                    "hlo",
                    AFTER,
                    "HLO",
                    FROM_LINE_12,
                    {"add": 19, "multiply": 1, "operations": 21},
                    "A sum became a product.",
                ),
                Stage(
                    "assembly", "assembly", "x86", "  vmulps %ymm0, %ymm1, %ymm2\n  ret\n", "HLO after a pass"
                ),
            ),
            flags={"NPROC": "1"},
            seconds=1.5,
            megabytes=200.0,
        ),
        Capture(
            "inductor",
            "0.2",
            (Stage("C++", "loops", "cpp", f"// {WILD} & 𝛼\nfloat x = 1.0f;\n", source_lines=((), (12,))),),
            "inductor stopped after the stage 'C++': <b>no compiler</b>",
        ),
        Capture("tvm", "", (), "tvm needs apache-tvm, which is not installed"),
    ),
)
