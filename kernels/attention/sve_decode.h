/* The tiles of decode.h on vectors of any length (sve_sums.h); the end of a head is a predicate. */
#ifndef ARMBENCH_ATTENTION_SVE_DECODE_H
#define ARMBENCH_ATTENTION_SVE_DECODE_H

#include "sve_sums.h"

#define FLOAT_BYTES (int64_t)sizeof(float)

INLINE svbool_t up_to(int64_t p, int64_t n) { return svwhilelt_b32_s64(p, n); }

#define LOAD_KEY(i) vec k##i = svld1_f32(lanes, row[i] + p);
#define LOAD_QUERY(h) vec q##h = svld1_f32(lanes, q + (h) * q_stride + p);
#define F32_DOT(i, h) sum##i##h = fma_of(k##i, q##h, sum##i##h);
#define F32_STORE_DOTS(h) store_four_sums(scores + (h) * SCORES_STRIDE, sum0##h, sum1##h, sum2##h, sum3##h);
#define F32_DOTS_OF(n) \
    case n: { \
        FOUR_BY_##n(F32_ZERO) \
        for (int64_t p = 0; p < b->head_dim; p += LANES) { \
            svbool_t lanes = up_to(p, b->head_dim); \
            prefetch_bytes(b, offset + FOUR * p * FLOAT_BYTES, FOUR * LANES * FLOAT_BYTES); \
            EACH_4(LOAD_KEY) EACH_##n(LOAD_QUERY) FOUR_BY_##n(F32_DOT) \
        } \
        EACH_##n(F32_STORE_DOTS) \
        break; \
    }

/* scores[h][i] = q[h] . row[i]; the first row is `offset` bytes into the block. */
INLINE void dots_of(int64_t queries, const near_block *b, const float *const row[FOUR],
                    int64_t offset, const float *q, int64_t q_stride, float *scores) {
    switch (queries) { SHARES(F32_DOTS_OF) }
}

#define LOAD_O(j, h) vec sum##j##h = svld1_f32(lanes##j, o + (h) * o_stride + i + (j) * LANES);
#define STORE_O(j, h) svst1_f32(lanes##j, o + (h) * o_stride + i + (j) * LANES, sum##j##h);
#define LANES_OF(j) svbool_t lanes##j = up_to(i + (j) * LANES, b->head_dim);
#define LOAD_WEIGHTS(h) vec a##h = repeat_four(p + (h) * SCORES_STRIDE + r);
#define LOAD_VALUE(j) vec x##j = svld1_f32(lanes##j, row + (j) * LANES);
#define F32_WEIGH(j, h) sum##j##h = fma_element(a##h, e, x##j, sum##j##h);
#define F32_WEIGH_OF(n) \
    case n: { \
        EACH_4(LANES_OF) FOUR_BY_##n(LOAD_O) \
        for (int64_t r = 0; r < b->keys; r += 4) { \
            EACH_##n(LOAD_WEIGHTS) \
            UNROLL for (int e = 0; e < 4; e++) { \
                const float *row = v + min_of(r + e, b->keys - 1) * b->head_dim; \
                prefetch_bytes(b, (i * b->keys + (r + e) * SPAN * LANES) * FLOAT_BYTES, \
                               SPAN * LANES * FLOAT_BYTES); \
                EACH_4(LOAD_VALUE) FOUR_BY_##n(F32_WEIGH) \
            } \
        } \
        FOUR_BY_##n(STORE_O) \
        break; \
    }

/* o[h] += sum over keys of p[h][key] v[key], for SPAN vectors from element i on. */
INLINE void weigh_of(int64_t queries, const near_block *b, int64_t i, const float *p, float *o,
                     int64_t o_stride) {
    const float *v = (const float *)near_row(b, 0) + i;
    switch (queries) { SHARES(F32_WEIGH_OF) }
}

INLINE void weigh_all(int64_t queries, const near_block *b, const float *p, float *o,
                      int64_t o_stride) {
    for (int64_t i = 0; i < b->head_dim; i += SPAN * LANES)
        weigh_of(queries, b, i, p, o, o_stride);
}

#endif
