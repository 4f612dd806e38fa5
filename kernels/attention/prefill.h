/* Prefill: every query of a sequence against the keys that it may see, in register tiles.
 *
 * Queries lie in the lanes.  A tile of QUERIES = COLUMNS x LANES queries is transposed once; then
 * both products have one form, a register tile of ROWS x COLUMNS vectors,
 *
 *   scores^T [key][query] = sum over head_dim  k[key][p] q^T[p][query]
 *   o^T  [element][query] += sum over keys     v[key][element] p^T[key][query]
 *
 * in which k and v are read where they lie, an element at a time, and never packed; maximum,
 * sum and rescaling of the softmax go down the lanes without a horizontal step.
 *
 * A block of KEYS keys is multiplied with TILES tiles before the next is read, so that k and v
 * come from beyond the second-level cache once per TILES x QUERIES queries.  Grains are such
 * groups of queries of a head, longest first.
 *
 * Causal: keys behind the diagonal are skipped by groups of ROWS keys and vectors of LANES
 * queries, and masked one by one where the diagonal crosses a vector.
 *
 * Besides flash.h's, an instruction set defines ROWS (a multiple of ELEMENTS), COLUMNS, KEYS,
 * TILES and WIDTHS(W) = W(1) ... W(COLUMNS); and, where a tile fills the registers to the last,
 * IN_ORDER(sum, address), which makes the compiler read `address` after it has written `sum`.
 * With OUTER_PRODUCTS, the two products are prefill_outer.h's, and WIDTHS is not needed.
 */
#ifndef ARMBENCH_PREFILL_H
#define ARMBENCH_PREFILL_H

#include "flash.h"
#include "widen.h"

#define QUERIES (COLUMNS * LANES)
#define ROW_BLOCK (LANES > ROWS ? LANES : ROWS)

/* ---- workspace --------------------------------------------------------------------------- */

/* Queries `first` to `first + queries` of a head; q^T and o^T are [head_dim, padded][QUERIES]. */
typedef struct query_tile {
    int64_t first, queries, columns;
    int causal;
    float *q, *o, *most, *sum; /* most, sum: [QUERIES], of what the softmax has seen */
} query_tile;

typedef struct key_block {
    const float *k, *v, *aside; /* aside: what set_aside() makes of them for all tiles */
    int64_t first, keys, head_dim;
} key_block;

INLINE int64_t tile_floats(attention_shape s) {
    return 2 * (padded(s.head_dim, ROW_BLOCK) + 1) * QUERIES;
}

#ifdef OUTER_PRODUCTS
#include "prefill_outer.h"
#else
#include "prefill_blocks.h"
#endif

/* Rows of k, v, q or o as f32, where they are not. */
INLINE int64_t wide_rows(void) { return KEYS > QUERIES ? KEYS : QUERIES; }

static uint64_t prefill_scratch_bytes(const int64_t *params) {
    attention_shape s = shape_of(params);
    int64_t tiles = TILES * tile_floats(s), scores = (KEYS + ROWS + 1) * QUERIES;
    int64_t wide = 2 * wide_rows() * s.head_dim;
    return (uint64_t)(tiles + scores + aside_floats(s.head_dim) + wide) * sizeof(float);
}

/* ---- one block of keys against one tile of queries --------------------------------------- */

