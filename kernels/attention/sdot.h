/* The tiles of narrow.h for a cache of int8: sdot adds the products of four neighbours to a sum.
 *
 * Queries and probabilities, both f32, are numbers of 16 bits, 256 x high + low, in two rows of
 * int8: beside the cache's own 8 bits their rounding, below 2^-15 of a row's largest, is nothing.
 * Scores: 4 keys x 2 queries x 2 parts of sums.  Outputs: four keys are zipped, 2 vectors x 4
 * queries x 2 parts; weights are relative to the largest of a block.
 *
 * Besides sve.h's or neon.h's operations, an instruction set defines
 *   int8_vec int32_vec zeros    vectors; of int32
 *   load_bytes repeat_bytes      of a vector; of 16 bytes, repeated
 *   load_half load_some(p, n)   of half a vector; zeros from the n-th element on
 *   dot(c, a, b)                c + products of four neighbours
 *   dot_element(c, a, w, e)     likewise with the e-th four of every 128 bits of w
 *   zip_low zip_high
 *   joined(high, low)           256 x high + low in f32
 */
#ifndef ARMBENCH_ATTENTION_SDOT_H
#define ARMBENCH_ATTENTION_SDOT_H

#include "cache.h"
#include "sums.h"

#include <string.h>

#define CACHE INT8
#define PARTS 2
#define QUERIES_2(Q) Q(1) Q(2)
#define LARGEST 32512.0f /* 127 x 256 */

typedef int8_t kv;
typedef float query;
typedef int8_t row;

/* n numbers, in steps of the largest / LARGEST, as two rows; returns the step. */
INLINE float split(const float *x, int64_t n, int8_t *high, int8_t *low) {
    float largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    float steps = largest > 0 ? LARGEST / largest : 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t whole = (int32_t)(x[i] * steps + 32768.5f) - 32768; /* rounded */
        high[i] = (int8_t)((whole + 128) >> 8);
        low[i] = (int8_t)(whole - ((whole + 128) >> 8) * 256);
    }
    return largest / LARGEST;
}

static float prepare_query(attention_shape s, const query *q, int64_t elements, row *rows) {
    memset(rows, 0, (size_t)(PARTS * elements));
    return split(q, s.head_dim, rows, rows + elements) * query_scale(s);
}

static float prepare_weights(const near_block *b, const float *p, row *weights) {
    float scaled[NEAR];
    for (int64_t r = 0; r < b->keys; r++)
        scaled[r] = p[r] * *near_scales(b, r);
    memset(weights, 0, PARTS * NEAR);
    return split(scaled, b->keys, weights, weights + NEAR);
}

static void store_outputs(int64_t n, const float *from, query *o) {
    memcpy(o, from, (size_t)n * sizeof *o);
}

INLINE const int8_t *key_row(const near_block *b, int64_t r) {
    return (const int8_t *)near_row(b, min_of(r, b->keys - 1));
}

#define ZERO(i, h) int32_vec high##i##h = zeros(), low##i##h = zeros();

/* ---- scores ------------------------------------------------------------------------------ */

#define ROW(i) const int8_t *row##i = key_row(b, r + (i));
#define KEY(i) int8_vec k##i = load_bytes(row##i + p);
#define KEY_END(i) int8_vec k##i = load_some(row##i + p, b->head_dim - p);
#define QUERY(h) \
    int8_vec qh##h = load_bytes(q + 2 * (h) * elements + p); \
    int8_vec ql##h = load_bytes(q + (2 * (h) + 1) * elements + p);
#define DOT(i, h) \
    high##i##h = dot(high##i##h, k##i, qh##h); \
    low##i##h = dot(low##i##h, k##i, ql##h);
