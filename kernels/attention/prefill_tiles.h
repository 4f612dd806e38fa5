/* The register tiles of prefill.h, for vectors of a compile-time size. */
#ifndef ARMBENCH_ATTENTION_PREFILL_TILES_H
#define ARMBENCH_ATTENTION_PREFILL_TILES_H

#ifndef IN_ORDER
#define IN_ORDER(sum, address) ((void)0)
#endif

/* sum[i][j] += row[i][p] b[p][j] over p < depth; b has a multiple of ELEMENTS rows of QUERIES,
 * zero from depth on. */
#if ELEMENTS == 1
INLINE void multiply_keys(const int columns, int64_t depth, const float *const row[ROWS],
                          const float *b, vec sum[ROWS][COLUMNS]) {
    for (int64_t p = 0; p < depth; p++, b += QUERIES) {
        vec x[COLUMNS];
        UNROLL for (int j = 0; j < columns; j++) x[j] = load(b + j * LANES);
        UNROLL for (int i = 0; i < ROWS; i++) {
            left a = load_left(row[i] + p);
            UNROLL for (int j = 0; j < columns; j++) {
                sum[i][j] = fma_left(a, 0, x[j], sum[i][j]);
                IN_ORDER(sum[i][j], p);
            }
        }
    }
}
#else
INLINE void multiply_elements(const int columns, const left a[ROWS], const float *b,
                              vec sum[ROWS][COLUMNS]) {
    UNROLL for (int e = 0; e < ELEMENTS; e++)
        UNROLL for (int j = 0; j < columns; j++) {
            vec x = load(b + e * QUERIES + j * LANES);
            UNROLL for (int i = 0; i < ROWS; i++) sum[i][j] = fma_left(a[i], e, x, sum[i][j]);
        }
}

INLINE void multiply_keys(const int columns, int64_t depth, const float *const row[ROWS],
                          const float *b, vec sum[ROWS][COLUMNS]) {
    left a[ROWS];
    int64_t p = 0;
    for (; p + ELEMENTS <= depth; p += ELEMENTS, b += ELEMENTS * QUERIES) {
        UNROLL for (int i = 0; i < ROWS; i++) a[i] = load_left(row[i] + p);
        multiply_elements(columns, a, b, sum);
    }
    if (p < depth) {
        UNROLL for (int i = 0; i < ROWS; i++) a[i] = load_first(row[i] + p, depth - p);
        multiply_elements(columns, a, b, sum);
    }
}
#endif

/* sum[i][j] += a[p][i] b[p][j] over p < depth; a has rows of `stride`, b of QUERIES. */
INLINE void multiply_values(const int columns, int64_t depth, const float *a, int64_t stride,
                            const float *b, vec sum[ROWS][COLUMNS]) {
    for (int64_t p = 0; p < depth; p++, a += stride, b += QUERIES) {
#if ELEMENTS == 1
        vec x[COLUMNS];
        UNROLL for (int j = 0; j < columns; j++) x[j] = load(b + j * LANES);
        UNROLL for (int i = 0; i < ROWS; i++) {
            left y = load_left(a + i);
            UNROLL for (int j = 0; j < columns; j++) {
                sum[i][j] = fma_left(y, 0, x[j], sum[i][j]);
                IN_ORDER(sum[i][j], a);
            }
        }
#else
        left y[ROWS / ELEMENTS];
        UNROLL for (int i = 0; i < ROWS / ELEMENTS; i++) y[i] = load_left(a + i * ELEMENTS);
        UNROLL for (int j = 0; j < columns; j++) {
            vec x = load(b + j * LANES);
            UNROLL for (int i = 0; i < ROWS; i++)
                sum[i][j] = fma_left(y[i / ELEMENTS], i % ELEMENTS, x, sum[i][j]);
        }
#endif
    }
}

INLINE void scores_of(const int columns, int64_t depth, const float *const row[ROWS],
                      const float *q, float *scores) {
    vec sum[ROWS][COLUMNS];
    UNROLL for (int i = 0; i < ROWS; i++)
        UNROLL for (int j = 0; j < columns; j++) sum[i][j] = splat(0);
    multiply_keys(columns, depth, row, q, sum);
    UNROLL for (int i = 0; i < ROWS; i++)
        UNROLL for (int j = 0; j < columns; j++) store(scores + i * QUERIES + j * LANES, sum[i][j]);
}

INLINE void values_of(const int columns, int64_t keys, const float *v, int64_t stride,
                      const float *p, const float *rescale, float *o) {
    vec sum[ROWS][COLUMNS];
    UNROLL for (int i = 0; i < ROWS; i++)
        UNROLL for (int j = 0; j < columns; j++)
            sum[i][j] = mul(load(rescale + j * LANES), load(o + i * QUERIES + j * LANES));
    multiply_values(columns, keys, v, stride, p, sum);
    UNROLL for (int i = 0; i < ROWS; i++)
        UNROLL for (int j = 0; j < columns; j++) store(o + i * QUERIES + j * LANES, sum[i][j]);
}

static NOINLINE void scores_tile(int64_t columns, int64_t depth, const float *const row[ROWS],
                                 const float *q, float *scores) {
#define WIDTH(n) case n: scores_of(n, depth, row, q, scores); break;
    switch (columns) { WIDTHS(WIDTH) }
#undef WIDTH
}

static NOINLINE void values_tile(int64_t columns, int64_t keys, const float *v, int64_t stride,
                                 const float *p, const float *rescale, float *o) {
#define WIDTH(n) case n: values_of(n, keys, v, stride, p, rescale, o); break;
    switch (columns) { WIDTHS(WIDTH) }
#undef WIDTH
}

#endif
