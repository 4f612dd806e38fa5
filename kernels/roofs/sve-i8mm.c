/* smmla of SVE: 32 multiply-adds in every 128 bits. */
#include "peak.h"

#include <arm_sve.h>

static inline svint32_t zero_s32(void) { return svdup_s32(0); }
static inline svint8_t load_s8(const void *p) { return svld1_s8(svptrue_b8(), p); }
static inline double total_s32(svint32_t v) { return (double)svaddv_s32(svptrue_b32(), v); }

#define INT8_STEP(s, x, y) svmmla_s32(s, x, y)
PEAK(int8_mmla, CHAINS_16, 2 * svcntb(), svint32_t, svint8_t, load_s8, zero_s32, INT8_STEP,
     total_s32);
