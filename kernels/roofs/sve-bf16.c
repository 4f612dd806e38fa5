/* bfdot and bfmmla of SVE: 8 and 16 multiply-adds in every 128 bits. */
#include "peak.h"

#include <arm_sve.h>

static inline svfloat32_t zero_f32(void) { return svdup_f32(0); }
static inline svbfloat16_t load_bf16(const void *p) { return svld1_bf16(svptrue_b16(), p); }
static inline double total_f32(svfloat32_t v) { return (double)svaddv_f32(svptrue_b32(), v); }

#define DOT_STEP(s, x, y) svbfdot_f32(s, x, y)
PEAK(bf16_dot, CHAINS_16, svcnth(), svfloat32_t, svbfloat16_t, load_bf16, zero_f32, DOT_STEP,
     total_f32);

#define MMLA_STEP(s, x, y) svbfmmla_f32(s, x, y)
PEAK(bf16_mmla, CHAINS_16, 2 * svcnth(), svfloat32_t, svbfloat16_t, load_bf16, zero_f32, MMLA_STEP,
     total_f32);
