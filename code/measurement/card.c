/* Kernels of the machine card: arithmetic in registers, and traffic to an array of a given size. */
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

typedef float vector __attribute__((vector_size(BYTES)));
enum { LANES = BYTES / sizeof(float), CHAINS = 12 }; /* chains hide the latency of a multiply-add */

int lanes(void) { return LANES; }

/* `steps` multiply-adds in each of CHAINS independent chains: 2 * steps * CHAINS * LANES FLOPs. */
float multiply_add(long steps, float factor, float term) {
    vector f = factor - (vector){0}, t = term - (vector){0};
    vector a = t, b = t + 1, c = t + 2, d = t + 3, e = t + 4, g = t + 5;
    vector h = t + 6, i = t + 7, j = t + 8, k = t + 9, l = t + 10, m = t + 11;
    for (long step = 0; step < steps; step++) {
        a = a * f + t; b = b * f + t; c = c * f + t; d = d * f + t; e = e * f + t; g = g * f + t;
        h = h * f + t; i = i * f + t; j = j * f + t; k = k * f + t; l = l * f + t; m = m * f + t;
    }
    vector sum = a + b + c + d + e + g + h + i + j + k + l + m;
    float result = 0;
    for (int lane = 0; lane < LANES; lane++) result += sum[lane];
    return result;
}

/* Read `vectors` vectors, a multiple of 8, `rounds` times. */
float read_array(const vector *array, long vectors, long rounds) {
    vector a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0}, g = {0}, h = {0};
    for (long round = 0; round < rounds; round++) {
        for (long i = 0; i < vectors; i += 8) {
            a += array[i]; b += array[i + 1]; c += array[i + 2]; d += array[i + 3];
            e += array[i + 4]; f += array[i + 5]; g += array[i + 6]; h += array[i + 7];
        }
        __asm__ volatile("" ::: "memory"); /* each round reads again */
    }
    vector sum = a + b + c + d + e + f + g + h;
    return sum[0];
}

/* Copy `vectors` vectors `rounds` times. */
void copy_array(vector *restrict target, const vector *restrict source, long vectors, long rounds) {
    for (long round = 0; round < rounds; round++) {
        for (long i = 0; i < vectors; i++) target[i] = source[i];
        __asm__ volatile("" ::: "memory");
    }
}
