/* The register tiles of decode.h, for vectors of a compile-time size. */
#ifndef ARMBENCH_ATTENTION_DECODE_TILES_H
#define ARMBENCH_ATTENTION_DECODE_TILES_H

INLINE void multiply_step(const int queries, const vec key[FOUR], const float *q, int64_t q_stride,
                          vec sum[SHARED][FOUR]) {
    UNROLL for (int h = 0; h < queries; h++) {
        vec x = load(q + h * q_stride);
        UNROLL for (int i = 0; i < FOUR; i++) sum[h][i] = fma_of(key[i], x, sum[h][i]);
    }
}

/* scores[h][i] = q[h] . row[i]; the first row is `offset` bytes into the block. */
INLINE void dots_of(const int queries, const near_block *b, const float *const row[FOUR],
                    int64_t offset, const float *q, int64_t q_stride, float *scores) {
    int64_t head_dim = b->head_dim;
    vec sum[SHARED][FOUR], key[FOUR];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int i = 0; i < FOUR; i++) sum[h][i] = splat(0);
    int64_t p = 0;
    while (p + LINE <= head_dim) {
        prefetch_lines(b, offset + FOUR * p * (int64_t)sizeof(float), FOUR);
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

/* o[h] += sum over keys of p[h][key] v[key], for `span` vectors from element `at` on, of which the last
 * has `valid` elements; p has a multiple of ELEMENTS columns, zero from the last key on. */
INLINE void weigh_of(const int queries, const int span, const int64_t valid, const near_block *b,
                     int64_t at, const float *p, float *o, int64_t o_stride) {
    int64_t keys = b->keys, offset = at * keys * (int64_t)sizeof(float);
    vec sum[SHARED][SPAN];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < span; j++) sum[h][j] = load(o + h * o_stride + j * LANES);
    const float *v = (const float *)near_row(b, 0) + at;
    for (int64_t r = 0; r < keys; r += ELEMENTS, v += ELEMENTS * b->head_dim) {
        if (LOT < NEAR && r % LOT == 0)
            v = (const float *)near_row(b, r) + at;
        left a[SHARED];
        UNROLL for (int h = 0; h < queries; h++) a[h] = load_left(p + h * SCORES_STRIDE + r);
        UNROLL for (int e = 0; e < ELEMENTS; e++) {
            const float *row = v + min_of(e, keys - 1 - r) * b->head_dim;
            const int lines = (span * LANES + LINE - 1) / LINE;
            prefetch_lines(b, offset + (r + e) * span * LANES * (int64_t)sizeof(float), lines);
            UNROLL for (int j = 0; j < span; j++) {
                vec x = j == span - 1 && valid < LANES ? load_first(row + j * LANES, valid)
                                                       : load(row + j * LANES);
                UNROLL for (int h = 0; h < queries; h++)
                    sum[h][j] = fma_left(a[h], e, x, sum[h][j]);
            }
        }
    }
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < span; j++) store(o + h * o_stride + j * LANES, sum[h][j]);
}

INLINE void weigh_all(const int queries, const near_block *b, const float *p, float *o,
                      int64_t o_stride) {
    int64_t d = b->head_dim, i = 0;
    for (; i + SPAN * LANES <= d; i += SPAN * LANES)
        weigh_of(queries, SPAN, LANES, b, i, p, o + i, o_stride);
    for (; i + LANES <= d; i += LANES)
        weigh_of(queries, 1, LANES, b, i, p, o + i, o_stride);
    if (i < d)
        weigh_of(queries, 1, d - i, b, i, p, o + i, o_stride);
}

#endif
