/* Prefill in bf16 on bfmmla, for vectors of any length.
 *
 * bfmmla multiplies, in every 128-bit segment, two rows of four elements with two rows of four.
 * A segment holds a pair of queries, a vector 2 x SEGMENTS of them, and a key pair (for the output
 * a pair of elements of v) is repeated in every segment.  Both products have one form, a tile of
 * 4 vectors of queries x 4 pairs, 16 sums in registers beside 8 vectors that are multiplied:
 *
 *   scores [query][key]    = sum over head_dim  q[query][p] k[key][p]
 *   o      [query][element] += sum over keys    p[query][key] v[key][element]
 *
 * A sum holds, in a segment, (q0 k0, q0 k1, q1 k0, q1 k1): maximum and sum go down the vectors and
 * are folded over two neighbours; the probabilities of two key pairs, rounded to bf16 and
 * interleaved, are a segment of the second product's left side as they are, with its four keys in
 * the order 0 2 1 3, in which v is packed.  k and v are packed by blocks of KEYS keys, once per
 * GROUP queries; grains are such groups of a head, longest first.
 *
 * An instruction set defines, besides flash.h's vector operations:
 *   bits                        a vector of bf16
 *   load_bits repeat_pair       of a vector; of 16 bytes, repeated in every segment
 *   mmla(c, a, b)               c + a b^T in every segment
 *   interleaved(a, b)           rounded to bf16: a in the even elements, b in the odd ones
 *   swapped(v)                  neighbours change places
 *   masked(v, limit, key)       -inf where key > limit[lane]
 */
#ifndef ARMBENCH_ATTENTION_BFMMLA_H
#define ARMBENCH_ATTENTION_BFMMLA_H

#include "flash.h"
#include "sums.h"

#include <arm_neon.h>
#include <string.h>

#define SEGMENTS (LANES / 4)
#define VECTORS 4                             /* of queries, in a tile */
#define TILE_QUERIES (2 * VECTORS * SEGMENTS) /* 8 on 128 bits */
#define GROUP 128                             /* queries at least, that share what is packed */
#define MOST_TILES (GROUP / 8)                /* of a group, on vectors of 128 bits */
#define KEYS 128
#define QUAD 4               /* elements of a row in a segment */
#define PAIRS 4              /* of keys or elements of v, in a tile */
#define OCTET (2 * PAIRS)    /* keys, or elements of v */
#define SEGMENT 8            /* bf16 of a segment */
#define TILE (VECTORS * PAIRS * LANES)
#define STEP (VECTORS * 2 * LANES) /* bf16 of a tile's left side, for QUAD of the depth */

/* ---- register tiles ---------------------------------------------------------------------- */

/* Sizeless vectors cannot form arrays: sums are named one by one. */
#define LOAD_VECTOR(i) bits a##i = load_bits(a + (i) * 2 * LANES);
#define LOAD_PAIR(j) bits b##j = repeat_pair(b + (j) * SEGMENT);
#define MULTIPLY(i, j) sum##i##j = mmla(sum##i##j, a##i, b##j);
#define STORE_SUM(i, j) store(c + ((i) * PAIRS + (j)) * LANES, sum##i##j);
#define MULTIPLY_STEPS \
    for (int64_t step = 0; step < steps; step++, a += STEP, b += PAIRS * SEGMENT) { \
        EACH_4(LOAD_VECTOR) EACH_4(LOAD_PAIR) FOUR_BY_4(MULTIPLY) \
    }

/* c = a b^T over `steps` quads of head_dim. */
static NOINLINE void bf16_scores_tile(int64_t steps, const uint16_t *a, const uint16_t *b, float *c) {
#define ZERO(i, j) vec sum##i##j = splat(0);
    FOUR_BY_4(ZERO) MULTIPLY_STEPS FOUR_BY_4(STORE_SUM)
#undef ZERO
}

