/* A tile of C in vector registers, around the product that the including file provides:
 *
 *   TILE                 the tile's name; everything else defined here begins with it
 *   LEFT, RIGHT, SUM     element types of packed A and B, and of the sums
 *   DEPTH, MR, NR        k that lies together; rows and columns of the largest tile
 *   LANES                sums in a vector; NR is two vectors
 *   GROUP_STEPS          products of a group of DEPTH, for each vector of sums
 *   LEFT_AT              (a, step): of a row of A, in all lanes
 *   RIGHT_AT             (b, half, step): of the first or second vector of columns
 *   MULTIPLY_ADD         (sum, x, y): sum + x y
 *   LEFT_STRIDE          elements from a row of packed A to the next, in TILE_tile()
 *   PAIR_ROWS            rows of a tile over two panels of B, if that has registers; else undefined
 *
 * TILE_tile() is for a panel of B in the caches, TILE_pair() (pair_tile.h) for two, TILE_few() for one
 * that comes from memory and is used by few rows.  One stream from DRAM is slower than several, so the
 * last walks two or four parts of k side by side (`chains`), which also keeps additions from waiting
 * for one another.  Where registers do not suffice for that, it fetches several parts of what comes next.
 */
#include <stdint.h>
#include <string.h>

#ifndef ARMBENCH_VECTOR_TILE_H
#define ARMBENCH_VECTOR_TILE_H

#include "tile.h"

#define VT_NEAR (4 << 10) /* bytes ahead of its use that several chains fetch B from memory, */
#define VT_NEXT (1 << 10) /* and one does so from L2 */

#define VT_CHAINS(rows) ((rows) * 4 <= MR ? 4 : (rows) * 2 <= MR ? 2 : 1)

#define VT_EVERY(rows)                                                                     \
    rows(1) rows(2) rows(3) rows(4) rows(5) rows(6) rows(7) rows(8) rows(9) rows(10)       \
    rows(11) rows(12) rows(13) rows(14)

#endif

typedef SUM VT(vector) __attribute__((vector_size(LANES * sizeof(SUM))));

static inline VT(vector) VT(load)(const SUM *from) {
    VT(vector) v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void VT(store)(SUM *to, VT(vector) v) { memcpy(to, &v, sizeof v); }

/* sum[rows][2 panels] begin at `heads`, one for each row, if there are any. */
static inline __attribute__((always_inline)) void VT(begin)(const int rows, const int panels,
                                                            const SUM *heads, VT(vector) *sum) {
#pragma GCC unroll 28
    for (int i = 0; i < rows * 2 * panels; i++)
        sum[i] = (VT(vector)){0};
    if (heads)
#pragma GCC unroll 28
        for (int i = 0; i < rows * 2 * panels; i++)
            sum[i] += heads[i / (2 * panels)];
}

/* sum[rows][2 panels] += a[rows][DEPTH] times the columns of so many panels, `b_stride` apart. */
static inline __attribute__((always_inline)) void VT(add)(const int rows, const int panels,
                                                          const LEFT *a, int64_t a_stride,
                                                          const RIGHT *b, int64_t b_stride,
                                                          VT(vector) *sum) {
#pragma GCC unroll 2
    for (int step = 0; step < GROUP_STEPS; step++) {
        __typeof__(RIGHT_AT(b, 0, 0)) y[4];
#pragma GCC unroll 4
        for (int v = 0; v < 2 * panels; v++)
            y[v] = RIGHT_AT(b + v / 2 * b_stride, v % 2, step);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            __typeof__(LEFT_AT(a, 0)) x = LEFT_AT(a + i * a_stride, step);
#pragma GCC unroll 4
            for (int v = 0; v < 2 * panels; v++)
                sum[2 * panels * i + v] = MULTIPLY_ADD(sum[2 * panels * i + v], x, y[v]);
        }
    }
}

static inline __attribute__((always_inline)) void VT(end)(const int rows, const int panels,
                                                          const VT(vector) *sum, SUM *c,
                                                          int64_t stride, int accumulate) {
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += stride)
#pragma GCC unroll 4
        for (int v = 0; v < 2 * panels; v++) {
            VT(vector) total = sum[2 * panels * i + v];
            if (accumulate)
                total += VT(load)(c + v * LANES);
            VT(store)(c + v * LANES, total);
        }
}

static inline __attribute__((always_inline)) void VT(fetch)(const RIGHT *b, int64_t bytes) {
#pragma GCC unroll 4
    for (int line = 0; line < NR * DEPTH * (int)sizeof(RIGHT); line += VT_LINE)
        __builtin_prefetch((const char *)b + bytes + line, 0, 3);
}

/* C, too, is asked for: to L2 as the tile begins, to L1 as it ends, a row with each group of k,
 * because all at once would keep what A and B need from being fetched. */
