/* A block of keys against a tile of queries in register tiles of ROWS keys, or elements of v. */
#ifndef ARMBENCH_ATTENTION_PREFILL_BLOCKS_H
#define ARMBENCH_ATTENTION_PREFILL_BLOCKS_H

#ifdef SIZELESS
#include "sve_prefill.h"
#else
#include "prefill_tiles.h"
#endif

#define DIAGONAL (LANES > 16 ? LANES : 16) /* keys multiplied at once on the diagonal */

INLINE int64_t aside_floats(int64_t head_dim) { return (void)head_dim, KEYS * ROWS; }

/* The elements of v that do not fill ROWS: [KEYS][ROWS]. */
static void set_aside(const key_block *b, float *edge) {
    int64_t left_over = b->head_dim % ROWS, start = b->head_dim - left_over;
    for (int64_t r = 0; left_over && r < b->keys; r++)
        for (int64_t i = 0; i < ROWS; i++)
            edge[r * ROWS + i] = i < left_over ? b->v[r * b->head_dim + start + i] : 0;
}

/* The first vector of queries that may see `key`. */
INLINE int64_t first_column(const query_tile *t, int64_t key) {
    return t->causal && key > t->first ? (key - t->first) / LANES : 0;
}

static void find_scores(const query_tile *t, const key_block *b, float *scores) {
    for (int64_t r = 0; r < b->keys; r += ROWS) {
        const float *row[ROWS];
        for (int i = 0; i < ROWS; i++)
            row[i] = b->k + min_of(r + i, b->keys - 1) * b->head_dim;
        int64_t from = first_column(t, b->first + r);
        scores_tile(t->columns - from, b->head_dim, row, t->q + from * LANES,
                    scores + r * QUERIES + from * LANES);
    }
}

/* o^T = rescale o^T + v^T p^T.  On the diagonal, a few keys at a time: queries before them are
 * left out. */
static void add_values(const query_tile *t, const key_block *b, const float *p, float *rescale) {
    int64_t d = b->head_dim;
    for (int64_t from = 0, to; from < b->keys; from = to) {
        int64_t column = first_column(t, b->first + from), skip = column * LANES;
        to = t->causal ? t->first + skip + DIAGONAL - b->first : b->keys;
        to = min_of(to, b->keys);
        for (int64_t i = 0; i < d; i += ROWS) {
            int edge = i + ROWS > d;
            values_tile(t->columns - column, to - from,
                        edge ? b->aside + from * ROWS : b->v + from * d + i, edge ? ROWS : d,
                        p + from * QUERIES + skip, rescale + skip, t->o + i * QUERIES + skip);
        }
        for (int64_t j = 0; j < t->columns; j++)
            store(rescale + j * LANES, splat(1));
    }
}

#endif
