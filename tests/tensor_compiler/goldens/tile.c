#include "runtime.h"
VECTORS(16)

void tile(const f32 *restrict A, const f32 *restrict B, f32 *restrict C, s32 threads) {
  (void)threads;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for schedule(static) nowait
    for (s64 io = 0; io < 2; io++) {
      f32x16 acc_0_0;
      f32x16 acc_0_1;
      f32x16 acc_1_0;
      f32x16 acc_1_1;
      acc_0_0 = splat_f32x16(0.0f);
      acc_0_1 = splat_f32x16(0.0f);
      acc_1_0 = splat_f32x16(0.0f);
      acc_1_1 = splat_f32x16(0.0f);
      for (s64 k = 0; k < 6; k++) {
        acc_0_0 += A[io * 12 + k] * load_f32x16(B + k * 32);
        acc_0_1 += A[io * 12 + k] * load_f32x16(B + k * 32 + 16);
        acc_1_0 += A[io * 12 + k + 6] * load_f32x16(B + k * 32);
        acc_1_1 += A[io * 12 + k + 6] * load_f32x16(B + k * 32 + 16);
      }
      store_f32x16(C + io * 64, max_f32x16(acc_0_0, splat_f32x16(0.0f)));
      store_f32x16(C + io * 64 + 16, max_f32x16(acc_0_1, splat_f32x16(0.0f)));
      store_f32x16(C + io * 64 + 32, max_f32x16(acc_1_0, splat_f32x16(0.0f)));
      store_f32x16(C + io * 64 + 48, max_f32x16(acc_1_1, splat_f32x16(0.0f)));
    }
  }
}
