/* The tiles of prefill.h on vectors of any length (sve_sums.h): 4 keys or elements x up to COLUMNS
 * vectors of queries. */
#ifndef ARMBENCH_ATTENTION_SVE_PREFILL_H
#define ARMBENCH_ATTENTION_SVE_PREFILL_H

#include "sve_sums.h"

#define BY_ROW(i, j) sum##i##j = fma_element(a##i, e, x##j, sum##i##j);
#define BY_ELEMENT(i, j) sum##i##j = fma_element(a0, i, x##j, sum##i##j);
#define LOAD_COLUMN(j) vec x##j = load(b + e * QUERIES + (j) * LANES);
#define LOAD_ROW(i) vec a##i = repeat_four(row[i] + p);
#define LOAD_ROW_END(i) vec a##i = repeat_first(row[i] + p, depth - p);
#define STORE_SCORE(i, j) store(c + (i) * QUERIES + (j) * LANES, sum##i##j);
#define RESCALED(i, j) \
    vec sum##i##j = mul(load(rescale + (j) * LANES), load(c + (i) * QUERIES + (j) * LANES));

/* scores[i][j] = row[i][p] b[p][j] over p < depth */
#define SCORES_OF(n) \
    case n: { \
        FOUR_BY_##n(F32_ZERO) \
        for (; p + 4 <= depth; p += 4, b += 4 * QUERIES) { \
            EACH_4(LOAD_ROW) \
            UNROLL for (int e = 0; e < 4; e++) { EACH_##n(LOAD_COLUMN) FOUR_BY_##n(BY_ROW) } \
        } \
        if (p < depth) { \
            EACH_4(LOAD_ROW_END) \
            UNROLL for (int e = 0; e < 4; e++) { EACH_##n(LOAD_COLUMN) FOUR_BY_##n(BY_ROW) } \
        } \
        FOUR_BY_##n(STORE_SCORE) \
        break; \
    }

static NOINLINE void scores_tile(int64_t columns, int64_t depth, const float *const row[ROWS],
                                 const float *b, float *c) {
    int64_t p = 0;
    switch (columns) { WIDTHS(SCORES_OF) }
}

/* c[i][j] = rescale[j] c[i][j] + v[key][i] b[key][j] over keys */
#define VALUES_OF(n) \
    case n: { \
        const int e = 0; \
        FOUR_BY_##n(RESCALED) \
        for (int64_t r = 0; r < keys; r++, v += stride, b += QUERIES) { \
            vec a0 = repeat_four(v); \
            EACH_##n(LOAD_COLUMN) FOUR_BY_##n(BY_ELEMENT) \
        } \
        FOUR_BY_##n(STORE_SCORE) \
        break; \
    }

static NOINLINE void values_tile(int64_t columns, int64_t keys, const float *v, int64_t stride,
                                 const float *b, const float *rescale, float *c) {
    switch (columns) { WIDTHS(VALUES_OF) }
}

/* -inf in the first `count` lanes. */
INLINE vec mask_first(int64_t count) {
    return svdup_n_f32_z(svwhilelt_b32_s64(0, count), -INFINITY);
}

#endif
