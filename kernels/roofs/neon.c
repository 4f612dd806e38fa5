/* Advanced SIMD: fmla of 128 bits. */
#include "peak.h"

#include <arm_neon.h>

#define LANES 2
#include "bandwidth.h"

static inline float64x2_t zero_f64(void) { return vdupq_n_f64(0); }
static inline float32x4_t zero_f32(void) { return vdupq_n_f32(0); }

#define F64_STEP(s, x, y) vfmaq_f64(s, x, y)
PEAK(f64_fma, CHAINS_16, 2, float64x2_t, float64x2_t, vld1q_f64, zero_f64, F64_STEP, vaddvq_f64);

#define F32_STEP(s, x, y) vfmaq_f32(s, x, y)
PEAK(f32_fma, CHAINS_16, 4, float32x4_t, float32x4_t, vld1q_f32, zero_f32, F32_STEP, vaddvq_f32);
