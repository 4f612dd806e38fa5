/* bfdot: 8 multiply-adds; bfmmla: 2 x 4 by 4 x 2, 16. */
#include "peak.h"

#include <arm_neon.h>

static inline float32x4_t zero_f32(void) { return vdupq_n_f32(0); }
static inline bfloat16x8_t load_bf16(const void *p) {
    return vreinterpretq_bf16_u16(vld1q_u16(p));
}

#define DOT_STEP(s, x, y) vbfdotq_f32(s, x, y)
PEAK(bf16_dot, CHAINS_16, 8, float32x4_t, bfloat16x8_t, load_bf16, zero_f32, DOT_STEP, vaddvq_f32);

#define MMLA_STEP(s, x, y) vbfmmlaq_f32(s, x, y)
PEAK(bf16_mmla, CHAINS_16, 16, float32x4_t, bfloat16x8_t, load_bf16, zero_f32, MMLA_STEP,
     vaddvq_f32);
