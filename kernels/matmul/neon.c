/* 8 x 12 tiles of C in 24 of 32 registers, three for B and two for A, from their packed panels.
 *
 * Lives on fmla by element: 24 per step of k against 5 loads of 16 bytes, so the FMA pipes are
 * the bound: 16 operations a cycle on N1 (two pipes), 32 on V1, V2 and V3 (four), 8 on A72.
 * Four pipes with a latency of 4 cycles want 16 independent sums; there are 24.
 *
 * For few rows, 8 x 12 of B in 24 registers: 24 fmla per row against 2 loads of A and 3 loads
 * and stores of sums.
 */
#include "armbench.h"

#include <arm_neon.h>

#include "transpose.h"

typedef float element;

#define MR 8
#define NR 12
#define MC (16 * MR)
#define KC 384 /* both panels, 30 KB, stay in 64 KB of L1, and just so in the 32 KB of A72 */
#define NC (85 * NR)
#define STEPS 8
#define LANES 4
#define WHOLE_TILES
#define STREAMS 4 /* rows of B read side by side */

/* sum += b * a[i], where a is one vector or two and i is known when compiled. */
static inline __attribute__((always_inline)) float32x4_t fma_by(float32x4_t sum, float32x4_t b,
                                                                const float32x4_t a[2],
                                                                const int i) {
    switch (i) {
    case 0: return vfmaq_laneq_f32(sum, b, a[0], 0);
    case 1: return vfmaq_laneq_f32(sum, b, a[0], 1);
    case 2: return vfmaq_laneq_f32(sum, b, a[0], 2);
    case 3: return vfmaq_laneq_f32(sum, b, a[0], 3);
    case 4: return vfmaq_laneq_f32(sum, b, a[1], 0);
    case 5: return vfmaq_laneq_f32(sum, b, a[1], 1);
    case 6: return vfmaq_laneq_f32(sum, b, a[1], 2);
    default: return vfmaq_laneq_f32(sum, b, a[1], 3);
    }
}

/* ---- tile ---------------------------------------------------------------------------------- */

/* With fewer than 8 rows the loads of A reach into the next step, or past the panel into the
 * room that the workspace keeps there. */
static inline __attribute__((always_inline)) void tile_of(const int rows, int64_t depth,
                                                          const float *a, const float *b, float *c,
                                                          int64_t stride, int accumulate) {
    float32x4_t sum[MR][3];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = sum[i][2] = vdupq_n_f32(0);
    /* Two steps a turn: what a loop costs beside the fmla fits the six issue slots of V2. */
#pragma GCC unroll 2
    for (int64_t p = 0; p < depth; p++, a += rows, b += NR) {
        float32x4_t x[2] = {vld1q_f32(a), rows > 4 ? vld1q_f32(a + 4) : vdupq_n_f32(0)};
        float32x4_t b0 = vld1q_f32(b), b1 = vld1q_f32(b + 4), b2 = vld1q_f32(b + 8);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            sum[i][0] = fma_by(sum[i][0], b0, x, i);
            sum[i][1] = fma_by(sum[i][1], b1, x, i);
            sum[i][2] = fma_by(sum[i][2], b2, x, i);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++, c += stride)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            vst1q_f32(c + 4 * j,
                      accumulate ? vaddq_f32(sum[i][j], vld1q_f32(c + 4 * j)) : sum[i][j]);
}

static void whole_tile(int64_t rows, int64_t depth, const float *a, const float *b, float *c,
                       int64_t stride, int accumulate) {
    switch (rows) {
    case 1: tile_of(1, depth, a, b, c, stride, accumulate); break;
    case 2: tile_of(2, depth, a, b, c, stride, accumulate); break;
    case 3: tile_of(3, depth, a, b, c, stride, accumulate); break;
    case 4: tile_of(4, depth, a, b, c, stride, accumulate); break;
    case 5: tile_of(5, depth, a, b, c, stride, accumulate); break;
    case 6: tile_of(6, depth, a, b, c, stride, accumulate); break;
    case 7: tile_of(7, depth, a, b, c, stride, accumulate); break;
    case 8: tile_of(8, depth, a, b, c, stride, accumulate); break;
    }
}

/* ---- packing of A -------------------------------------------------------------------------- */

/* 4 x 4 floats of A, row by row, to four steps of a panel of 8 rows. */
static inline void pack4(const float *a, int64_t stride, float *packed) {
    float32x4_t v[4] = {vld1q_f32(a), vld1q_f32(a + stride), vld1q_f32(a + 2 * stride),
                        vld1q_f32(a + 3 * stride)};
    transpose4(v);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        vst1q_f32(packed + i * MR, v[i]);
}

/* A line of the next panel's rows is asked for where one of these begins. */
static void transpose_rows(const float *a, int64_t stride, int64_t rows, int64_t depth,
                           float *packed) {
    int64_t p = 0;
    for (; rows == MR && p + 4 <= depth; p += 4) {
        if (p % 16 == 0)
            for (int64_t i = 0; i < MR; i++)
                __builtin_prefetch(a + (i + MR) * stride + p, 0, 2);
        pack4(a + p, stride, packed + p * MR);
        pack4(a + 4 * stride + p, stride, packed + p * MR + 4);
    }
    for (; p < depth; p++)
        for (int64_t i = 0; i < rows; i++)
            packed[p * rows + i] = a[i * stride + p];
}

/* ---- strip --------------------------------------------------------------------------------- */

/* One line of what comes next is fetched with each row. */
static inline void update(int64_t rows, const float *a, int64_t a_stride, const float *b,
                          int64_t b_stride, float *sums, int accumulate, const float *ahead) {
    float32x4_t x[STEPS][3];
#pragma GCC unroll 8
    for (int p = 0; p < STEPS; p++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            x[p][j] = vld1q_f32(b + p * b_stride + 4 * j);
    for (int64_t i = 0; i < rows; i++, a += a_stride, sums += NR) {
        float32x4_t y[2] = {vld1q_f32(a), vld1q_f32(a + 4)};
        float32x4_t sum[3];
        if (i < STEPS * NR / 16)
            __builtin_prefetch(ahead + i * 16, 0, 2);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            sum[j] = accumulate ? vld1q_f32(sums + 4 * j) : vdupq_n_f32(0);
#pragma GCC unroll 8
        for (int p = 0; p < STEPS; p++)
#pragma GCC unroll 3
            for (int j = 0; j < 3; j++)
                sum[j] = fma_by(sum[j], x[p][j], y, p);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            vst1q_f32(sums + 4 * j, sum[j]);
    }
}

/* ---- stream -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void stream_of(
    const int rows, const int steps, int64_t columns, const float *a, int64_t a_stride,
    const float *b, float *c, int64_t stride, int accumulate) {
    for (int64_t j = 0; j < columns; j += LANES) {
        float32x4_t sum[4];
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[i] = accumulate ? vld1q_f32(c + i * stride + j) : vdupq_n_f32(0);
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++) {
            float32x4_t y = vld1q_f32(b + p * stride + j);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                sum[i] = vfmaq_n_f32(sum[i], y, a[i * a_stride + p]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            vst1q_f32(c + i * stride + j, sum[i]);
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
#include "neon_widening.h"
