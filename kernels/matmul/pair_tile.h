/* A tile over two panels of B that lie side by side, for vector_tile.h: 6 rows by 4 vectors.
 *
 * 34 instructions do its 24 multiply-adds, where a tile of 14 x 2 vectors has 44 for 28, and several
 * groups share the loop's own.  The two need as long alone on a core; on a core shared with busy
 * neighbours this one is 2 to 8 % faster (Emerald Rapids).  B comes from L2 at 21 bytes a cycle instead
 * of 9; hardware fetches two streams well, and asking for them in L1 costs more than it gives.
 */
#ifndef ARMBENCH_PAIR_TILE_H
#define ARMBENCH_PAIR_TILE_H

#define PAIR_TURN 8 /* groups in a turn of the loop */

#define PAIR_EVERY(rows) rows(1) rows(2) rows(3) rows(4) rows(5) rows(6)

#endif

/* C is asked for as in TILE_tile(). */
static inline __attribute__((always_inline)) void VT(pair_of)(
    const int rows, int64_t groups, const LEFT *a, const SUM *heads, const RIGHT *b,
    int64_t b_stride, SUM *c, int64_t stride, int accumulate, const char *next, int64_t next_step) {
    VT(vector) sum[4 * PAIR_ROWS];
    VT(begin)(rows, 2, heads, sum);
    const SUM *row = c;
    int64_t g = 0;
#define VT_GROUP()                                                                         \
    VT(add)(rows, 2, a, LEFT_STRIDE, b, b_stride, sum);                                    \
    g++, a += DEPTH, b += NR * DEPTH
#define VT_FETCH_ROW(cache)                                                                \
    for (int v = 0; v < 4; v++)                                                            \
        __builtin_prefetch(row + v * LANES, 0, cache)
    for (; g < rows && g < groups; row += stride) {
        VT_FETCH_ROW(2);
        VT_GROUP();
    }
    for (; g + PAIR_TURN + rows <= groups; next += PAIR_TURN * next_step) {
        __builtin_prefetch(next, 0, 2);
#pragma GCC unroll 8
        for (int turn = 0; turn < PAIR_TURN; turn++) {
            VT_GROUP();
        }
    }
    while (g < groups - rows) {
        VT_GROUP();
    }
    for (row = c; g < groups; row += stride) {
        VT_FETCH_ROW(3);
        VT_GROUP();
    }
#undef VT_GROUP
#undef VT_FETCH_ROW
    VT(end)(rows, 2, sum, c, stride, accumulate);
}

/* c[rows][2 NR] (+)= heads[rows] + a[rows][groups][DEPTH] times two panels b[groups][NR][DEPTH],
 * `b_stride` apart, 1 <= rows <= PAIR_ROWS; the rest as for TILE_tile(). */
static void VT(pair)(int64_t rows, int64_t groups, const LEFT *a, const SUM *heads, const RIGHT *b,
                     int64_t b_stride, SUM *c, int64_t stride, int accumulate, const char *next,
                     int64_t next_step) {
#define VT_ROWS(r)                                                                         \
    case r:                                                                                \
        VT(pair_of)(r, groups, a, heads, b, b_stride, c, stride, accumulate, next,         \
                    next_step);                                                            \
        break;
    switch (rows) { PAIR_EVERY(VT_ROWS) }
#undef VT_ROWS
}
