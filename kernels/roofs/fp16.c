/* fmla of eight binary16. */
#include "peak.h"

#include <arm_neon.h>

static inline float16x8_t zero_f16(void) { return vdupq_n_f16(0); }

static double total_f16(float16x8_t v) {
    double sum = 0;
    for (int i = 0; i < 8; i++)
        sum += (double)v[i];
    return sum;
}

#define F16_STEP(s, x, y) vfmaq_f16(s, x, y)
PEAK(f16_fma, CHAINS_16, 8, float16x8_t, float16x8_t, vld1q_f16, zero_f16, F16_STEP, total_f16);
