/* Decode over a cache of bf16 or int8, multiplied as it is: what is loaded from memory is used in
 * registers by all queries, and never stored in another form.
 *
 * Queries become rows that a score is a product with, and so do a block's probabilities.  Where there are
 * dot products of neighbours (bfdot.h, sdot.h, vnni.h), rows are of such numbers, and the keys of v
 * are interleaved in registers; else (halves.h) they are f32.  The header defines, on blocks of keys
 * that lie together:
 *   kv query row              elements of the cache; of q and o; of what is made of queries and weights
 *   CACHE                     the type, as widen.h has it
 *   SHARED PARTS              queries taken together; rows that make one
 *   prepare_query             the rows of a query; returns the factor of its scores
 *   dots                      scores of a block, [query][key] at SCORES_STRIDE
 *   prepare_weights           the rows of a block's probabilities; returns their factor
 *   weigh                     o += weights x v
 *   store_outputs             o, rounded to its type
 */
#ifndef ARMBENCH_ATTENTION_NARROW_H
#define ARMBENCH_ATTENTION_NARROW_H

INLINE int64_t query_elements(attention_shape s) { return padded(s.head_dim, 4 * LANES); }

/* Rows of queries, scores, rows of weights; each query's factors. */
typedef struct narrow_space {
    float *scores; /* [group][SCORES_STRIDE] */
    float *factors, *weight_factors; /* [group]; [SHARED] */
    row *queries, *weights; /* [group][PARTS][query_elements], [SHARED][PARTS][NEAR] */
} narrow_space;

/* The scores of a chunk's queries, or the output of a head. */
INLINE int64_t scores_floats(attention_shape s) {
    int64_t scores = group_of(s) * SCORES_STRIDE, output = vectors_of(s);
    return scores > output ? scores : output;
}

INLINE narrow_space narrow_space_of(attention_shape s, void *scratch) {
    float *scores = scratch, *factors = scores + scores_floats(s);
    float *weight_factors = factors + padded(group_of(s), LINE);
    row *weights = (row *)(weight_factors + LINE);
    return (narrow_space){scores, factors, weight_factors, weights + SHARED * PARTS * NEAR, weights};
}

static uint64_t narrow_scratch_bytes(const int64_t *params) {
    attention_shape s = shape_of(params);
    int64_t floats = scores_floats(s) + padded(group_of(s), LINE) + LINE;
    int64_t rows = SHARED * NEAR + group_of(s) * query_elements(s);
    return (uint64_t)floats * sizeof(float) + (uint64_t)(PARTS * rows) * sizeof(row);
}

static void narrow_chunk(attention_shape s, const portion *c, float *partial, const narrow_space *w) {
    int64_t group = group_of(s), width = vectors_of(s), row = partial_floats(s);
    for (int64_t at = c->first; at < c->end;) {
        near_block b = keys_at(c, at, s.head_dim);
        for (int64_t h = 0; h < group; h += SHARED, look_again(&b))
            dots(min_of(SHARED, group - h), &b, w->queries + h * PARTS * query_elements(s),
                 query_elements(s), w->factors + h, w->scores + h * SCORES_STRIDE + at - c->first);
        at += b.keys;
    }
    for (int64_t h = 0; h < group; h++) {
        float *o = partial + h * row;
        softmax_row(w->scores + h * SCORES_STRIDE, c->end - c->first, o + width, o + width + 1);
        for (int64_t p = 0; p < width; p += LANES)
            store(o + p, splat(0));
    }
    for (int64_t at = c->first; at < c->end;) {
        near_block b = values_at(c, at, s.head_dim);
        for (int64_t h = 0; h < group; h += SHARED, look_again(&b)) {
            int64_t queries = min_of(SHARED, group - h);
            for (int64_t i = 0; i < queries; i++)
                w->weight_factors[i] =
                    prepare_weights(&b, w->scores + (h + i) * SCORES_STRIDE + at - c->first,
                                    w->weights + i * PARTS * NEAR);
            weigh(queries, &b, w->weights, w->weight_factors, partial + h * row, row);
        }
        at += b.keys;
    }
}

static void narrow_decode(const ab_call *call, uint64_t phase, uint64_t grain) {
    attention_shape s = decode_shape_of(call->params, call->threads);
    int64_t index = (int64_t)grain, group = group_of(s);
    if (phase) {
        float *partial = partial_of(s, call->shared, index / group, 0);
        join_chunks(s, partial + index % group * partial_floats(s), call->scratch);
        store_outputs(s.head_dim, call->scratch, (query *)call->operands[3] + index * s.head_dim);
        return;
    }
    int64_t elements = query_elements(s);
    portion c = portion_of(call, s, CACHE, index);
    const query *q = (const query *)call->operands[0] + c.kv_head * group * s.head_dim;
    narrow_space w = narrow_space_of(s, call->scratch);
    for (int64_t h = 0; h < group; h++)
        w.factors[h] = prepare_query(s, q + h * s.head_dim, elements,
                                     w.queries + h * PARTS * elements);
    narrow_chunk(s, &c, partial_of(s, call->shared, c.kv_head, c.chunk), &w);
}

#endif
