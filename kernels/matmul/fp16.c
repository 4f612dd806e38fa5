/* 8 x 24 tiles of C in 24 of 32 registers, three for B and one for A, from their packed panels.
 *
 * Lives on fmla .8h by element: 24 per step of k against 4 loads of 16 bytes, so the pipes are the
 * bound: 32 operations a cycle on N1 and N2 (two pipes), 64 on V1, V2 and V3 (four).  Sums are
 * binary16 within a block of KC steps of k, f32 across blocks, and rounded once.
 */
#include "armbench.h"

#include "neon_panels.h"
#include "neon_tile.h"

#define LEFT float16_t
#define RIGHT float16_t
#define SUM float
#define RESULT float32x4_t
#define ACCUMULATOR float16x8_t
#define ACCUMULATORS 24
#define DEPTH 1
#define MR 8
#define NR 24
#define MC (16 * MR)
#define KC 256 /* the most for which the operation is defined */
#define NC (42 * NR)
#define LEFT_STRIDE (KC + 32)
#define HEADS 0

NT_BY_ELEMENT(add_group, float16_t, float16_t, float16x8_t, float16x8_t, vld1q_f16, vld1q_f16,
              vfmaq_laneq_f16, 8, 1)
NP_PACK_TILE(pack_a, float16_t, float16_t, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(pack_b, float16_t, float16_t, NR, NP_AS_IT_IS)

static inline __attribute__((always_inline)) void finish(const int rows, const float16x8_t *sum,
                                                         float32x4_t (*out)[6]) {
#pragma GCC unroll 24
    for (int i = 0; i < 3 * rows; i++) {
        out[i / 3][i % 3 * 2] = vcvt_f32_f16(vget_low_f16(sum[i]));
        out[i / 3][i % 3 * 2 + 1] = vcvt_high_f32_f16(sum[i]);
    }
}

#define TILE f16
#define ADD_GROUP add_group
#define FINISH finish
#include "neon_tile.h"

#define OPERATION f16
#define SOURCE float16_t
#define OUT float16_t
#define PACK_TILE pack_a
#define PACK_B pack_b
#define ROUND (float16_t)
#include "panels.h"

PANELS(f16, f16);
