/* 14 x 32 tiles of C in 28 of 32 registers, two for B, A broadcast from its packed panel.
 *
 * Lives on vfmadd231ps zmm: 28 per step of k against 2 loads of B and 14 broadcasts, so two
 * FMA pipes are the bound on cores that load 128 bytes a cycle: 64 operations a cycle on Zen 5,
 * Sapphire Rapids and Granite Rapids, 32 where the data path is 256 bits (Zen 4).
 *
 * For few rows, 8 x 32 of B in 16 registers: 16 vfmadd231ps per row against 8 broadcasts, 2
 * loads and 2 stores of sums.  The bound is the same until B comes from memory.
 */
#include "armbench.h"

#include <immintrin.h>

#include "transpose.h"

typedef float element;

#define MR 14
#define NR 32
#define MC (14 * MR)
#define KC 256
#define NC 2048
#define STEPS 8
#define LANES 16
#define STREAMS 4 /* rows of B read side by side: with more, DRAM delivers less */

/* ---- tile ---------------------------------------------------------------------------------- */

static inline __mmask16 lanes_below(int64_t count) {
    return count >= LANES ? 0xffff : count <= 0 ? 0 : (__mmask16)((1u << count) - 1);
}

static inline __attribute__((always_inline)) void tile_of(
    const int rows, int64_t columns, int64_t depth, const float *a, const float *b, float *c,
    int64_t stride, int accumulate) {
    __m512 sum[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (int64_t p = 0; p < depth; p++, a += rows, b += NR) {
        __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + LANES);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            __m512 x = _mm512_set1_ps(a[i]);
            sum[i][0] = _mm512_fmadd_ps(x, b0, sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(x, b1, sum[i][1]);
        }
    }
    /* Masked even when whole: on Zen 5 that was 2 % faster at n = 1024 than plain stores. */
    __mmask16 left = lanes_below(columns), right = lanes_below(columns - LANES);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += stride) {
        if (accumulate) {
            sum[i][0] = _mm512_add_ps(sum[i][0], _mm512_maskz_loadu_ps(left, c));
            sum[i][1] = _mm512_add_ps(sum[i][1], _mm512_maskz_loadu_ps(right, c + LANES));
        }
        _mm512_mask_storeu_ps(c, left, sum[i][0]);
        _mm512_mask_storeu_ps(c + LANES, right, sum[i][1]);
    }
}

static void tile(int64_t rows, int64_t columns, int64_t depth, const float *a, const float *b,
                 float *c, int64_t stride, int accumulate) {
#define ROWS(r)                                                     \
    case r:                                                         \
        tile_of(r, columns, depth, a, b, c, stride, accumulate);    \
        break;
    switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7)
        ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
    }
#undef ROWS
}

/* ---- packing of A -------------------------------------------------------------------------- */

/* Each step also asks for the same columns of the next panel's rows: too many rows for the
 * hardware to follow. */
static void transpose_rows(const float *a, int64_t stride, int64_t rows, int64_t depth,
                           float *packed) {
    __mmask16 kept = lanes_below(rows);
    for (int64_t p = 0; p < depth; p += LANES) {
        __mmask16 valid = lanes_below(depth - p);
        __m512 v[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            __builtin_prefetch(a + (i + rows) * stride + p, 0, 2);
            v[i] = i < rows ? _mm512_maskz_loadu_ps(valid, a + i * stride + p)
                            : _mm512_setzero_ps();
        }
        transpose16(v);
        int64_t steps = depth - p < LANES ? depth - p : LANES;
        for (int64_t i = 0; i < steps; i++)
            _mm512_mask_storeu_ps(packed + (p + i) * rows, kept, v[i]);
    }
}

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

#include "gemm.h"

GEMM(f32);

#undef MR
#undef NR
#undef MC
#undef KC
#undef NC
#undef LANES
#include "widening.h"
