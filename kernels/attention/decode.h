/* Decode: one query per head against all keys of a cache, each byte of which is read once.
 *
 * Heads that share keys are taken together, up to SHARED queries at a time, so that a vector of
 * the cache is used SHARED times once it is in a register; elements of a head lie in the lanes.
 *
 *   scores [query][key]   4 keys x SHARED queries of sums, added up over the lanes at the end
 *   o [query][element] += SHARED queries x SPAN vectors of sums over the keys
 *
 * A grain of phase 0 is a kv head and a chunk of its keys; phase 1 puts together, per head, what
 * the chunks give, as Flash-Decoding does (Dao et al. 2023).  Within a chunk, keys go by blocks of
 * NEAR, small enough to be read again from the first-level cache; while a block is multiplied, the
 * next one is prefetched, across the seams between k and v too, so that memory never waits for
 * arithmetic.  Lines are prefetched in the order of their addresses, whatever the order in which
 * they are used: hardware prefetchers then join in, which is worth a fifth of the bandwidth.
 *
 * Besides flash.h's, an instruction set defines SHARED, SPAN and SHARES(S) = S(1) ... S(SHARED).
 */
#ifndef ARMBENCH_DECODE_H
#define ARMBENCH_DECODE_H

#include "cache.h"

#define FOUR 4  /* keys whose scores are found together */

/* What one element at a time reads, the hardware fetches soon enough. */
INLINE void prefetch(const float *line) {
    if (LANES > 1)
        __builtin_prefetch(line, 0, 3);
}

/* ---- register tiles ---------------------------------------------------------------------- */

#ifdef SIZELESS
#include "sve_decode.h"
#else

INLINE void multiply_step(const int queries, const vec key[FOUR], const float *q, int64_t q_stride,
                          vec sum[SHARED][FOUR]) {
    UNROLL for (int h = 0; h < queries; h++) {
        vec x = load(q + h * q_stride);
        UNROLL for (int i = 0; i < FOUR; i++) sum[h][i] = fma_of(key[i], x, sum[h][i]);
    }
}

/* scores[h][i] = q[h] . row[i].  As much is prefetched at `ahead` as is read. */
INLINE void dots_of(const int queries, int64_t head_dim, const float *const row[FOUR],
                    const float *ahead, const float *q, int64_t q_stride, float *scores) {
    vec sum[SHARED][FOUR], key[FOUR];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int i = 0; i < FOUR; i++) sum[h][i] = splat(0);
    int64_t p = 0;
    while (p + LINE <= head_dim) {
        UNROLL for (int i = 0; i < FOUR; i++) prefetch(ahead + FOUR * p + i * LINE);
        UNROLL for (int e = 0; e < LINE; e += LANES, p += LANES) {
            UNROLL for (int i = 0; i < FOUR; i++) key[i] = load(row[i] + p);
            multiply_step(queries, key, q + p, q_stride, sum);
        }
    }
    for (; p < head_dim; p += LANES) {
        UNROLL for (int i = 0; i < FOUR; i++)
            key[i] = load_first(row[i] + p, min_of(LANES, head_dim - p));
        multiply_step(queries, key, q + p, q_stride, sum);
    }
    UNROLL for (int h = 0; h < queries; h++) store_sums(scores + h * SCORES_STRIDE, sum[h]);
}

/* o[h] += sum over keys of p[h][key] v[key], for `span` vectors of which the last has `valid`
 * elements; p has a multiple of ELEMENTS columns, zero from `keys` on.  As much is prefetched at
 * `ahead` as is read. */
INLINE void weigh_of(const int queries, const int span, const int64_t valid, int64_t keys,
                     const float *v, int64_t head_dim, const float *ahead, const float *p,
                     float *o, int64_t o_stride) {
    vec sum[SHARED][SPAN];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < span; j++) sum[h][j] = load(o + h * o_stride + j * LANES);
    for (int64_t r = 0; r < keys; r += ELEMENTS) {
        left a[SHARED];
        UNROLL for (int h = 0; h < queries; h++) a[h] = load_left(p + h * SCORES_STRIDE + r);
        UNROLL for (int e = 0; e < ELEMENTS; e++) {
            int64_t at = min_of(r + e, keys - 1) * head_dim;
            UNROLL for (int j = 0; j < span; j++) {
                vec x = j == span - 1 && valid < LANES ? load_first(v + at + j * LANES, valid)
                                                       : load(v + at + j * LANES);
                if (j * LANES % LINE == 0)
                    prefetch(ahead + (r + e) * span * LANES + j * LANES);
                UNROLL for (int h = 0; h < queries; h++)
                    sum[h][j] = fma_left(a[h], e, x, sum[h][j]);
            }
        }
    }
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < span; j++) store(o + h * o_stride + j * LANES, sum[h][j]);
}

#endif

/* ---- a block of at most NEAR keys, for up to SHARED queries ------------------------------- */

