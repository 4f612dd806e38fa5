/* flash.h's vector operations on 128-bit vectors. */
#ifndef ARMBENCH_ATTENTION_NEON_H
#define ARMBENCH_ATTENTION_NEON_H

#include "armbench.h"

#include <arm_neon.h>
#include <math.h>

#include "transpose.h"

#define LANES 4

typedef float32x4_t vec;

static inline vec splat(float x) { return vdupq_n_f32(x); }
static inline vec load(const float *p) { return vld1q_f32(p); }
static inline void store(float *p, vec v) { vst1q_f32(p, v); }
static inline vec load_first(const float *p, int64_t n) {
    float first[LANES] = {0};
    for (int64_t i = 0; i < LANES && i < n; i++)
        first[i] = p[i];
    return vld1q_f32(first);
}
static inline void store_first(float *p, int64_t n, vec v) {
    float first[LANES];
    vst1q_f32(first, v);
    for (int64_t i = 0; i < LANES && i < n; i++)
        p[i] = first[i];
}
static inline vec add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec div_of(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec max_of(vec a, vec b) { return vmaxq_f32(a, b); }
static inline vec fma_of(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec to_exponent(vec v) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(v), 23));
}
static inline float first_of(vec v) { return vgetq_lane_f32(v, 0); }
static inline float most_of(vec v) { return vmaxvq_f32(v); }
static inline float sum_of(vec v) { return vaddvq_f32(v); }
static inline void store_sums(float *out, const vec v[4]) {
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])));
}

static inline void store_four_sums(float *out, vec a, vec b, vec c, vec d) {
    store_sums(out, (vec[4]){a, b, c, d});
}
static inline void transpose(vec v[LANES]) { transpose4(v); }

#endif