static inline __attribute__((always_inline)) void VT(tile_of)(
    const int rows, int64_t groups, const LEFT *a, const SUM *heads, const RIGHT *b, SUM *c,
    int64_t stride, int accumulate, const char *next, int64_t next_step) {
    VT(vector) sum[2 * MR];
    VT(begin)(rows, 1, heads, sum);
    const SUM *row = c;
    int64_t g = 0;
#define VT_GROUP()                                                                         \
    VT(fetch)(b, VT_NEXT);                                                                 \
    VT(add)(rows, 1, a, LEFT_STRIDE, b, 0, sum);                                           \
    g++, a += DEPTH, b += NR * DEPTH
    for (; g < rows && g < groups; row += stride) {
        __builtin_prefetch(row, 0, 2);
        __builtin_prefetch(row + LANES, 0, 2);
        VT_GROUP();
    }
    for (; g < groups - rows; next += next_step) {
        __builtin_prefetch(next, 0, 2);
        VT_GROUP();
    }
    for (row = c; g < groups; row += stride) {
        __builtin_prefetch(row, 0, 3);
        __builtin_prefetch(row + LANES, 0, 3);
        VT_GROUP();
    }
#undef VT_GROUP
    VT(end)(rows, 1, sum, c, stride, accumulate);
}

static inline __attribute__((always_inline)) void VT(few_of)(
    const int rows, const int chains, int64_t groups, const LEFT *a, int64_t a_stride,
    const SUM *heads, const RIGHT *b, SUM *c, int64_t stride, int accumulate, vt_ahead ahead) {
    VT(vector) sum[4][2 * MR];
#pragma GCC unroll 4
    for (int chain = 0; chain < chains; chain++)
        VT(begin)(rows, 1, chain ? NULL : heads, sum[chain]);
    int64_t g = 0;
    if (chains == 1) {
        a_stride = LEFT_STRIDE;
        for (; g + VT_STREAMS <= groups; g += VT_STREAMS) {
            vt_fetch(&ahead);
            if (ahead.both)
                vt_fetch(&ahead);
#pragma GCC unroll 4
            for (int turn = 0; turn < VT_STREAMS; turn++, a += DEPTH, b += NR * DEPTH) {
                VT(fetch)(b, VT_NEXT);
                VT(add)(rows, 1, a, a_stride, b, 0, sum[0]);
            }
        }
    } else {
        int64_t each = groups / chains;
        for (; g < each; g++, a += DEPTH, b += NR * DEPTH)
#pragma GCC unroll 4
            for (int chain = 0; chain < chains; chain++) {
                const RIGHT *at = b + chain * each * NR * DEPTH;
                VT(fetch)(at, VT_NEAR);
                VT(add)(rows, 1, a + chain * each * DEPTH, a_stride, at, 0, sum[chain]);
            }
        g = each * chains;
        a += (g - each) * DEPTH;
        b += (g - each) * NR * DEPTH;
    }
    for (; g < groups; g++, a += DEPTH, b += NR * DEPTH)
        VT(add)(rows, 1, a, a_stride, b, 0, sum[0]);
#pragma GCC unroll 4
    for (int chain = 1; chain < chains; chain++)
#pragma GCC unroll 28
        for (int i = 0; i < 2 * rows; i++)
            sum[0][i] += sum[chain][i];
    VT(end)(rows, 1, sum[0], c, stride, accumulate);
}

/* c[rows][NR] (+)= heads[rows] + a[rows][groups][DEPTH] b[groups][NR][DEPTH]^T, 1 <= rows <= MR;
 * rows of A are LEFT_STRIDE apart.  Fetches to L2 `next`, and so many bytes on with every group. */
static void VT(tile)(int64_t rows, int64_t groups, const LEFT *a, const SUM *heads, const RIGHT *b,
                     SUM *c, int64_t stride, int accumulate, const char *next, int64_t next_step) {
#define VT_ROWS(r)                                                                         \
    case r:                                                                                \
        if (r <= MR)                                                                       \
            VT(tile_of)(r <= MR ? r : 1, groups, a, heads, b, c, stride, accumulate, next, \
                        next_step);                                                        \
        break;
    switch (rows) { VT_EVERY(VT_ROWS) }
#undef VT_ROWS
}

/* The same with rows of A `a_stride` apart.  As many as leave registers for one chain only are
 * LEFT_STRIDE apart, and fetch `ahead`. */
static void VT(few)(int64_t rows, int64_t groups, const LEFT *a, int64_t a_stride, const SUM *heads,
                    const RIGHT *b, SUM *c, int64_t stride, int accumulate, vt_ahead ahead) {
#define VT_ROWS(r)                                                                         \
    case r:                                                                                \
        if (r <= MR)                                                                       \
            VT(few_of)(r <= MR ? r : 1, VT_CHAINS(r), groups, a, a_stride, heads, b, c,    \
                       stride, accumulate, ahead);                                         \
        break;
    switch (rows) { VT_EVERY(VT_ROWS) }
#undef VT_ROWS
}

#ifdef PAIR_ROWS
#include "pair_tile.h"
#endif