/* c = c x rescale + a b^T over `steps` quads of keys; rescale: a vector for each of queries. */
static NOINLINE void bf16_values_tile(int64_t steps, const uint16_t *a, const uint16_t *b,
                                      const float *rescale, float *c) {
#define LOAD_RESCALE(i) vec by##i = load(rescale + (i) * LANES);
#define RESCALED(i, j) vec sum##i##j = mul(load(c + ((i) * PAIRS + (j)) * LANES), by##i);
    EACH_4(LOAD_RESCALE) FOUR_BY_4(RESCALED) MULTIPLY_STEPS FOUR_BY_4(STORE_SUM)
#undef LOAD_RESCALE
#undef RESCALED
}

/* ---- packing, by segments ---------------------------------------------------------------- */

/* Eight elements of a row from `p` on, zeros beyond `n` and where there is no row. */
INLINE uint16x8_t octet_of(const uint16_t *row, int64_t p, int64_t n) {
    uint16_t first[OCTET] = {0};
    if (row && p + OCTET <= n)
        return vld1q_u16(row + p);
    if (row && p < n)
        memcpy(first, row + p, (size_t)(n - p) * sizeof *row);
    return vld1q_u16(first);
}

INLINE uint16x8_t zip_words(uint16x8_t a, uint16x8_t b, int high) {
    uint32x4_t x = vreinterpretq_u32_u16(a), y = vreinterpretq_u32_u16(b);
    return vreinterpretq_u16_u32(high ? vzip2q_u32(x, y) : vzip1q_u32(x, y));
}

/* A pair of rows, quad by quad, at every `stride` elements. */
INLINE void pack_rows(const uint16_t *even, const uint16_t *odd, int64_t n, uint16_t *packed,
                      int64_t stride) {
    for (int64_t p = 0; p < padded(n, QUAD); p += OCTET, packed += 2 * stride) {
        uint64x2_t x = vreinterpretq_u64_u16(octet_of(even, p, n));
        uint64x2_t y = vreinterpretq_u64_u16(octet_of(odd, p, n));
        vst1q_u16(packed, vreinterpretq_u16_u64(vtrn1q_u64(x, y)));
        if (p + QUAD < padded(n, QUAD))
            vst1q_u16(packed + stride, vreinterpretq_u16_u64(vtrn2q_u64(x, y)));
    }
}

INLINE const uint16_t *row_of(const uint16_t *rows, int64_t row, int64_t count, int64_t head_dim) {
    return row < count ? rows + row * head_dim : NULL;
}

/* Octets of keys, each [head_dim / QUAD][PAIRS][2][QUAD]. */
static void pack_keys(const uint16_t *k, int64_t keys, int64_t head_dim, uint16_t *packed) {
    int64_t steps = blocks(head_dim, QUAD);
    for (int64_t r = 0; r < keys; r += 2)
        pack_rows(k + r * head_dim, row_of(k, r + 1, keys, head_dim), head_dim,
                  packed + (r / OCTET * steps * PAIRS + r % OCTET / 2) * SEGMENT,
                  PAIRS * SEGMENT);
}

/* Octets of elements, each [KEYS / QUAD][PAIRS][2][QUAD], keys in the order 0 2 1 3. */
static void pack_values(const uint16_t *v, int64_t keys, int64_t head_dim, uint16_t *packed) {
    for (int64_t p = 0; p < head_dim; p += OCTET, packed += KEYS / QUAD * PAIRS * SEGMENT)
        for (int64_t r = 0; r < keys; r += QUAD) {
            uint16x8_t row[QUAD];
            UNROLL for (int i = 0; i < QUAD; i++)
                row[i] = octet_of(row_of(v, r + i, keys, head_dim), p, head_dim);
            uint16_t *to = packed + r / QUAD * PAIRS * SEGMENT;
            uint16x8_t a = vzip1q_u16(row[0], row[2]), b = vzip1q_u16(row[1], row[3]);
            uint16x8_t c = vzip2q_u16(row[0], row[2]), d = vzip2q_u16(row[1], row[3]);
            vst1q_u16(to, zip_words(a, b, 0));
            vst1q_u16(to + SEGMENT, zip_words(a, b, 1));
            vst1q_u16(to + 2 * SEGMENT, zip_words(c, d, 0));
            vst1q_u16(to + 3 * SEGMENT, zip_words(c, d, 1));
        }
}

