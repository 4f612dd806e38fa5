/* 4 x 24 tiles (six vectors of queries) in 24 of 32 registers.  Four elements of k or v share a
 * register, four of k's for the scores and one of v's for the output; the vectors they are
 * multiplied with pass through what is left.  Decode: 4 keys or 4 vectors of v x 4 queries in 16.
 *
 * Lives on fmla by element: 24 per step against 6 or 7 loads (ldp: half as many instructions), so
 * multiply-adds are the bound: 16 operations a cycle on N1 (two pipes), 32 on V1, V2 and V3
 * (four).  24 sums cover their latency of 4.  Decode needs 8 multiply-adds for every 32 bytes.
 */
#include "armbench.h"

#include <arm_neon.h>

#include "transpose.h"

#define LANES 4
#define ELEMENTS 4
#define ROWS 4
#define COLUMNS 6
#define WIDTHS(W) W(1) W(2) W(3) W(4) W(5) W(6)
#define KEYS 128
#define TILES 4
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define SPAN 4

typedef float32x4_t vec;
typedef float32x4_t left;

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

static inline left load_left(const float *p) { return vld1q_f32(p); }

/* `element` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) vec fma_left(left a, int element, vec b, vec c) {
    switch (element) {
    case 0: return vfmaq_laneq_f32(c, b, a, 0);
    case 1: return vfmaq_laneq_f32(c, b, a, 1);
    case 2: return vfmaq_laneq_f32(c, b, a, 2);
    default: return vfmaq_laneq_f32(c, b, a, 3);
    }
}

static inline void transpose(vec v[LANES]) { transpose4(v); }

#include "attention.h"
