"""The end of the norm in six languages, by hand after real captures, each with a trap for who looks for g.

Each multiplies by g, which comes in as `g`, `%arg1`, `%g.1`, or by an address: `in_ptr1`, `%1`, `rsi`.
"""

FX = """\
def forward(self, x, g):
    mul = x * x
    mean = mul.mean(-1, keepdim=True)
    rsqrt = torch.rsqrt(mean)
    mul_1 = x * rsqrt
    mul_2 = mul_1 * g
    return mul_2
"""
STABLEHLO = """\
func.func @main(%arg0: tensor<8x64xf32>, %arg1: tensor<64xf32>) -> tensor<8x64xf32> {
  %0 = stablehlo.multiply %arg0, %arg0 : tensor<8x64xf32>
  %5 = stablehlo.multiply %arg0, %4 : tensor<8x64xf32>
  %6 = stablehlo.broadcast_in_dim %arg1, dims = [1] : (tensor<64xf32>) -> tensor<1x64xf32>
  %7 = stablehlo.broadcast_in_dim %6, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<8x64xf32>
  %8 = stablehlo.multiply %5, %7 : tensor<8x64xf32>
  return %8 : tensor<8x64xf32>
}
"""
HLO = """\
ENTRY %main (x.1: f32[8,64], g.1: f32[64]) -> f32[8,64] {
  %multiply.1 = f32[8,64]{1,0} multiply(%x.1, %broadcast.4)
  %g.1 = f32[64]{0} parameter(1)
  %multiply.8 = f32[8,64]{1,0} broadcast(%g.1), dimensions={1}
  ROOT %root.9 = f32[8,64]{1,0} multiply(%multiply.1, %multiply.8)
}
"""
CPP = """\
for (long x1 = 0; x1 < 64; x1 += 16) {
    auto tmp0 = Vectorized<float>::loadu(in_ptr0 + x1 + 64 * x0);
    auto tmp1 = Vectorized<float>::loadu(in_ptr1 + 1 * x1);
    auto tmp2 = tmp0 * tmp7;
    auto tmp3 = tmp2 * tmp1;
    tmp3.store(out_ptr0 + x1 + 64 * x0);
}
"""
LLVM = """\
define void @kernel(ptr %0, ptr %1, ptr %2, <8 x float> %3) {
  %4 = load <8 x float>, ptr %1, align 4
  %10 = mul i64 %9, 64
  %11 = getelementptr float, ptr %0, i64 %10
  %12 = load <8 x float>, ptr %11, align 4
  %13 = fmul <8 x float> %12, %3
  %14 = fmul <8 x float> %13, %4
  store <8 x float> %14, ptr %2, align 4
  ret void
}
"""
X86 = """\
vmovups ymm0,YMMWORD PTR [rsi]
vmovups ymm1,YMMWORD PTR [rsi+0x20]
vbroadcastss ymm8,DWORD PTR [rcx]
vmulps ymm9,ymm8,YMMWORD PTR [rax]
vmulps ymm9,ymm9,ymm0
vmovups YMMWORD PTR [rdx],ymm9
vmulps ymm9,ymm8,YMMWORD PTR [rax+0x20]
vmulps ymm9,ymm9,ymm1
vmovups YMMWORD PTR [rdx+0x20],ymm9
vmovups ymm1,YMMWORD PTR [rcx]
vmulps ymm9,ymm9,ymm1
"""
