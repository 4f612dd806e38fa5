/* flash.h's vector operations on SVE vectors of any length; a vector is only known at run time, so
 * LANES is an instruction, and vectors form no arrays. */
#ifndef ARMBENCH_ATTENTION_SVE_H
#define ARMBENCH_ATTENTION_SVE_H

#include "armbench.h"

#include <arm_sve.h>
#include <math.h>

#if defined(__clang__)
#define LANES ((int64_t)svcntw())
#else /* gcc 12 dies of loops over svcntw() that it understands */
#define LANES counted_lanes()
static inline int64_t counted_lanes(void) {
    int64_t lanes;
    __asm__("cntw %0" : "=r"(lanes));
    return lanes;
}
#endif

typedef svfloat32_t vec;

static inline svbool_t all(void) { return svptrue_b32(); }
static inline vec splat(float x) { return svdup_f32(x); }
static inline vec load(const float *p) { return svld1_f32(all(), p); }
static inline void store(float *p, vec v) { svst1_f32(all(), p, v); }
static inline vec load_first(const float *p, int64_t n) {
    return svld1_f32(svwhilelt_b32_s64(0, n), p);
}
static inline void store_first(float *p, int64_t n, vec v) {
    svst1_f32(svwhilelt_b32_s64(0, n), p, v);
}
static inline vec add(vec a, vec b) { return svadd_f32_x(all(), a, b); }
static inline vec sub(vec a, vec b) { return svsub_f32_x(all(), a, b); }
static inline vec mul(vec a, vec b) { return svmul_f32_x(all(), a, b); }
static inline vec div_of(vec a, vec b) { return svdiv_f32_x(all(), a, b); }
static inline vec max_of(vec a, vec b) { return svmax_f32_x(all(), a, b); }
static inline vec fma_of(vec a, vec b, vec c) { return svmla_f32_x(all(), c, a, b); }
static inline vec to_exponent(vec v) {
    return svreinterpret_f32_s32(svlsl_n_s32_x(all(), svreinterpret_s32_f32(v), 23));
}
static inline float first_of(vec v) { return svlasta_f32(all(), v); }
static inline float most_of(vec v) { return svmaxv_f32(all(), v); }
static inline float sum_of(vec v) { return svaddv_f32(all(), v); }

static inline vec add_neighbours(vec a, vec b) { return add(svuzp1_f32(a, b), svuzp2_f32(a, b)); }

/* out[i] = the sum over the lanes of the i-th vector; the length is a power of two. */
static inline void store_four_sums(float *out, vec a, vec b, vec c, vec d) {
    vec sums = add_neighbours(add_neighbours(a, b), add_neighbours(c, d));
    for (int64_t lanes = 4; lanes < LANES; lanes *= 2)
        sums = add_neighbours(sums, sums);
    store_first(out, 4, sums);
}

#endif