#define STORE_DOTS(h) \
    store_four_sums(scores + (h) * SCORES_STRIDE + r, joined(high0##h, low0##h), \
                    joined(high1##h, low1##h), joined(high2##h, low2##h), \
                    joined(high3##h, low3##h));
#define DOTS(n) \
    case n: { \
        int64_t p = 0; \
        EACH_4(ROW) FOUR_BY_##n(ZERO) \
        for (; p + 4 * LANES <= b->head_dim; p += 4 * LANES) { \
            EACH_4(KEY) EACH_##n(QUERY) FOUR_BY_##n(DOT) \
        } \
        if (p < b->head_dim) { \
            EACH_4(KEY_END) EACH_##n(QUERY) FOUR_BY_##n(DOT) \
        } \
        EACH_##n(STORE_DOTS) \
        break; \
    }

static NOINLINE void int8_dots_tile(int64_t queries, const near_block *b, int64_t r, const row *q,
                                    int64_t elements, float *scores) {
    switch (queries) { QUERIES_2(DOTS) }
}

static void dots(int64_t queries, const near_block *b, const row *q, int64_t elements,
                 const float *factors, float *scores) {
    for (int64_t r = 0; r < b->keys; r += 4) {
        prefetch_bytes(b, r * b->head_dim, 4 * b->head_dim);
        for (int64_t h = 0; h < queries; h += 2)
            int8_dots_tile(min_of(2, queries - h), b, r, q + h * PARTS * elements, elements,
                           scores + h * SCORES_STRIDE);
    }
    for (int64_t h = 0; h < queries; h++)
        for (int64_t r = 0; r < b->keys; r++)
            scores[h * SCORES_STRIDE + r] *= factors[h] * *near_scales(b, r);
}

_Static_assert(LOT == NEAR, "outputs step from row to row of a block");

/* ---- outputs ----------------------------------------------------------------------------- */

/* Sums and weights leave registers for the values of four keys, not of sixteen. */
#define NO_LOAD_MOVES_UP() __asm__ volatile("" ::: "memory")

#define WEIGHTS(h) \
    int8_vec wh##h = repeat_bytes(weights + 2 * (h) * NEAR + r); \
    int8_vec wl##h = repeat_bytes(weights + (2 * (h) + 1) * NEAR + r);
#define VALUE(i) \
    int8_vec v##i = load_half(value); \
    value += step;
#define VALUE_END(i) \
    const int8_t *end##i = key_row(b, r + 4 * e + (i)) + at; \
    int8_vec v##i = width < 2 * LANES ? load_some(end##i, width) : load_half(end##i);
#define WEIGH(j, h) \
    high##j##h = dot_element(high##j##h, x##j, wh##h, e); \
    low##j##h = dot_element(low##j##h, x##j, wl##h, e);
#define ADD(j, h) \
    if (at + (j) * LANES < b->head_dim) { \
        float *to = o + (h) * o_stride + (j) * LANES; \
        store(to, fma_of(joined(high##j##h, low##j##h), splat(factors[h]), load(to))); \
    }
#define WEIGH_KEYS(n, LOAD, keys) \
    for (; r < (keys); r += 16) { \
        EACH_##n(WEIGHTS) \
        UNROLL for (int e = 0; e < 4; e++) { \
            EACH_4(LOAD) \
            int8_vec even = zip_low(v0, v2), odd = zip_low(v1, v3); \
            int8_vec x0 = zip_low(even, odd), x1 = zip_high(even, odd); \
            TWO_BY_##n(WEIGH) \
            NO_LOAD_MOVES_UP(); \
        } \
    }
#define WEIGH_ALL(n) \
    case n: { \
        int64_t r = 0; \
        TWO_BY_##n(ZERO) \
        WEIGH_KEYS(n, VALUE, whole) \
        WEIGH_KEYS(n, VALUE_END, b->keys) \
        TWO_BY_##n(ADD) \
        break; \
    }

/* o += weights x v, for 2 vectors from element `at` on. */
static NOINLINE void int8_weigh_tile(int64_t queries, const near_block *b, int64_t at,
                                     const row *weights, const float *factors, float *o,
                                     int64_t o_stride) {
    const int64_t step = b->row_bytes, width = b->head_dim - at;
    const int64_t whole = width < 2 * LANES ? 0 : b->keys / 16 * 16;
    const int8_t *value = key_row(b, 0) + at;
    switch (queries) { SHARES(WEIGH_ALL) }
}

static void weigh(int64_t queries, const near_block *b, const row *weights, const float *factors,
                  float *o, int64_t o_stride) {
    int64_t bytes_read = b->keys * 2 * LANES;
    for (int64_t i = 0; i < b->head_dim; i += 2 * LANES) {
        prefetch_bytes(b, i / (2 * LANES) * bytes_read, bytes_read);
        int8_weigh_tile(queries, b, i, weights, factors, o + i, o_stride);
    }
}

#undef ZERO

#include "narrow.h"

#endif
