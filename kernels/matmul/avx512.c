/* f32: 6 x 64 tiles of C in 24 of 32 registers, four for B, A broadcast from its packed panel
 * (widening.h, pair_tile.h).
 *
 * Lives on vfmadd231ps zmm: 24 per step of k against 4 loads of B and 6 broadcasts, so two
 * FMA pipes are the bound on cores that load 128 bytes a cycle: 64 operations a cycle on Zen 5,
 * Sapphire Rapids and Granite Rapids, 32 where the data path is 256 bits (Zen 4).
 *
 * For few rows, 8 x 32 of B in 16 registers: 16 vfmadd231ps per row against 8 broadcasts, 2
 * loads and 2 stores of sums.  The bound is the same until B comes from memory.
 */
#include "armbench.h"

#include <immintrin.h>

typedef float element;

#define NR 32
#define STEPS 8
#define LANES 16
#define STREAMS 4 /* rows of B read side by side: with more, DRAM delivers less */

/* ---- strip --------------------------------------------------------------------------------- */

/* One line of what comes next is fetched with each row. */
static inline void update(int64_t rows, const float *a, int64_t a_stride, const float *b,
                          int64_t b_stride, float *sums, int accumulate, const float *ahead) {
    __m512 x[STEPS][2];
#pragma GCC unroll 8
    for (int p = 0; p < STEPS; p++) {
        x[p][0] = _mm512_loadu_ps(b + p * b_stride);
        x[p][1] = _mm512_loadu_ps(b + p * b_stride + LANES);
    }
    for (int64_t i = 0; i < rows; i++, a += a_stride, sums += NR) {
        __m512 left = accumulate ? _mm512_load_ps(sums) : _mm512_setzero_ps();
        __m512 right = accumulate ? _mm512_load_ps(sums + LANES) : _mm512_setzero_ps();
        if (i < STEPS * NR / LANES)
            __builtin_prefetch(ahead + i * LANES, 0, 2);
#pragma GCC unroll 8
        for (int p = 0; p < STEPS; p++) {
            __m512 y = _mm512_set1_ps(a[p]);
            left = _mm512_fmadd_ps(y, x[p][0], left);
            right = _mm512_fmadd_ps(y, x[p][1], right);
        }
        _mm512_store_ps(sums, left);
        _mm512_store_ps(sums + LANES, right);
    }
}

/* ---- stream -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void stream_of(
    const int rows, const int steps, int64_t columns, const float *a, int64_t a_stride,
    const float *b, float *c, int64_t stride, int accumulate) {
    __m512 x[4][STREAMS], sum[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++)
            x[i][p] = _mm512_set1_ps(a[i * a_stride + p]);
    for (int64_t j = 0; j < columns; j += LANES) {
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[i] = accumulate ? _mm512_loadu_ps(c + i * stride + j) : _mm512_setzero_ps();
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++) {
            __m512 y = _mm512_loadu_ps(b + p * stride + j);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                sum[i] = _mm512_fmadd_ps(x[i][p], y, sum[i]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            _mm512_storeu_ps(c + i * stride + j, sum[i]);
    }
}

#include "skinny.h"

#undef NR
#undef LANES
#include "widening.h"
#include "ways.h"
