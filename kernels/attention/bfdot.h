/* The tiles of narrow.h for a cache of bf16: bfdot adds the products of two neighbours to a sum.
 *
 * Scores: 4 keys x 4 queries of sums.  Outputs: two keys are zipped, 4 vectors x 4 queries.
 *
 * Besides sve.h's or neon.h's operations and bfmmla.h's `bits`, an instruction set defines
 *   load_some(p, n)             zeros from the n-th element on
 *   dot(c, a, b)                c + products of neighbours
 *   dot_element(c, a, w, e)     likewise with the e-th pair of every 128 bits of w
 *   zip_low zip_high
 */
#ifndef ARMBENCH_ATTENTION_BFDOT_H
#define ARMBENCH_ATTENTION_BFDOT_H

#include "cache.h"
#include "sums.h"

#include <string.h>

#define CACHE BF16
#define PARTS 1

typedef uint16_t kv;
typedef uint16_t query;
typedef uint16_t row;

static float prepare_query(attention_shape s, const query *q, int64_t elements, row *rows) {
    memset(rows, 0, (size_t)elements * sizeof *rows);
    memcpy(rows, q, (size_t)s.head_dim * sizeof *rows);
    return query_scale(s);
}

static float prepare_weights(const near_block *b, const float *p, row *weights) {
    memset(weights, 0, NEAR * sizeof *weights);
    narrow(p, b->keys, weights);
    return 1;
}

static void store_outputs(int64_t n, const float *from, query *o) {
    narrow(from, n, o);
}

INLINE const uint16_t *key_row(const near_block *b, int64_t r) {
    return (const uint16_t *)near_row(b, min_of(r, b->keys - 1));
}

/* ---- scores ------------------------------------------------------------------------------ */

#define ZERO(i, h) vec sum##i##h = splat(0);
#define ROW(i) const uint16_t *row##i = key_row(b, r + (i));
#define KEY(i) bits k##i = load_bits(row##i + p);
#define KEY_END(i) bits k##i = load_some(row##i + p, b->head_dim - p);
#define QUERY(h) bits q##h = load_bits(q + (h) * elements + p);
#define DOT(i, h) sum##i##h = dot(sum##i##h, k##i, q##h);
#define STORE_DOTS(h) \
    store_four_sums(scores + (h) * SCORES_STRIDE + r, sum0##h, sum1##h, sum2##h, sum3##h);
#define DOTS(n) \
    case n: { \
        int64_t p = 0; \
        EACH_4(ROW) FOUR_BY_##n(ZERO) \
        for (; p + 2 * LANES <= b->head_dim; p += 2 * LANES) { \
            EACH_4(KEY) EACH_##n(QUERY) FOUR_BY_##n(DOT) \
        } \
        if (p < b->head_dim) { \
            EACH_4(KEY_END) EACH_##n(QUERY) FOUR_BY_##n(DOT) \
        } \
        EACH_##n(STORE_DOTS) \
        break; \
    }

static NOINLINE void bf16_dots_tile(int64_t queries, const near_block *b, int64_t r, const row *q,
                                    int64_t elements, float *scores) {
    switch (queries) { SHARES(DOTS) }
}

static void dots(int64_t queries, const near_block *b, const row *q, int64_t elements,
                 const float *factors, float *scores) {
    int64_t row_bytes = b->head_dim * (int64_t)sizeof(kv);
    for (int64_t r = 0; r < b->keys; r += 4) {
        prefetch_bytes(b, r * row_bytes, 4 * row_bytes);
        bf16_dots_tile(queries, b, r, q, elements, scores);
    }
    for (int64_t h = 0; h < queries; h++)
        for (int64_t r = 0; r < b->keys; r++)
            scores[h * SCORES_STRIDE + r] *= factors[h];
}

_Static_assert(LOT == NEAR, "outputs step from row to row of a block");

/* ---- outputs ----------------------------------------------------------------------------- */

#define WEIGHTS(h) bits w##h = repeat_pair(weights + (h) * NEAR + r);
#define WEIGH(j, h) sum##j##h = dot_element(sum##j##h, x##j, w##h, e);
#define IN_TURN \
    const uint16_t *even = value, *odd = value + step; \
    value += 2 * step;
#define CLAMPED \
    const uint16_t *even = key_row(b, r + 2 * e) + i, *odd = key_row(b, r + 2 * e + 1) + i;
#define ALL(p, n) load_bits(p)
#define VALUES(LOAD) \
    bits even0 = LOAD(even, width), odd0 = LOAD(odd, width); \
    bits even1 = LOAD(even + 2 * LANES, width - 2 * LANES); \
    bits odd1 = LOAD(odd + 2 * LANES, width - 2 * LANES); \
    bits x0 = zip_low(even0, odd0), x1 = zip_high(even0, odd0); \
    bits x2 = zip_low(even1, odd1), x3 = zip_high(even1, odd1);
#define ADD(j, h) \
    if (i + (j) * LANES < b->head_dim) { \
        float *to = o + (h) * o_stride + (j) * LANES; \
        store(to, add(load(to), sum##j##h)); \
    }
#define WEIGH_KEYS(n, ROWS, LOAD, keys) \
    for (; r < (keys); r += 8) { \
        EACH_##n(WEIGHTS) \
        UNROLL for (int e = 0; e < 4; e++) { ROWS VALUES(LOAD) FOUR_BY_##n(WEIGH) } \
    }
#define WEIGH_ALL(n) \
    case n: { \
        int64_t r = 0; \
        FOUR_BY_##n(ZERO) \
        WEIGH_KEYS(n, IN_TURN, ALL, whole) \
        WEIGH_KEYS(n, CLAMPED, load_up_to, b->keys) \
        FOUR_BY_##n(ADD) \
        break; \
    }

/* A vector, of which n elements exist, or more. */
INLINE bits load_up_to(const uint16_t *p, int64_t n) {
    return n < 2 * LANES ? load_some(p, n) : load_bits(p);
}

/* o += weights x v, for 4 vectors from element i on. */
static NOINLINE void bf16_weigh_tile(int64_t queries, const near_block *b, int64_t i,
                                     const row *weights, float *o, int64_t o_stride) {
    const int64_t step = b->row_bytes / (int64_t)sizeof(kv), width = b->head_dim - i;
    const int64_t whole = width < 4 * LANES ? 0 : b->keys / 8 * 8;
    const uint16_t *value = key_row(b, 0) + i;
    switch (queries) { SHARES(WEIGH_ALL) }
}

static void weigh(int64_t queries, const near_block *b, const row *weights, const float *factors,
                  float *o, int64_t o_stride) {
    int64_t bytes = b->keys * 4 * LANES * (int64_t)sizeof(kv);
    (void)factors;
    for (int64_t i = 0; i < b->head_dim; i += 4 * LANES) {
        prefetch_bytes(b, i / (4 * LANES) * bytes, bytes);
        bf16_weigh_tile(queries, b, i, weights, o + i, o_stride);
    }
}

#undef ZERO

#include "narrow.h"

#endif