/* ---- workspace --------------------------------------------------------------------------- */

/* TILE_QUERIES queries of a head, and what was summed for them. */
typedef struct query_tile {
    int64_t first, queries;
    uint16_t *q;              /* [head_dim / QUAD][VECTORS][segments of a pair] */
    float *o, *most, *sum;    /* o: octets of elements, a TILE each; [VECTORS] vectors */
} query_tile;

/* What all tiles of a grain share. */
typedef struct workspace {
    uint16_t *k, *v, *p; /* packed; p: probabilities, [KEYS / QUAD][VECTORS] vectors */
    float *scores;       /* octets of keys, a TILE each */
    float *rescale;      /* [VECTORS] vectors */
    int32_t *limit;      /* [VECTORS] vectors: the last key that a lane may see */
} workspace;

INLINE int64_t tiles_of_group(void) { return blocks(GROUP, TILE_QUERIES); }

/* Bytes of every part are whole vectors, so that none needs room for its alignment. */
INLINE void *taken(uintptr_t *space, int64_t bytes) {
    void *start = (void *)*space;
    *space += (uintptr_t)padded(bytes, AB_ALIGNMENT);
    return start;
}

/* Returns the bytes that were given out from `space` on. */
static uint64_t lay_out(int64_t head_dim, void *space, query_tile *tiles, workspace *w) {
    uintptr_t next = (uintptr_t)space;
    int64_t vectors = VECTORS * LANES * (int64_t)sizeof(float), steps = blocks(head_dim, QUAD);
    for (int64_t i = 0; i < tiles_of_group(); i++)
        tiles[i] = (query_tile){
            .q = taken(&next, steps * STEP * (int64_t)sizeof(uint16_t)),
            .o = taken(&next, blocks(head_dim, OCTET) * TILE * (int64_t)sizeof(float)),
            .most = taken(&next, vectors), .sum = taken(&next, vectors)};
    *w = (workspace){
        .k = taken(&next, KEYS * steps * QUAD * (int64_t)sizeof(uint16_t)),
        .v = taken(&next, KEYS * padded(head_dim, OCTET) * (int64_t)sizeof(uint16_t)),
        .p = taken(&next, KEYS / QUAD * STEP * (int64_t)sizeof(uint16_t)),
        .scores = taken(&next, KEYS / OCTET * TILE * (int64_t)sizeof(float)),
        .rescale = taken(&next, vectors), .limit = taken(&next, vectors)};
    return next - (uintptr_t)space;
}


static uint64_t bf16_prefill_scratch_bytes(const int64_t *params) {
    query_tile tiles[MOST_TILES];
    workspace w;
    return lay_out(shape_of(params).head_dim, NULL, tiles, &w);
}

/* ---- softmax ----------------------------------------------------------------------------- */

/* 2^x as flash.h has it, with a relative error below 2^-13.2: probabilities are rounded to bf16. */
INLINE vec short_exp2_of(vec x) {
    x = max_of(x, splat(-127.0f));
    vec shifted = add(x, splat(ROUNDER));
    vec f = sub(x, sub(shifted, splat(ROUNDER)));
    vec y = fma_of(splat(0.055008929f), f, splat(0.24221096f));
    y = fma_of(y, f, splat(0.69328296f));
    y = fma_of(y, f, splat(1.0f));
    return mul(y, to_exponent(shifted));
}

INLINE float *score_at(float *scores, int64_t pair, int64_t vector) {
    return scores + (pair / PAIRS * VECTORS + vector) * PAIRS * LANES + pair % PAIRS * LANES;
}