INLINE void dots_all(const int queries, const near_block *b, const float *q, int64_t q_stride,
                     float *scores) {
    for (int64_t r = 0; r < b->keys; r += FOUR) {
        const float *row[FOUR];
        UNROLL for (int i = 0; i < FOUR; i++)
            row[i] = (const float *)b->rows + min_of(r + i, b->keys - 1) * b->head_dim;
        dots_of(queries, b->head_dim, row, (const float *)b->ahead + r * b->head_dim, q, q_stride,
                scores + r);
    }
}

#ifdef SIZELESS
INLINE void weigh_all(int64_t queries, const near_block *b, const float *p, float *o,
                      int64_t o_stride) {
    for (int64_t i = 0; i < b->head_dim; i += SPAN * LANES)
        weigh_of(queries, b->keys, (const float *)b->rows, b->head_dim, i, (const float *)b->ahead,
                 p, o, o_stride);
}
#else
INLINE void weigh_all(const int queries, const near_block *b, const float *p, float *o,
                      int64_t o_stride) {
    int64_t d = b->head_dim, keys = b->keys, i = 0;
    const float *v = (const float *)b->rows, *ahead = (const float *)b->ahead;
    for (; i + SPAN * LANES <= d; i += SPAN * LANES)
        weigh_of(queries, SPAN, LANES, keys, v + i, d, ahead + i * keys, p, o + i, o_stride);
    for (; i + LANES <= d; i += LANES)
        weigh_of(queries, 1, LANES, keys, v + i, d, ahead + i * keys, p, o + i, o_stride);
    if (i < d)
        weigh_of(queries, 1, d - i, keys, v + i, d, ahead + i * keys, p, o + i, o_stride);
}
#endif

static NOINLINE void f32_dots(int64_t queries, const near_block *b, const float *q, int64_t q_stride,
                          float *scores) {
#define SHARE(n) case n: dots_all(n, b, q, q_stride, scores); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

static NOINLINE void f32_weigh(int64_t queries, const near_block *b, const float *p, float *o,
                           int64_t o_stride) {
#define SHARE(n) case n: weigh_all(n, b, p, o, o_stride); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

/* ---- a chunk ----------------------------------------------------------------------------- */

/* q, then scores. */
static uint64_t decode_scratch_bytes(const int64_t *params) {
    attention_shape s = shape_of(params);
    return (uint64_t)(group_of(s) * (vectors_of(s) + SCORES_STRIDE)) * sizeof(float);
}

static void load_scaled(attention_shape s, const float *q, float *scaled) {
    int64_t width = vectors_of(s);
    float scale = query_scale(s);
    for (int64_t h = 0; h < group_of(s); h++)
        for (int64_t p = 0; p < width; p++)
            scaled[h * width + p] = p < s.head_dim ? q[h * s.head_dim + p] * scale : 0;
}

static void decode_chunk(attention_shape s, const float *q, const cache *k, const cache *v,
                         int64_t first, int64_t end, float *partial, float *scratch) {
    int64_t group = group_of(s), width = vectors_of(s), row = partial_floats(s);
    float *scores = scratch + group * width;
    load_scaled(s, q, scratch);
    for (int64_t at = first; at < end;) {
        near_block b = block_at(k, at, end, s.head_dim, v, first);
        for (int64_t h = 0; h < group; h += SHARED, b.ahead = b.rows)
            f32_dots(min_of(SHARED, group - h), &b, scratch + h * width, width,
                     scores + h * SCORES_STRIDE + at - first);
        at += b.keys;
    }
    for (int64_t h = 0; h < group; h++) {
        float *o = partial + h * row;
        softmax_row(scores + h * SCORES_STRIDE, end - first, o + width, o + width + 1);
        for (int64_t p = 0; p < width; p += LANES)
            store(o + p, splat(0));
    }
    for (int64_t at = first; at < end;) {
        near_block b = block_at(v, at, end, s.head_dim, k, min_of(end, s.seq - 1));
        for (int64_t h = 0; h < group; h += SHARED, b.ahead = b.rows)
            f32_weigh(min_of(SHARED, group - h), &b, scores + h * SCORES_STRIDE + at - first,
                      partial + h * row, row);
        at += b.keys;
    }
}

/* Operands: q, k, v, o and, where paged, the table. */
static void decode(const ab_call *call, uint64_t phase, uint64_t grain) {
    attention_shape s = shape_of(call->params);
    int64_t index = (int64_t)grain, group = group_of(s), chunks = chunks_of(s);
    if (phase) {
        float *partial = partial_of(s, call->shared, index / group, 0);
        join_chunks(s, partial + index % group * partial_floats(s),
                    (float *)call->operands[3] + index * s.head_dim);
        return;
    }
    int64_t kv_head = index / chunks, chunk = index % chunks, block = call->params[5];
    const int32_t *table = block ? call->operands[4] : NULL;
    cache k = cache_of(s, block, call->operands[1], NULL, table, kv_head, sizeof(float));
    cache v = cache_of(s, block, call->operands[2], NULL, table, kv_head, sizeof(float));
    decode_chunk(s, (const float *)call->operands[0] + kv_head * group * s.head_dim, &k, &v,
                 chunk_start(s, chunk), chunk_start(s, chunk + 1),
                 partial_of(s, call->shared, kv_head, chunk), call->scratch);
}

#endif
