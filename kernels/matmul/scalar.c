/* The plain algorithm, one multiply and one add at a time: what a core does without vectors.
 *
 * Blocked over k so that a strip of B stays in the first-level cache; each row of C is a sum of
 * rows of B.  Compiled without auto-vectorisation.
 * Bound: one multiply and one add a cycle need two scalar pipes: 2 operations a cycle on N1,
 * 4 on V1, V2 and V3.
 */
#include "armbench.h"

#define K_BLOCK 64   /* rows of B per phase */
#define N_BLOCK 128  /* columns of B: K_BLOCK x N_BLOCK floats are 32 KB */
#define M_GRAIN 32   /* rows of C per grain */

static uint64_t phases(const int64_t *params) {
    (void)params;
    return 1;
}

static uint64_t grains(const int64_t *params, uint64_t phase) {
    (void)phase;
    return (uint64_t)(params[0] + M_GRAIN - 1) / M_GRAIN;
}

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static void run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t m = call->params[0], n = call->params[1], k = call->params[2];
    const float *a = call->operands[0], *b = call->operands[1];
    float *restrict c = call->operands[2];
    const int64_t first = (int64_t)grain * M_GRAIN, last = min(m, first + M_GRAIN);
    (void)phase;

    for (int64_t i = first * n; i < last * n; i++)
        c[i] = 0.0f;
    for (int64_t n0 = 0; n0 < n; n0 += N_BLOCK)
        for (int64_t k0 = 0; k0 < k; k0 += K_BLOCK)
            for (int64_t i = first; i < last; i++)
                for (int64_t p = k0; p < min(k, k0 + K_BLOCK); p++)
                    for (int64_t j = n0; j < min(n, n0 + N_BLOCK); j++)
                        c[i * n + j] += a[i * k + p] * b[p * n + j];
}

AB_VARIANT(f32, .phases = phases, .grains = grains, .run = run);
