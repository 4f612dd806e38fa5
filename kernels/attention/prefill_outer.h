/* A block of keys against a tile of queries by outer products of SME (outer.h).  They take both
 * sides depth first: q^T, p^T and v lie so, k is transposed once for all tiles of a group.
 */
#ifndef ARMBENCH_ATTENTION_PREFILL_OUTER_H
#define ARMBENCH_ATTENTION_PREFILL_OUTER_H

#include "outer.h"
#include "za_transpose.h"

#define FLOATS(n) ((n) * (int64_t)sizeof(float))

OUTER(outer_products, "fmopa", "s", OUTER_F32)
ZA_TRANSPOSE(transpose_words, OUTER_F32)

INLINE int64_t aside_floats(int64_t head_dim) { return head_dim * KEYS; }

/* k^T: [head_dim][KEYS]. */
static void set_aside(const key_block *b, float *to) {
    transpose_words(b->keys, b->head_dim, b->k, FLOATS(b->head_dim), to, FLOATS(KEYS));
}

static void find_scores(const query_tile *t, const key_block *b, float *scores) {
    const int64_t both = 2 * streaming_bytes(), row = FLOATS(QUERIES);
    outer_products((outer){b->keys, t->columns * LANES, b->head_dim, b->aside, FLOATS(KEYS), both,
                           t->q, row, both, scores, row, 0});
}

/* o^T = rescale o^T + v^T p^T.  Probabilities behind the diagonal are 0. */
static void add_values(const query_tile *t, const key_block *b, const float *p, float *rescale) {
    const int64_t both = 2 * streaming_bytes(), row = FLOATS(QUERIES), d = b->head_dim;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < t->columns * LANES; j += LANES) {
            float *o = t->o + i * QUERIES + j;
            store(o, mul(load(o), load(rescale + j)));
        }
    outer_products((outer){d, t->columns * LANES, b->keys, b->v, FLOATS(d), both, p, row, both,
                           t->o, row, 1});
}

#endif
