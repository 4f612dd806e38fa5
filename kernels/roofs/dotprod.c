/* sdot: 16 multiply-adds. */
#include "peak.h"

#include <arm_neon.h>

static inline int32x4_t zero_s32(void) { return vdupq_n_s32(0); }

#define INT8_STEP(s, x, y) vdotq_s32(s, x, y)
PEAK(int8_dot, CHAINS_16, 16, int32x4_t, int8x16_t, vld1q_s8, zero_s32, INT8_STEP, vaddvq_s32);
