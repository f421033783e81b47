/* What generated code stands on: vector types by the number of their lanes, and functions on them.
 * `VECTORS(16)` defines f32x16 and the others, load_f32x16, exp_f32x16 and so on.
 * The polynomials of exp and tanh are those of Moshier's Cephes library (expf.c, tanhf.c).
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double f64;
typedef float f32;
typedef int64_t s64;
typedef int32_t s32;
typedef int16_t s16;
typedef int8_t s8;
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint16_t bf16;

/* No compiler turns a loop with this in it into vectors. GCC 12 at -O3 takes iterations of
 * A[i + 1, j + 2] = A[i, j + 1] + C[j + 1] for independent, which they are not. */
#define IN_ORDER __asm__("")

static inline f32 f32_from_bf16(bf16 x) {
  uint32_t bits = (uint32_t)x << 16;
  f32 value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline bf16 bf16_from_f32(f32 x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return x != x ? 0x7FC0 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

/* Division that rounds down, as Python's; that of u8 does anyway. */
#define FLOORED(T)                                                                            \
  static inline T floor_div_##T(T a, T b) { return a / b - ((a % b != 0) & ((a < 0) != (b < 0))); } \
  static inline T floor_mod_##T(T a, T b) { T r = a % b; return r + ((r != 0) & ((r < 0) != (b < 0)) ? b : 0); }
FLOORED(s64) FLOORED(s32) FLOORED(s8)
static inline u8 floor_div_u8(u8 a, u8 b) { return a / b; }
static inline u8 floor_mod_u8(u8 a, u8 b) { return a % b; }

#define EXTREMES(T)                                              \
  static inline T max_##T(T a, T b) { return a > b ? a : b; }    \
  static inline T min_##T(T a, T b) { return a < b ? a : b; }
EXTREMES(f64) EXTREMES(f32) EXTREMES(s64) EXTREMES(s32) EXTREMES(s8) EXTREMES(u8)

/* The scalar functions are libm's. */
#define SCALAR_FUNCTIONS(T, EXP, TANH, SQRT, ABS, FMA)                            \
  static inline T exp_##T(T x) { return EXP(x); }                                 \
  static inline T tanh_##T(T x) { return TANH(x); }                               \
  static inline T sigmoid_##T(T x) { return 1 / (1 + EXP(-x)); }                  \
  static inline T gelu_##T(T x) {                                                 \
    return x / (1 + EXP((T)-1.5957691216057308 * (x + (T)0.044715 * x * x * x))); \
  }                                                                               \
  static inline T sqrt_##T(T x) { return SQRT(x); }                               \
  static inline T rsqrt_##T(T x) { return 1 / SQRT(x); }                          \
  static inline T abs_##T(T x) { return ABS(x); }                                 \
  static inline T fma_##T(T x, T y, T z) { return FMA(x, y, z); }
SCALAR_FUNCTIONS(f32, expf, tanhf, sqrtf, fabsf, fmaf)
SCALAR_FUNCTIONS(f64, exp, tanh, sqrt, fabs, fma)

/* Memory that a thread keeps from call to call: an allocation each time would fault its pages in again. */
typedef struct {
  void *start;
  size_t bytes;
} Scratch;

static inline void *acquire(Scratch *scratch, size_t bytes) {
  if (bytes > scratch->bytes) {
    free(scratch->start);
    scratch->bytes = (bytes + 63) & ~(size_t)63;
    scratch->start = aligned_alloc(64, scratch->bytes);
    if (!scratch->start) {
      fprintf(stderr, "out of memory for a scratch buffer of %zu bytes\n", bytes);
      abort();
    }
  }
  return scratch->start;
}

/* Stores past the caches. They are ordered after all others only by a fence. */
#if defined(__x86_64__) && defined(__clang__)
#define STREAM(T, p, v) __builtin_nontemporal_store(v, (T *)(p))
#define stream_fence() __builtin_ia32_sfence()
#elif defined(__x86_64__)
typedef float stream_16 __attribute__((vector_size(16)));
typedef float stream_32 __attribute__((vector_size(32)));
typedef float stream_64 __attribute__((vector_size(64)));
#ifdef __AVX512F__
#define stream_bytes_64(p, v) __builtin_ia32_movntps512(p, (stream_64)v)
#endif
#ifdef __AVX__
#define stream_bytes_32(p, v) __builtin_ia32_movntps256(p, (stream_32)v)
#endif
#define stream_bytes_16(p, v) __builtin_ia32_movntps(p, (stream_16)v)
#define stream_fence() __builtin_ia32_sfence()
#else
#define stream_fence() ((void)0)
#endif

/* Loops over lanes become vector instructions where nothing around them is unrolled: never in a hot loop. */
#define LANES(N, statement) for (int l = 0; l < (N); l++) statement

/* M is the integer as wide as T: comparisons give it. */
#define TYPE(T, N) typedef T T##x##N __attribute__((vector_size(N * sizeof(T))));
#define VECTOR(T, M, N)                                                                            \
  typedef T T##x##N##_anywhere __attribute__((vector_size(N * sizeof(T)), aligned(1), may_alias)); \
  static inline T##x##N load_##T##x##N(const T *p) { return *(const T##x##N##_anywhere *)p; }      \
  static inline void store_##T##x##N(T *p, T##x##N v) { *(T##x##N##_anywhere *)p = v; }            \
  static inline T##x##N splat_##T##x##N(T x) {                                                     \
    M bits;                                                                                        \
    memcpy(&bits, &x, sizeof x);                                                                   \
    return (T##x##N)(bits - (M##x##N){});                                                          \
  }                                                                                                \
  static inline T##x##N select_##T##x##N(s32x##N mask, T##x##N a, T##x##N b) {                     \
    M##x##N m = __builtin_convertvector(mask, M##x##N);                                            \
    return (T##x##N)((m & (M##x##N)a) | (~m & (M##x##N)b));                                        \
  }

#define HALVE(N, half, statement) if (N > half) for (int l = 0, m = half; l < half; l++, m++) statement
#define REDUCTION(T, N, name, statement)                             \
  static inline T reduce_##name##_##T##x##N(T##x##N v) {             \
    HALVE(N, 8, statement) HALVE(N, 4, statement) HALVE(N, 2, statement) HALVE(N, 1, statement) \
    return v[0];                                                     \
  }
