/* fmla of eight binary16. */
#include "peak.h"

#include <arm_neon.h>

static inline float16x8_t zero_f16(void) { return vdupq_n_f16(0); }

static inline double total_f16(float16x8_t v) { /* in f32, for f16 counts to 2048 */
    float32x4_t low = vcvt_f32_f16(vget_low_f16(v));
    return (double)vaddvq_f32(vaddq_f32(low, vcvt_high_f32_f16(v)));
}

#define F16_STEP(s, x, y) vfmaq_f16(s, x, y)
PEAK_F16(f16_fma, CHAINS_16, 8, float16x8_t, float16x8_t, vld1q_f16, zero_f16, F16_STEP, total_f16);