#ifndef SIZELESS
/* -inf in the first `count` lanes. */
INLINE vec mask_first(int64_t count) {
    static const float steps[2 * 16] = {
        -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY,
        -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    return load(steps + 16 - count);
}
#endif

/* Turns a column of scores into unnormalised probabilities; returns the factor by which what was
 * summed before has to shrink.  Every lane sees the keys below `whole` and none those from `seen`
 * on; in between, lane i sees the keys up to `own` + i. */
INLINE vec softmax_column(float *scores, int64_t own, int64_t whole, int64_t seen, float *most,
                          float *sum) {
    vec before = load(most), now = before;
    for (int64_t r = 0; r < whole; r++)
        now = max_of(now, load(scores + r * QUERIES));
    for (int64_t r = whole; r < seen; r++) {
        vec masked = add(load(scores + r * QUERIES), mask_first(r - own));
        store(scores + r * QUERIES, masked);
        now = max_of(now, masked);
    }
    vec rescale = exp2_of(sub(before, now)), total = mul(load(sum), rescale);
    for (int64_t r = 0; r < seen; r++) {
        vec p = exp2_of(sub(load(scores + r * QUERIES), now));
        store(scores + r * QUERIES, p);
        total = add(total, p);
    }
    store(most, now);
    store(sum, total);
    return rescale;
}

static void softmax(const query_tile *t, const key_block *b, float *scores, float *rescale) {
    for (int64_t j = 0; j < t->columns; j++) {
        float *column = scores + j * LANES;
        int64_t own = t->causal ? t->first + j * LANES - b->first : b->keys;
        int64_t whole = clamped(own + 1, b->keys), seen = clamped(own + LANES, b->keys);
        vec shrink = splat(1);
        if (seen)
            shrink = softmax_column(column, own, whole, seen, t->most + j * LANES,
                                    t->sum + j * LANES);
        store(rescale + j * LANES, shrink);
        for (int64_t r = seen; r < b->keys; r++)
            store(column + r * QUERIES, splat(0));
    }
}

/* ---- a group of tiles -------------------------------------------------------------------- */

#ifdef SIZELESS

/* q^T, scaled, with zeros for the queries and elements that a tile does not have. */
static void transpose_queries(const query_tile *t, int64_t head_dim, float scale, const float *q) {
    for (int64_t p = 0; p < padded(head_dim, ROW_BLOCK); p++)
        for (int64_t i = 0; i < t->columns * LANES; i++)
            t->q[p * QUERIES + i] =
                i < t->queries && p < head_dim ? q[i * head_dim + p] * scale : 0;
}

static void store_output(const query_tile *t, int64_t head_dim, float *o) {
    for (int64_t i = 0; i < t->queries; i++) {
        float share = 1 / t->sum[i];
        for (int64_t p = 0; p < head_dim; p++)
            o[i * head_dim + p] = t->o[p * QUERIES + i] * share;
    }
}

#else

/* q^T, scaled, with zeros for the queries and elements that a tile does not have. */
static void transpose_queries(const query_tile *t, int64_t head_dim, float scale, const float *q) {
    for (int64_t p = 0; p < head_dim; p += LANES)
        for (int64_t j = 0; j < t->columns; j++) {
            vec v[LANES];
            UNROLL for (int i = 0; i < LANES; i++) {
                const float *from = q + (j * LANES + i) * head_dim + p;
                v[i] = j * LANES + i >= t->queries ? splat(0)
                       : p + LANES <= head_dim     ? load(from)
                                                   : load_first(from, head_dim - p);
            }
            transpose(v);
            UNROLL for (int i = 0; i < LANES; i++)
                store(t->q + (p + i) * QUERIES + j * LANES, mul(v[i], splat(scale)));
        }
}

static void store_output(const query_tile *t, int64_t head_dim, float *o) {
    for (int64_t j = 0; j < t->columns; j++) {
        vec share = div_of(splat(1), load(t->sum + j * LANES));
        for (int64_t p = 0; p < head_dim; p += LANES) {
            vec v[LANES];
            UNROLL for (int i = 0; i < LANES; i++)
                v[i] = mul(load(t->o + (p + i) * QUERIES + j * LANES), share);
            transpose(v);
            UNROLL for (int i = 0; i < LANES; i++) {
                float *to = o + (j * LANES + i) * head_dim + p;
                if (j * LANES + i < t->queries)
                    store_most(to, head_dim - p, v[i]);
            }
        }
    }
}

#endif

static void load_queries(const query_tile *t, int64_t head_dim, float scale, const float *q) {
    transpose_queries(t, head_dim, scale, q);
    for (int64_t i = 0; i < padded(head_dim, ROW_BLOCK) * QUERIES; i += LANES)
        store(t->o + i, splat(0));
    for (int64_t j = 0; j < t->columns; j++) {
        store(t->most + j * LANES, splat(-INFINITY));
        store(t->sum + j * LANES, splat(0));
    }
}

static int64_t lay_out_tiles(attention_shape s, int causal, int64_t first, float *space,
                             query_tile tiles[TILES]) {
    int64_t count = 0;
    for (; count < TILES && first < s.seq; count++, first += QUERIES, space += tile_floats(s)) {
        int64_t matrix = padded(s.head_dim, ROW_BLOCK) * QUERIES;
        int64_t queries = min_of(QUERIES, s.seq - first);
        tiles[count] = (query_tile){
            .first = first, .queries = queries, .columns = blocks(queries, LANES), .causal = causal,
            .q = space, .o = space + matrix, .most = space + 2 * matrix,
            .sum = space + 2 * matrix + QUERIES};
    }
    return count;
}

/* Whatever type the operands have, `wide` takes wide_rows() rows of two of them. */
typedef struct prefill_space {
    float *scores, *rescale, *aside, *wide;
} prefill_space;

INLINE void attend(const dtype type, query_tile *tiles, int64_t count, const void *k,
                   const void *v, int64_t keys, int64_t head_dim, const prefill_space *w) {
    for (int64_t first = 0; first < keys; first += KEYS) {
        int64_t here = min_of(KEYS, keys - first), start = first * head_dim * bytes_of(type);
        key_block b = {(const float *)((const char *)k + start),
                       (const float *)((const char *)v + start), w->aside, first, here, head_dim};
        if (type != F32) {
            float *wide_v = w->wide + wide_rows() * head_dim;
            widen(type, b.k, NULL, here, head_dim, w->wide);
            widen(type, b.v, NULL, here, head_dim, wide_v);
            b.k = w->wide;
            b.v = wide_v;
        }
        set_aside(&b, w->aside);
        for (query_tile *t = tiles; t < tiles + count; t++) {
            b.keys = t->causal ? min_of(here, t->first + t->queries - first) : here;
            if (b.keys <= 0)
                continue;
            find_scores(t, &b, w->scores);
            softmax(t, &b, w->scores, w->rescale);
            add_values(t, &b, w->scores, w->rescale);
        }
    }
}

/* Parameters: the shape's five, then causal. */
static uint64_t prefill_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    attention_shape s = shape_of(params);
    (void)phase, (void)threads;
    return (uint64_t)(s.batch * s.heads * blocks(s.seq, TILES * QUERIES));
}