#define ARITHMETIC(T, M, N)                                   \
  static inline T##x##N max_##T##x##N(T##x##N a, T##x##N b) { \
    M##x##N m = a > b;                                        \
    return (T##x##N)((m & (M##x##N)a) | (~m & (M##x##N)b));   \
  }                                                           \
  static inline T##x##N min_##T##x##N(T##x##N a, T##x##N b) { \
    M##x##N m = a < b;                                        \
    return (T##x##N)((m & (M##x##N)a) | (~m & (M##x##N)b));   \
  }                                                           \
  REDUCTION(T, N, add, v[l] = v[l] + v[m];)                          \
  REDUCTION(T, N, mul, v[l] = v[l] * v[m];)                          \
  REDUCTION(T, N, max, v[l] = max_##T(v[l], v[m]);)                  \
  REDUCTION(T, N, min, v[l] = min_##T(v[l], v[m]);)

/* AVX-512 scales by 2^n in one step that overflows and underflows by itself: no choices after exp. */
#ifdef __AVX512F__
#define CLAMP(N, x)                                                                                    \
  if (N == 16)                                                                                         \
    asm("vmaxps %0, %1, %0\n\tvminps %0, %2, %0" /* NaN stays */                                       \
        : "+&v"(x) : "v"((f32x##N){} - 110.0f), "v"((f32x##N){} + 90.0f));
#define SCALE(N, p, n) if (N == 16) { asm("vscalefps %1, %0, %0" : "+v"(p) : "v"(n)); return p; }
#else
#define CLAMP(N, x)
#define SCALE(N, p, n)
#endif

#define FUNCTIONS(N)                                                                              \
  static inline f32x##N f32x##N##_from_bf16x##N(bf16x##N x) {                                     \
    return (f32x##N)(__builtin_convertvector(x, u32x##N) << 16);                                  \
  }                                                                                               \
  static inline bf16x##N bf16x##N##_from_f32x##N(f32x##N x) {                                     \
    u32x##N bits = (u32x##N)x;                                                                    \
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;                                              \
    u32x##N nan = (u32x##N)(x != x);                                                              \
    return __builtin_convertvector((nan & 0x7FC0) | (~nan & bits), bf16x##N);                     \
  }                                                                                               \
  static inline f32x##N sqrt_f32x##N(f32x##N x) { LANES(N, x[l] = sqrtf(x[l]);) return x; }       \
  static inline f32x##N rsqrt_f32x##N(f32x##N x) { return 1.0f / sqrt_f32x##N(x); }               \
  static inline f32x##N abs_f32x##N(f32x##N x) { return (f32x##N)((u32x##N)x & 0x7FFFFFFF); }     \
  static inline f32x##N fma_f32x##N(f32x##N x, f32x##N y, f32x##N z) {                            \
    LANES(N, x[l] = fmaf(x[l], y[l], z[l]);)                                                      \
    return x;                                                                                     \
  }                                                                                               \
  /* x = n ln 2 + r with |r| <= ln 2 / 2: adding 1.5 * 2^23 leaves n in the lowest bits. */       \
  static inline f32x##N exp_f32x##N(f32x##N x) {                                                  \
    CLAMP(N, x)                                                                                   \
    f32x##N shifted = x * 1.44269504088896341f + 12582912.0f;                                     \
    f32x##N n = shifted - 12582912.0f;                                                            \
    f32x##N r = x - n * 0.693359375f + n * 2.12194440e-4f;                                        \
    f32x##N p = r * 1.9875691500e-4f + 1.3981999507e-3f;                                          \
    p = p * r + 8.3334519073e-3f;                                                                 \
    p = p * r + 4.1665795894e-2f;                                                                 \
    p = p * r + 1.6666665459e-1f;                                                                 \
    p = p * r + 5.0000001201e-1f;                                                                 \
    p = p * (r * r) + r + 1.0f;                                                                   \
    SCALE(N, p, n)                                                                                \
    p = (f32x##N)((s32x##N)p + ((s32x##N)shifted << 23));                                         \
    p = select_f32x##N(x < -87.3365402f, (f32x##N){}, p);                                         \
    return select_f32x##N(x > 88.7228317f, splat_f32x##N(INFINITY), p);                           \
  }                                                                                               \
  static inline f32x##N sigmoid_f32x##N(f32x##N x) { return 1.0f / (1.0f + exp_f32x##N(-x)); }    \
  static inline f32x##N gelu_f32x##N(f32x##N x) {                                                 \
    return x / (1.0f + exp_f32x##N(-1.5957691216057308f * (x + 0.044715f * x * x * x)));          \
  }                                                                                               \
  static inline f32x##N tanh_f32x##N(f32x##N x) {                                                 \
    f32x##N size = abs_f32x##N(x), s = x * x;                                                     \
    f32x##N large = 1.0f - 2.0f / (exp_f32x##N(size + size) + 1.0f);                              \
    large = (f32x##N)((u32x##N)large | ((u32x##N)x & 0x80000000));                                \
    f32x##N p = s * -5.70498872745e-3f + 2.06390887954e-2f;                                       \
    p = p * s - 5.37397155531e-2f;                                                                \
    p = p * s + 1.33314422036e-1f;                                                                \
    p = p * s - 3.33332819422e-1f;                                                                \
    return select_f32x##N(size < 0.625f, x + x * s * p, large);                                   \
  }

#if defined(__x86_64__) && defined(__clang__)
#define STREAMS(N)                                                       \
  static inline void stream_f32x##N(f32 *p, f32x##N v) {                 \
    if ((uintptr_t)p % sizeof(v) == 0) STREAM(f32x##N, p, v);            \
    else store_f32x##N(p, v);                                            \
  }
#elif defined(__x86_64__)
#define STREAMS(N) STREAM_##N
#define STREAM_OF(N, B)                                                  \
  static inline void stream_f32x##N(f32 *p, f32x##N v) {                 \
    if ((uintptr_t)p % sizeof(v) == 0) stream_bytes_##B(p, v);           \
    else store_f32x##N(p, v);                                            \
  }
#define STREAM_4 STREAM_OF(4, 16)
#define STREAM_8 STREAM_OF(8, 32)
#define STREAM_16 STREAM_OF(16, 64)
#else
#define STREAMS(N) static inline void stream_f32x##N(f32 *p, f32x##N v) { store_f32x##N(p, v); }
#endif

#ifdef __FLT16_MANT_DIG__
typedef _Float16 f16;
#define HALF_VECTOR(N) TYPE(f16, N) VECTOR(f16, s16, N)
#else
#define HALF_VECTOR(N)
#endif

#define VECTORS(N)                                                                   \
  TYPE(f64, N) TYPE(f32, N) TYPE(s64, N) TYPE(s32, N) TYPE(u32, N) TYPE(s16, N)      \
  TYPE(s8, N) TYPE(u8, N) TYPE(bf16, N)                                              \
  VECTOR(f64, s64, N) VECTOR(f32, s32, N) VECTOR(s64, s64, N) VECTOR(s32, s32, N)    \
  VECTOR(s8, s8, N) VECTOR(u8, s8, N) VECTOR(bf16, s16, N) HALF_VECTOR(N)            \
  ARITHMETIC(f64, s64, N) ARITHMETIC(f32, s32, N) ARITHMETIC(s64, s64, N)            \
  ARITHMETIC(s32, s32, N) ARITHMETIC(s8, s8, N) ARITHMETIC(u8, s8, N)                \
  FUNCTIONS(N) STREAMS(N)

/* Tile instructions: tile.py has their meanings. gcc and clang name the builtins differently. */
#define TILE(instruction, T, acc, a, b)                                               \
  ({                                                                                  \
    T##x16 sum = acc;                                                                 \
    s32 few;                                                                          \
    memcpy(&few, a, 4);                                                               \
    asm(instruction " %2, %1, %0"                                                     \
        : "+v"(sum) : "v"(splat_s32x16(few)), "v"(load_s32x16((const s32 *)(b))));    \
    sum;                                                                              \
  })
#define dot4_u8s8(acc, a, b) TILE("vpdpbusd", s32, acc, a, b)
#define dot2_bf16(acc, a, b) TILE("vdpbf16ps", f32, acc, a, b)
