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
 * they are used: hardware prefetchers then join in, which is worth a fifth of the bandwidth.  So is,
 * on x86, to fetch WAYS parts of a block side by side: DRAM answers several streams faster than one.  Each is
 * a WAYS-th of its length further than the one before it, or hardware prefetchers begin anew in all of
 * their pages at once: 4 to 5 % of the bandwidth.
 *
 * Pages of a few tokens are gathered to blocks, or each would begin and end on its own, and their parts are
 * those of several pages: with pages of 16 tokens, from .55 to .79 of the read roof in bf16.  Their
 * kv heads take turns, since what hardware prefetchers fetch beyond a page is another head's: .06 of it.
 *
 * Besides flash.h's, an instruction set defines SHARED, SPAN and SHARES(S) = S(1) ... S(SHARED).
 */
#ifndef ARMBENCH_DECODE_H
#define ARMBENCH_DECODE_H

#include "cache.h"

#define FOUR 4  /* keys whose scores are found together */

/* ---- register tiles ---------------------------------------------------------------------- */

#ifdef SIZELESS
#include "sve_decode.h"
#else
#include "decode_tiles.h"
#endif

/* ---- a block of at most NEAR keys, for up to SHARED queries ------------------------------- */

INLINE void dots_all(const int queries, const near_block *b, const float *q, int64_t q_stride,
                     float *scores) {
    for (int64_t r = 0; r < b->keys; r += FOUR) {
        const float *first = (const float *)near_row(b, r), *row[FOUR];
        UNROLL for (int i = 0; i < FOUR; i++) row[i] = first + min_of(i, b->keys - 1 - r) * b->head_dim;
        dots_of(queries, b, row, r * b->head_dim * (int64_t)sizeof(float), q, q_stride, scores + r);
    }
}

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

typedef struct decode_space {
    float *q, *scores, *wide; /* [group][vectors], [group][SCORES_STRIDE], [NEAR][head_dim] */
} decode_space;

INLINE decode_space decode_space_of(attention_shape s, void *scratch) {
    float *q = scratch, *scores = q + group_of(s) * vectors_of(s);
    return (decode_space){q, scores, scores + group_of(s) * SCORES_STRIDE};
}

static uint64_t decode_scratch_bytes(const int64_t *params) {
    attention_shape s = shape_of(params);
    int64_t row = vectors_of(s) + SCORES_STRIDE;
    return (uint64_t)(group_of(s) * row + NEAR * s.head_dim) * sizeof(float);
}

static void load_scaled(attention_shape s, const dtype type, const void *q, decode_space *w) {
    int64_t width = vectors_of(s);
    float scale = query_scale(s);
    for (int64_t h = 0; h < group_of(s); h++)
        for (int64_t p = 0; p < width; p++) {
            int64_t at = h * s.head_dim + p;
            w->q[h * width + p] = p >= s.head_dim ? 0
                                  : type == BF16  ? f32_of(((const uint16_t *)q)[at]) * scale
                                                  : ((const float *)q)[at] * scale;
        }
}

/* A block as f32.  What is widened is read only here, what comes next fetched. */
INLINE near_block wide_block(const dtype type, near_block b, const decode_space *w) {
    if (type == F32)
        return b;
    prefetch_bytes(&b, 0, b.keys * b.head_dim * bytes_of(type));
    for (int64_t r = 0; r < b.keys; r += LOT)
        widen(type, near_row(&b, r), b.lots[r / LOT].scales, min_of(LOT, b.keys - r), b.head_dim,
              w->wide + r * b.head_dim);
    lay_near(&b, (const char *)w->wide, NULL, b.keys, b.head_dim * bytes_of(F32));
    look_again(&b);
    return b;
}

INLINE void decode_chunk(attention_shape s, const dtype type, const portion *c, float *partial,
                         const decode_space *w) {
    int64_t group = group_of(s), width = vectors_of(s), row = partial_floats(s);
    for (int64_t at = c->first; at < c->end;) {
        near_block b = wide_block(type, keys_at(c, at, s.head_dim), w);
        for (int64_t h = 0; h < group; h += SHARED, look_again(&b))
            f32_dots(min_of(SHARED, group - h), &b, w->q + h * width, width,
                     w->scores + h * SCORES_STRIDE + at - c->first);
        at += b.keys;
    }
    for (int64_t h = 0; h < group; h++) {
        float *o = partial + h * row;
        softmax_row(w->scores + h * SCORES_STRIDE, c->end - c->first, o + width, o + width + 1);
        for (int64_t p = 0; p < width; p += LANES)
            store(o + p, splat(0));
    }
    for (int64_t at = c->first; at < c->end;) {
        near_block b = wide_block(type, values_at(c, at, s.head_dim), w);
        for (int64_t h = 0; h < group; h += SHARED, look_again(&b))
            f32_weigh(min_of(SHARED, group - h), &b, w->scores + h * SCORES_STRIDE + at - c->first,
                      partial + h * row, row);
        at += b.keys;
    }
}

/* ---- a head ------------------------------------------------------------------------------ */

INLINE void decode_head(const ab_call *call, const dtype type, int64_t head) {
    attention_shape s = decode_shape_of(call->params, call->threads);
    int64_t group = group_of(s), at = head * s.head_dim;
    float *partial = partial_of(s, call->shared, head / group, 0);
    partial += head % group * partial_floats(s);
    if (type == BF16) {
        join_chunks(s, partial, call->scratch);
        narrow(call->scratch, s.head_dim, (uint16_t *)call->operands[3] + at);
    } else {
        join_chunks(s, partial, (float *)call->operands[3] + at);
    }
}

/* `type` is that of the cache; q and o are bf16 beside bf16, else f32. */
INLINE void decode(const ab_call *call, const dtype type, uint64_t phase, uint64_t grain) {
    if (phase) {
        decode_head(call, type, (int64_t)grain);
        return;
    }
    attention_shape s = decode_shape_of(call->params, call->threads);
    portion c = portion_of(call, s, type, (int64_t)grain);
    int64_t q = c.kv_head * group_of(s) * s.head_dim;
    decode_space w = decode_space_of(s, call->scratch);
    load_scaled(s, type, (const char *)call->operands[0] + q * (type == BF16 ? 2 : 4), &w);
    decode_chunk(s, type, &c, partial_of(s, call->shared, c.kv_head, c.chunk), &w);
}

static void decode_f32(const ab_call *call, uint64_t phase, uint64_t grain) {
    decode(call, F32, phase, grain);
}

#ifndef BF16_HALVES
static void decode_bf16(const ab_call *call, uint64_t phase, uint64_t grain) {
    decode(call, BF16, phase, grain);
}
#endif

#ifndef INT8_DOT
static void decode_int8(const ab_call *call, uint64_t phase, uint64_t grain) {
    decode(call, INT8, phase, grain);
}
#endif

#endif
