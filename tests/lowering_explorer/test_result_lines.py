"""What a text hands out is found in every language, by the line that computed it and by no other."""

from __future__ import annotations

import pytest

from lowering_explorer import Stage
from lowering_explorer.result_lines import result_lines

# Language, text by hand, and the lines (from 0) whose operation is a multiplication that is handed out.
TEXTS = {
    "jaxpr": (
        "{ lambda ; a:f32[8] b:f32[8]. let\n    c:f32[8] = mul a a\n    d:f32[8] = mul c b\n  in (d,) }\n",
        (2,),
    ),
    "hlo": (
        "%sum (p: f32[], q: f32[]) -> f32[] {\n  ROOT %add.1 = f32[] add(%p, %q)\n}\n\n"
        "%fused (p.1: f32[8], p.2: f32[8]) -> f32[8] {\n  ROOT %mul.1 = f32[8]{0} multiply(%p.1, %p.2)\n}\n\n"
        "%square (p.3: f32[8]) -> f32[8] {\n  ROOT %mul.2 = f32[8]{0} multiply(%p.3, %p.3)\n}\n\n"
        "ENTRY %main (x: f32[8], g: f32[8]) -> f32[8] {\n"
        "  %a = f32[8]{0} fusion(%x), kind=kLoop, calls=%square\n"
        "  ROOT %b = f32[8]{0} fusion(%a, %g), kind=kLoop, calls=%fused\n}\n",
        (5,),
    ),
    "mlir": (
        "%0 = arith.mulf %x, %x : tensor<8xf32>\n%1 = arith.mulf %0, %g : tensor<8xf32, #a>\n"
        "%2 = ttg.convert_layout %1 : tensor<8xf32, #a> -> tensor<8xf32, #b>\n"
        "tt.store %p, %2, %m : tensor<8x!tt.ptr<f32>>\n",
        (1,),
    ),
    "python": (
        "def forward(self, x, g):\n    mul = torch.ops.aten.mul.Tensor(x, x)\n"
        "    mul_1 = torch.ops.aten.mul.Tensor(mul, g)\n    return (mul_1,)\n",
        (2,),
    ),
    "cpp": (
        "auto tmp0 = load(in + static_cast<long>(x1 + 64L*x0));\nauto tmp1 = tmp0 * tmp0;\n"
        "sum[static_cast<long>(4L*x0)] = static_cast<float>(acc);\nauto tmp2 = tmp1 * tmp9;\n"
        "tmp2.store(out + static_cast<long>(x1 + 64L*x0));\n",
        (3,),
    ),
    "llvm": (
        "  %5 = fmul <8 x float> %x, %x\n  %6 = fmul <8 x float> %5, %g.1\n  %7 = fadd <8 x float> %6, %5\n"
        "  store <8 x float> %7, ptr %q, align 4\n  store <8 x float> %6, ptr %p, align 4\n",
        (1,),
    ),
    "ptx": (
        "\tmul.f32 \t%r6, %r1, %r4;\n\tmul.f32 \t%r7, %r2, %r5;\n\tmul.wide.s32 \t%rd9, %r15, 4;\n"
        "\t@%p1 st.global.v2.b32 [ %rd9 + 0 ], { %r6, %r7 };\n",
        (0, 1),
    ),
    "sass": (
        "        /*0340*/                   FMUL R5, R0.reuse, R16 ;\n"
        "        /*0350*/               @P0 FMUL R14, R5, R14 ;\n"
        "        /*0360*/                   FMUL R15, R5, R15 ;\n"
        "        /*0370*/                   STG.E.64 desc[UR4][R2.64], R14 ;\n",
        (1, 2),
    ),
}
INTEL = """\
    vmulps ymm9,ymm8,YMMWORD PTR [rax+rsi*4]
    vmulps ymm9,ymm9,ymm0
    vucomiss xmm9,xmm1
    vmovups YMMWORD PTR [rdx+rsi*4],ymm9
    vmulss xmm9,xmm9,xmm0
"""
AT_AND_T = """\
    vmulps      %zmm1, %zmm1, %zmm0
    vmulps      (%rax), %zmm0, %zmm2
    vmovaps     (%r15), %zmm0
    vmovaps     %zmm2, 768(%r14)
"""


@pytest.mark.parametrize("language", TEXTS)
def test_a_multiplication_that_is_handed_out_is_found_and_no_other(language: str) -> None:
    text, expected = TEXTS[language]
    assert result_lines(Stage("s", "loops", language, text), r"mul|MUL| \* ") == expected


@pytest.mark.parametrize("text", [INTEL, AT_AND_T])
def test_a_register_means_what_was_last_written_into_it_in_both_orders_of_operands(text: str) -> None:
    assert result_lines(Stage("s", "assembly", "x86", text), "mul") == (1,)


def test_values_are_followed_through_other_names() -> None:
    text = '%3 = fmul float %1, %2\n%4 = bitcast float %3 to i32\nasm "st.global.b32", "r,l"(i32 %4, i1 %5)\n'
    assert result_lines(Stage("s", "LLVM IR", "llvm", text)) == (0,)
    relax = "lv5: T = R.multiply(lv4, g)\ngv: T = lv5\nR.output(gv)\nreturn gv\n"
    assert result_lines(Stage("s", "tensor IR", "python", relax)) == (0,)
    inductor = "mul = ops.mul(a, b)\nstore = ops.store('buf1', get_index, mul, None)\nreturn store\n"
    assert result_lines(Stage("s", "loops", "python", inductor)) == (0,)


def test_an_index_is_no_operation() -> None:
    text = "T_sum[i * 64 + j] = x[i * 64 + j] + y[i]\nT_mul[i * 64 + j] = x[i * 64 + j] * g[j]\n"
    assert result_lines(Stage("s", "loops", "python", text), r" \* ") == (1,)


def test_what_is_returned_untouched_is_computed_nowhere() -> None:
    assert result_lines(Stage("s", "graph", "jaxpr", "{ lambda ; a:f32[8]. let  in (a,) }\n")) == ()


def test_an_excerpt_shows_the_lines() -> None:
    text, expected = TEXTS["jaxpr"]
    excerpt = Stage("trace", "graph", "jaxpr", text).results("mul")
    assert excerpt.numbers == expected
    assert "d:f32[8] = mul c b" in str(excerpt)
    assert "mul a a" not in str(excerpt)


def test_a_report_has_no_values_to_follow() -> None:
    with pytest.raises(
        ValueError,
        match=r"^stage 'guards' is text; values can be followed in hlo, jaxpr, mlir, python, cpp, cuda, "
        r"llvm, x86, ptx, sass$",
    ):
        Stage("guards", "Python", "text", "x == 1\n").results()
