/* f32: 6 x 16 tiles of C in 12 of 16 registers, two for B, A broadcast from its packed panel
 * (widening.h).
 *
 * Lives on vfmadd231ps ymm: 12 per step of k against 2 loads of B and 6 broadcasts, so two FMA
 * pipes and two loads a cycle are the bound: 32 operations a cycle on Haswell to Granite Rapids
 * and on Zen 2 to Zen 5.
 *
 * For few rows, 6 x 16 of B in 12 registers: 12 vfmadd231ps per row against 6 broadcasts, 2
 * loads and 2 stores of sums.
 */
#include "armbench.h"

#include <immintrin.h>

typedef float element;

#define NR 16
#define STEPS 6
#define LANES 8
#define STREAMS 4 /* rows of B read side by side: with more, DRAM delivers less */

/* ---- strip --------------------------------------------------------------------------------- */

/* One line of what comes next is fetched with each row. */
static inline void update(int64_t rows, const float *a, int64_t a_stride, const float *b,
                          int64_t b_stride, float *sums, int accumulate, const float *ahead) {
    __m256 x[STEPS][2];
#pragma GCC unroll 6
    for (int p = 0; p < STEPS; p++) {
        x[p][0] = _mm256_loadu_ps(b + p * b_stride);
        x[p][1] = _mm256_loadu_ps(b + p * b_stride + LANES);
    }
    for (int64_t i = 0; i < rows; i++, a += a_stride, sums += NR) {
        __m256 left = accumulate ? _mm256_load_ps(sums) : _mm256_setzero_ps();
        __m256 right = accumulate ? _mm256_load_ps(sums + LANES) : _mm256_setzero_ps();
        if (i < STEPS)
            __builtin_prefetch(ahead + i * NR, 0, 2);
#pragma GCC unroll 6
        for (int p = 0; p < STEPS; p++) {
            __m256 y = _mm256_broadcast_ss(a + p);
            left = _mm256_fmadd_ps(y, x[p][0], left);
            right = _mm256_fmadd_ps(y, x[p][1], right);
        }
        _mm256_store_ps(sums, left);
        _mm256_store_ps(sums + LANES, right);
    }
}

/* ---- stream -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void stream_of(
    const int rows, const int steps, int64_t columns, const float *a, int64_t a_stride,
    const float *b, float *c, int64_t stride, int accumulate) {
    __m256 x[4][STREAMS], sum[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++)
            x[i][p] = _mm256_broadcast_ss(a + i * a_stride + p);
    for (int64_t j = 0; j < columns; j += LANES) {
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[i] = accumulate ? _mm256_loadu_ps(c + i * stride + j) : _mm256_setzero_ps();
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++) {
            __m256 y = _mm256_loadu_ps(b + p * stride + j);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                sum[i] = _mm256_fmadd_ps(x[i][p], y, sum[i]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            _mm256_storeu_ps(c + i * stride + j, sum[i]);
    }
}

#include "skinny.h"

#undef NR
#undef LANES
#include "widening.h"
#include "ways.h"