/* Keys beyond a lane's limit, among the pairs from `whole` on, weigh nothing. */
static void mask_pairs(const query_tile *t, int causal, int64_t first, int64_t keys, int64_t whole,
                       int64_t pairs, const workspace *w) {
    for (int64_t i = 0; i < VECTORS * LANES; i++) {
        int64_t seen = causal ? min_of(t->first + i / 2 - first, keys - 1) : keys - 1;
        w->limit[i] = (int32_t)(seen - i % 2);
    }
    for (int64_t r = whole; r < pairs; r++)
        for (int64_t i = 0; i < VECTORS; i++) {
            float *at = score_at(w->scores, r, i);
            store(at, masked(load(at), w->limit + i * LANES, (int32_t)(2 * r)));
        }
}

/* Scores of `octets` of keys become probabilities in p. */
static void bf16_softmax(const query_tile *t, int64_t octets, float scale, const workspace *w) {
    for (int64_t i = 0; i < VECTORS; i++) {
        float *column = w->scores + i * PAIRS * LANES;
        vec now = splat(-INFINITY), other = now;
        for (int64_t r = 0; r < octets; r++) {
            const float *s = column + r * TILE;
            now = max_of(now, max_of(load(s), load(s + LANES)));
            other = max_of(other, max_of(load(s + 2 * LANES), load(s + 3 * LANES)));
        }
        now = max_of(now, other);
        vec before = load(t->most + i * LANES);
        now = max_of(before, mul(max_of(now, swapped(now)), splat(scale)));
        vec rescale = exp2_of(sub(before, now)), down = sub(splat(0), now), by = splat(scale);
        vec total = mul(load(t->sum + i * LANES), rescale), rest = splat(0);
        for (int64_t r = 0; r < 2 * octets; r++) {
            const float *s = column + r / 2 * TILE + r % 2 * 2 * LANES;
            vec a = short_exp2_of(fma_of(load(s), by, down));
            vec b = short_exp2_of(fma_of(load(s + LANES), by, down));
            total = add(total, a);
            rest = add(rest, b);
            store_bits(w->p + (r * VECTORS + i) * 2 * LANES, interleaved(a, b));
        }
        store(t->most + i * LANES, now);
        store(t->sum + i * LANES, add(total, rest));
        store(w->rescale + i * LANES, rescale);
    }
}

/* ---- a group of tiles -------------------------------------------------------------------- */

static void load_tile(query_tile *t, const uint16_t *q, int64_t head_dim) {
    for (int64_t r = 0; r < TILE_QUERIES; r += 2)
        pack_rows(row_of(q, r, t->queries, head_dim), row_of(q, r + 1, t->queries, head_dim),
                  head_dim, t->q + r / 2 * SEGMENT, STEP);
    for (int64_t i = 0; i < blocks(head_dim, OCTET) * TILE; i += LANES)
        store(t->o + i, splat(0));
    for (int64_t i = 0; i < VECTORS * LANES; i += LANES) {
        store(t->most + i, splat(-INFINITY));
        store(t->sum + i, splat(0));
    }
}

/* A query's elements of an octet lie two by two in the vectors of its pairs. */
static void store_tile(const query_tile *t, int64_t head_dim, uint16_t *o) {
    for (int64_t r = 0; r < t->queries; r++) {
        int64_t segment = r / 2 * 4, lane = segment % LANES + r % 2 * 2;
        const float *sum = t->sum + segment + r % 2 * 2;
        const float *from = t->o + segment / LANES * PAIRS * LANES + lane;
        float32x4_t share = vdupq_n_f32(1 / (sum[0] + sum[1]));
        for (int64_t p = 0; p < head_dim; p += OCTET, from += TILE) {
            float32x4_t low = vcombine_f32(vld1_f32(from), vld1_f32(from + LANES));
            float32x4_t high = vcombine_f32(vld1_f32(from + 2 * LANES), vld1_f32(from + 3 * LANES));
            bfloat16x8_t rounded = vcvtq_low_bf16_f32(vmulq_f32(low, share));
            rounded = vcvtq_high_bf16_f32(rounded, vmulq_f32(high, share));
            uint16_t all[OCTET];
            vst1q_u16(all, vreinterpretq_u16_bf16(rounded));
            memcpy(o + r * head_dim + p, all,
                   (size_t)min_of(OCTET, head_dim - p) * sizeof *all);
        }
    }
}

