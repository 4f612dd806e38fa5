/* Vectors without a compile-time size form no arrays: a tile's sums are variables that macros name.
 * Four elements of the side that is multiplied one by one are repeated in every 128 bits
 * (ld1rqw), where fmla picks one of them.
 */
#ifndef ARMBENCH_ATTENTION_SVE_SUMS_H
#define ARMBENCH_ATTENTION_SVE_SUMS_H

#include "sums.h"

#define F32_ZERO(i, j) vec sum##i##j = splat(0);

INLINE vec repeat_four(const float *p) { return svld1rq_f32(all(), p); }
INLINE vec repeat_first(const float *p, int64_t n) {
    return svld1rq_f32(svwhilelt_b32_s64(0, n), p);
}

/* `element` is a constant wherever this is inlined. */
INLINE vec fma_element(vec a, int element, vec b, vec c) {
    switch (element) {
    case 0: return svmla_lane_f32(c, b, a, 0);
    case 1: return svmla_lane_f32(c, b, a, 1);
    case 2: return svmla_lane_f32(c, b, a, 2);
    default: return svmla_lane_f32(c, b, a, 3);
    }
}

#endif
