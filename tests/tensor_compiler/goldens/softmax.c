#include "runtime.h"
VECTORS(4)
VECTORS(16)

void softmax(s64 n, const f32 *restrict X, f32 *restrict Y, s32 threads) {
  (void)threads;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for schedule(static) nowait
    for (s64 i = 0; i < n; i++) {
      f32 row[100] __attribute__((aligned(64)));
      f32x16 peak_0;
      peak_0 = splat_f32x16(-INFINITY);
      for (s64 j0 = 0; j0 < 6; j0++) {
        peak_0 = max_f32x16(peak_0, load_f32x16(X + i * 100 + j0 * 16));
      }
      f32 top_0;
      top_0 = -INFINITY;
      top_0 = max_f32(top_0, reduce_max_f32x16(peak_0));
      top_0 = max_f32(top_0, reduce_max_f32x4(load_f32x4(X + i * 100 + 96)));
      f32 total_0;
      total_0 = 0.0f;
      for (s64 j1 = 0; j1 < 96; j1 += 16) {
        {
          const f32x16 e = exp_f32x16(load_f32x16(X + i * 100 + j1) - top_0);
          store_f32x16(row + j1, e);
          total_0 += reduce_add_f32x16(e);
        }
      }
      {
        const f32x4 e = exp_f32x4(load_f32x4(X + i * 100 + 96) - top_0);
        store_f32x4(row + 96, e);
        total_0 += reduce_add_f32x4(e);
      }
      const f32 inverse = 1.0f / total_0;
      __builtin_prefetch(X + i * 100 + 100, 0, 2);
      for (s64 j2 = 0; j2 < 96; j2 += 16) {
        stream_f32x16(Y + i * 100 + j2, load_f32x16(row + j2) * inverse);
      }
      stream_f32x4(Y + i * 100 + 96, load_f32x4(row + 96) * inverse);
    }
    stream_fence();
  }
}