/* A block of keys, packed in w, against one tile of queries; `first` is the block's first key. */
static void attend_tile(const query_tile *t, int causal, int64_t first, int64_t keys,
                        attention_shape s, const workspace *w) {
    int64_t steps = blocks(s.head_dim, QUAD), whole = keys / 2;
    if (causal) {
        whole = clamped(t->first - first + 1, keys) / 2;
        keys = min_of(keys, t->first + TILE_QUERIES - first);
    }
    int64_t octets = blocks(keys, OCTET);
    for (int64_t r = 0; r < octets; r++)
        bf16_scores_tile(steps, t->q, w->k + r * steps * PAIRS * SEGMENT, w->scores + r * TILE);
    mask_pairs(t, causal, first, keys, whole, octets * PAIRS, w);
    bf16_softmax(t, octets, query_scale(s), w);
    for (int64_t p = 0; p < blocks(s.head_dim, OCTET); p++)
        bf16_values_tile(blocks(keys, QUAD), w->p, w->v + p * KEYS * OCTET, w->rescale,
                         t->o + p * TILE);
}

static uint64_t bf16_prefill_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    attention_shape s = shape_of(params);
    (void)phase, (void)threads;
    return (uint64_t)(s.batch * s.heads * blocks(s.seq, tiles_of_group() * TILE_QUERIES));
}

static void bf16_prefill(const ab_call *call, uint64_t phase, uint64_t grain) {
    attention_shape s = shape_of(call->params);
    int causal = call->params[5] != 0;
    int64_t queries = tiles_of_group() * TILE_QUERIES, groups = blocks(s.seq, queries);
    int64_t head = (int64_t)grain / groups, matrix = s.seq * s.head_dim, count = 0;
    int64_t start = (groups - 1 - (int64_t)grain % groups) * queries;
    int64_t from = head / (s.heads / s.kv_heads) * matrix;
    const uint16_t *q = (const uint16_t *)call->operands[0] + head * matrix;
    const uint16_t *k = (const uint16_t *)call->operands[1] + from;
    const uint16_t *v = (const uint16_t *)call->operands[2] + from;
    uint16_t *o = (uint16_t *)call->operands[3] + head * matrix;
    (void)phase;

    query_tile tiles[MOST_TILES];
    workspace w;
    lay_out(s.head_dim, call->scratch, tiles, &w);
    for (int64_t at = start; count < tiles_of_group() && at < s.seq; at += TILE_QUERIES, count++) {
        tiles[count].first = at;
        tiles[count].queries = min_of(TILE_QUERIES, s.seq - at);
        load_tile(&tiles[count], q + at * s.head_dim, s.head_dim);
    }
    int64_t end = causal ? min_of(s.seq, start + queries) : s.seq;
    for (int64_t first = 0; first < end; first += KEYS) {
        int64_t keys = min_of(KEYS, end - first);
        pack_keys(k + first * s.head_dim, keys, s.head_dim, w.k);
        pack_values(v + first * s.head_dim, keys, s.head_dim, w.v);
        for (int64_t i = 0; i < count; i++)
            if (!causal || first < tiles[i].first + TILE_QUERIES)
                attend_tile(&tiles[i], causal, first, keys, s, &w);
    }
    for (int64_t i = 0; i < count; i++)
        store_tile(&tiles[i], s.head_dim, o + tiles[i].first * s.head_dim);
}

AB_VARIANT(prefill_bf16, .accepts = accepts, .scratch_bytes = bf16_prefill_scratch_bytes,
           .grains = bf16_prefill_grains, .run = bf16_prefill);

#endif
