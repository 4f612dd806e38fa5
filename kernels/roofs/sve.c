/* SVE: fmla and sdot of whatever length the vectors have. */
#include "peak.h"

#include <arm_sve.h>

#define ALL_64 svptrue_b64()
#define ALL_32 svptrue_b32()
#define ALL_16 svptrue_b16()

static inline svfloat64_t zero_f64(void) { return svdup_f64(0); }
static inline svfloat32_t zero_f32(void) { return svdup_f32(0); }
static inline svfloat16_t zero_f16(void) { return svdup_f16(0); }
static inline svint32_t zero_s32(void) { return svdup_s32(0); }
static inline svfloat64_t load_f64(const void *p) { return svld1_f64(ALL_64, p); }
static inline svfloat32_t load_f32(const void *p) { return svld1_f32(ALL_32, p); }
static inline svfloat16_t load_f16(const void *p) { return svld1_f16(ALL_16, p); }
static inline svint8_t load_s8(const void *p) { return svld1_s8(svptrue_b8(), p); }
static inline double total_f64(svfloat64_t v) { return svaddv_f64(ALL_64, v); }
static inline double total_f32(svfloat32_t v) { return (double)svaddv_f32(ALL_32, v); }
static inline double total_f16(svfloat16_t v) { /* in f32, for f16 counts to 2048 */
    svfloat32_t even = svcvt_f32_f16_x(ALL_32, v);
    svfloat16_t odd = svreinterpret_f16_u32(svlsr_n_u32_x(ALL_32, svreinterpret_u32_f16(v), 16));
    return total_f32(svadd_f32_x(ALL_32, even, svcvt_f32_f16_x(ALL_32, odd)));
}
static inline double total_s32(svint32_t v) { return (double)svaddv_s32(ALL_32, v); }

#define F64_STEP(s, x, y) svmla_f64_x(ALL_64, s, x, y)
PEAK(f64_fma, CHAINS_16, svcntd(), svfloat64_t, svfloat64_t, load_f64, zero_f64, F64_STEP, total_f64);

#define F32_STEP(s, x, y) svmla_f32_x(ALL_32, s, x, y)
PEAK(f32_fma, CHAINS_16, svcntw(), svfloat32_t, svfloat32_t, load_f32, zero_f32, F32_STEP, total_f32);

#define F16_STEP(s, x, y) svmla_f16_x(ALL_16, s, x, y)
PEAK_F16(f16_fma, CHAINS_16, svcnth(), svfloat16_t, svfloat16_t, load_f16, zero_f16, F16_STEP, total_f16);

#define INT8_STEP(s, x, y) svdot_s32(s, x, y)
PEAK(int8_dot, CHAINS_16, svcntb(), svint32_t, svint8_t, load_s8, zero_s32, INT8_STEP, total_s32);
