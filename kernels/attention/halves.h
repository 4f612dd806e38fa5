/* The tiles of narrow.h for a cache of bf16 where nothing multiplies bf16: a vector of it is two
 * vectors of f32, the even elements shifted up and the odd ones masked.
 *
 * Queries lie as the halves of a vector do: the even elements of every 2 LANES, then the odd ones.
 * Scores: 4 keys x SHARED queries of sums.  Outputs: SPAN vectors, by pairs, x SHARED queries, zipped
 * when a block is done.
 *
 * Besides flash.h's operations, an instruction set defines
 *   bits                        a vector of 2 LANES elements of bf16
 *   load_bits load_some(p, n)   the latter with zeros from the n-th element on
 *   even_of odd_of              their halves in f32
 *   zip_low zip_high            of two halves, the first and the last LANES elements
 *   SHARED SHARES SPAN          as decode.h has them; SPAN is even
 */
#ifndef ARMBENCH_ATTENTION_HALVES_H
#define ARMBENCH_ATTENTION_HALVES_H

#include "cache.h"

#include <string.h>

#define CACHE BF16
#define PARTS 1
#define PAIR (2 * LANES)
#define PAIR_BYTES (PAIR * (int64_t)sizeof(uint16_t))

typedef uint16_t kv;
typedef uint16_t query;
typedef float row;

static float prepare_query(attention_shape s, const query *q, int64_t elements, row *to) {
    vec scale = splat(query_scale(s));
    for (int64_t i = 0; i < elements; i += PAIR) {
        bits pair = load_some(q + i, s.head_dim - i);
        store(to + i, mul(even_of(pair), scale));
        store(to + i + LANES, mul(odd_of(pair), scale));
    }
    return 1;
}

static float prepare_weights(const near_block *b, const float *p, row *weights) {
    memcpy(weights, p, (size_t)b->keys * sizeof *weights);
    return 1;
}

static void store_outputs(int64_t n, const float *from, query *o) { narrow(from, n, o); }

INLINE vec half_of(bits v, const int odd) { return odd ? odd_of(v) : even_of(v); }

/* ---- scores ------------------------------------------------------------------------------ */

/* A pair of vectors of each key; `n`: elements that there are, ALL: of a whole pair. */
#define ALL INT64_MAX
INLINE void dots_step(const int queries, const uint16_t *const key[4], const int64_t n, const float *q,
                      int64_t elements, vec sum[SHARED][4]) {
    UNROLL for (int odd = 0; odd < 2; odd++) {
        vec half[4];
        UNROLL for (int i = 0; i < 4; i++)
            half[i] = half_of(n == ALL ? load_bits(key[i]) : load_some(key[i], n), odd);
        UNROLL for (int h = 0; h < queries; h++) {
            vec x = load(q + h * elements + odd * LANES);
            UNROLL for (int i = 0; i < 4; i++) sum[h][i] = fma_of(half[i], x, sum[h][i]);
        }
    }
}

INLINE void dots_of_halves(const int queries, const near_block *b, int64_t r, const float *q,
                           int64_t elements, float *scores) {
    const uint16_t *first = (const uint16_t *)near_row(b, r), *key[4];
    vec sum[SHARED][4];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int i = 0; i < 4; i++) sum[h][i] = splat(0);
    UNROLL for (int i = 0; i < 4; i++) key[i] = first + min_of(i, b->keys - 1 - r) * b->head_dim;
    int64_t left = b->head_dim, offset = r * b->head_dim * (int64_t)sizeof(kv);
    for (; left >= PAIR; left -= PAIR, q += PAIR, offset += 4 * PAIR_BYTES) {
        prefetch_lines(b, offset, 4 * PAIR_BYTES / LINE_BYTES);
        dots_step(queries, key, ALL, q, elements, sum);
        UNROLL for (int i = 0; i < 4; i++) key[i] += PAIR;
    }
    if (left)
        dots_step(queries, key, left, q, elements, sum);
    UNROLL for (int h = 0; h < queries; h++) store_sums(scores + h * SCORES_STRIDE + r, sum[h]);
}

INLINE void dots_of_all(const int queries, const near_block *b, const float *q, int64_t elements,
                        float *scores) {
    for (int64_t r = 0; r < b->keys; r += 4) dots_of_halves(queries, b, r, q, elements, scores);
}

static NOINLINE void bf16_dots(int64_t queries, const near_block *b, const float *q, int64_t elements,
                               float *scores) {
#define SHARE(n) case n: dots_of_all(n, b, q, elements, scores); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

static void dots(int64_t queries, const near_block *b, const row *q, int64_t elements,
                 const float *factors, float *scores) {
    (void)factors;
    bf16_dots(queries, b, q, elements, scores);
}

/* ---- outputs ----------------------------------------------------------------------------- */

/* o += weights x v for `pairs` pairs of vectors from element `first` on, of which the last has `n`
 * elements. */
INLINE void weigh_halves(const int queries, const int pairs, const int64_t n, const near_block *b,
                         int64_t first, const float *weights, float *o, int64_t o_stride) {
    int64_t offset = first * b->keys * (int64_t)sizeof(kv);
    vec sum[SHARED][SPAN];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < 2 * pairs; j++) sum[h][j] = splat(0);
    const uint16_t *v = NULL;
    for (int64_t r = 0; r < b->keys; r++, v += b->head_dim, offset += pairs * PAIR_BYTES) {
        if (r % LOT == 0)
            v = (const uint16_t *)near_row(b, r) + first;
        UNROLL for (int j = 0; j < 2 * pairs; j++) {
            const uint16_t *at = v + j / 2 * PAIR;
            vec x = half_of(n == ALL ? load_bits(at) : load_some(at, n), j % 2);
            if (j % 2 && j / 2 * PAIR_BYTES % LINE_BYTES == 0)
                prefetch_lines(b, offset + j / 2 * PAIR_BYTES, 1);
            UNROLL for (int h = 0; h < queries; h++)
                sum[h][j] = fma_of(splat(weights[h * NEAR + r]), x, sum[h][j]);
        }
    }
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < pairs; j++) {
            float *to = o + h * o_stride + j * PAIR;
            vec even = sum[h][2 * j], odd = sum[h][2 * j + 1];
            store(to, add(load(to), zip_low(even, odd)));
            if (n > LANES)
                store(to + LANES, add(load(to + LANES), zip_high(even, odd)));
        }
}

INLINE void weigh_all_halves(const int queries, const near_block *b, const float *weights, float *o,
                             int64_t o_stride) {
    int64_t d = b->head_dim, i = 0;
    for (; i + SPAN * LANES <= d; i += SPAN * LANES)
        weigh_halves(queries, SPAN / 2, ALL, b, i, weights, o + i, o_stride);
    for (; i + PAIR <= d; i += PAIR)
        weigh_halves(queries, 1, ALL, b, i, weights, o + i, o_stride);
    if (i < d)
        weigh_halves(queries, 1, d - i, b, i, weights, o + i, o_stride);
}

static NOINLINE void bf16_weigh_tiles(int64_t queries, const near_block *b, const float *weights, float *o,
                                      int64_t o_stride) {
#define SHARE(n) case n: weigh_all_halves(n, b, weights, o, o_stride); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

static void weigh(int64_t queries, const near_block *b, const row *weights, const float *factors,
                  float *o, int64_t o_stride) {
    (void)factors;
    bf16_weigh_tiles(queries, b, weights, o, o_stride);
}

#include "narrow.h"

#endif
