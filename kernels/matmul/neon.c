/* f32: 8 x 12 tiles of C in 24 of 32 registers, three for B and two for A, from their packed panels
 * (neon_widening.h).
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

typedef float element;

#define NR 12
#define STEPS 8
#define LANES 4
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

#include "skinny.h"

#undef NR
#undef LANES
#include "neon_widening.h"
#include "ways.h"