/* q, k, v and o are all of `type`. */
INLINE void prefill(const ab_call *call, const dtype type, uint64_t grain) {
    attention_shape s = shape_of(call->params);
    int causal = call->params[5] != 0;
    int64_t groups = blocks(s.seq, TILES * QUERIES), head = (int64_t)grain / groups;
    int64_t first = (groups - 1 - (int64_t)grain % groups) * TILES * QUERIES;
    int64_t kv_head = head / (s.heads / s.kv_heads), row = s.head_dim * bytes_of(type);
    const char *q = (const char *)call->operands[0] + head * s.seq * row;
    char *o = (char *)call->operands[3] + head * s.seq * row;

    query_tile tiles[TILES];
    int64_t count = lay_out_tiles(s, causal, first, call->scratch, tiles);
    float *scores = (float *)call->scratch + TILES * tile_floats(s);
    float *rescale = scores + (KEYS + ROWS) * QUERIES, *aside = rescale + QUERIES;
    prefill_space w = {scores, rescale, aside, aside + aside_floats(s.head_dim)};
    for (query_tile *t = tiles; t < tiles + count; t++) {
        const float *rows = (const float *)(q + t->first * row);
        if (type != F32) {
            widen(type, rows, NULL, t->queries, s.head_dim, w.wide);
            rows = w.wide;
        }
        load_queries(t, s.head_dim, query_scale(s), rows);
    }
    int64_t keys = causal ? min_of(s.seq, first + TILES * QUERIES) : s.seq;
    int64_t matrix = kv_head * s.seq * row;
    attend(type, tiles, count, (const char *)call->operands[1] + matrix,
           (const char *)call->operands[2] + matrix, keys, s.head_dim, &w);
    for (query_tile *t = tiles; t < tiles + count; t++) {
        char *rows = o + t->first * row;
        store_output(t, s.head_dim, type == F32 ? (float *)rows : w.wide);
        if (type != F32)
            narrow(w.wide, t->queries * s.head_dim, (uint16_t *)rows);
    }
}

static void prefill_f32(const ab_call *call, uint64_t phase, uint64_t grain) {
    (void)phase;
    prefill(call, F32, grain);
}

static void prefill_bf16(const ab_call *call, uint64_t phase, uint64_t grain) {
    (void)phase;
    prefill(call, BF16, grain);
}

#define PREFILL(operation) \
    AB_VARIANT(operation, .accepts = accepts, .scratch_bytes = prefill_scratch_bytes, \
               .grains = prefill_grains, .run = operation)

#endif
