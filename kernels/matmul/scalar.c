/* The plain algorithm, one multiply and one add at a time: what a core does without vectors.
 *
 * Blocked over k so that a strip of B stays in the first-level cache; each row of C is a sum of
 * rows of B.  Compiled without auto-vectorisation.
 * Bound: one multiply and one add a cycle need two scalar pipes: 2 operations a cycle on N1,
 * 4 on V1, V2 and V3.
 */
#include "armbench.h"

#include "narrow.h"

#define K_BLOCK 64   /* rows of B per phase */
#define N_BLOCK 128  /* columns of B: K_BLOCK x N_BLOCK floats are 32 KB */
#define M_GRAIN 32   /* rows of C per grain */
#define GROUP 32     /* k that share a scale in int4 */
#define GROUP_BYTES 18

static uint64_t grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    (void)phase, (void)threads;
    return (uint64_t)(params[0] + M_GRAIN - 1) / M_GRAIN;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* SUM: what products are summed in, of a strip of N_BLOCK columns of a row; ROUND: to C's type. */
#define PLAIN(operation, SOURCE, SUM, OUT, VALUE, ROUND)                                          \
    static void operation##_run(const ab_call *call, uint64_t phase, uint64_t grain) {            \
        const int64_t m = call->params[0], n = call->params[1], k = call->params[2];              \
        const SOURCE *restrict a = call->operands[0];                                             \
        OUT *restrict c = call->operands[2];                                                      \
        const int64_t first = (int64_t)grain * M_GRAIN, last = least(m, first + M_GRAIN);         \
        SUM sums[M_GRAIN][N_BLOCK];                                                               \
        (void)phase;                                                                              \
        for (int64_t n0 = 0; n0 < n; n0 += N_BLOCK) {                                             \
            const int64_t columns = least(N_BLOCK, n - n0);                                       \
            for (int64_t i = 0; i < last - first; i++)                                            \
                for (int64_t j = 0; j < columns; j++)                                             \
                    sums[i][j] = 0;                                                               \
            for (int64_t k0 = 0; k0 < k; k0 += K_BLOCK)                                           \
                for (int64_t i = first; i < last; i++) {                                          \
                    SUM *restrict sum = sums[i - first];                                          \
                    for (int64_t p = k0; p < least(k, k0 + K_BLOCK); p++) {                       \
                        const SUM x = (SUM)VALUE(a[i * k + p]);                                   \
                        const SOURCE *restrict b = (const SOURCE *)call->operands[1] + p * n + n0; \
                        for (int64_t j = 0; j < columns; j++)                                     \
                            sum[j] += x * (SUM)VALUE(b[j]);                                       \
                    }                                                                             \
                }                                                                                 \
            for (int64_t i = first; i < last; i++)                                                \
                for (int64_t j = 0; j < columns; j++)                                             \
                    c[i * n + n0 + j] = ROUND(sums[i - first][j]);                                \
        }                                                                                         \
    }                                                                                             \
    AB_VARIANT(operation, .grains = grains, .run = operation##_run)

#define AS_IT_IS(x) (x)

PLAIN(f64, double, double, double, AS_IT_IS, AS_IT_IS);
PLAIN(f32, float, float, float, AS_IT_IS, AS_IT_IS);
PLAIN(f16, uint16_t, float, uint16_t, f16_value, f16_bits);
PLAIN(bf16, uint16_t, float, uint16_t, bf16_value, bf16_bits);
PLAIN(int8, int8_t, int32_t, int32_t, AS_IT_IS, AS_IT_IS);

/* ---- int4 ----------------------------------------------------------------------------------- */

static int int4_accepts(const int64_t *params) { return params[2] % GROUP == 0; }

/* A group of a row of A as integers; its scale. */
static float quantise(const float *x, int8_t *q) {
    float most = 0;
    for (int i = 0; i < GROUP; i++) {
        float magnitude = x[i] < 0 ? -x[i] : x[i];
        most = magnitude > most ? magnitude : most;
    }
    const float scale = most / 127;
    for (int i = 0; i < GROUP; i++)
        q[i] = (int8_t)nearest_even(x[i] / (scale > 0 ? scale : 1));
    return scale;
}

static float dot4(const int8_t *q, const uint8_t *weights) {
    int32_t sum = 0;
    for (int i = 0; i < GROUP / 2; i++) {
        const uint8_t both = weights[2 + i];
        sum += q[i] * ((both & 15) - 8) + q[i + GROUP / 2] * ((both >> 4) - 8);
    }
    return (float)sum * f16_value((uint16_t)(weights[0] | weights[1] << 8));
}

static void int4_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t m = call->params[0], n = call->params[1], groups = call->params[2] / GROUP;
    const float *a = call->operands[0];
    const uint8_t *b = call->operands[1];
    float *c = call->operands[2];
    const int64_t first = (int64_t)grain * M_GRAIN, last = least(m, first + M_GRAIN);
    (void)phase;
    for (int64_t i = first; i < last; i++) {
        for (int64_t j = 0; j < n; j++)
            c[i * n + j] = 0;
        for (int64_t g = 0; g < groups; g++) {
            int8_t q[GROUP];
            const float scale = quantise(a + (i * groups + g) * GROUP, q);
            for (int64_t j = 0; j < n; j++)
                c[i * n + j] += scale * dot4(q, b + (j * groups + g) * GROUP_BYTES);
        }
    }
}

AB_VARIANT(int4_packed, .accepts = int4_accepts, .grains = grains, .run = int4_run);
