/* A tile of C in SVE registers of whatever length, 8 rows by two or three registers of columns, around
 * what the including file provides:
 *
 *   TILE               the tile's name; everything else defined here begins with it
 *   LEFT, RIGHT, SUM   element types of packed A and B, and of the sums as stored
 *   DEPTH              k that lies together
 *   COLUMNS            registers of columns: 3, or 2 where those of A need the room
 *   NR                 so many columns, an expression of the vector length
 *   VECTOR, SUMS       types of a register of A or B, and of sums
 *   ROWS_OF            rows that lie together in 128 bits of sums: 2 for matrix products, else 1
 *   QUADS(R)           R(row, register of A, lane in it) for the 8 rows
 *   QUAD_ROWS          rows of A in 128 bits, which a load repeats along the register
 *   REPEAT, LOAD       (p): 128 bits of A repeated; a register of B
 *   STEP               (sum, b, a, lane)
 *   ZERO               (): sums of zero
 *   STORE              (c, sum, accumulate): a register of sums to C
 *
 * With ROWS_OF 2, two registers of sums hold blocks of 2 x 2 of two rows: STEP has no lane, there are
 * twice as many registers of columns, and PAIR(first, second, row) takes a row's columns out of both.
 *
 * Types of unknown size make no arrays, so every register has a name of its own.
 */
#ifndef ARMBENCH_MATMUL_SVE_TILE_H
#define ARMBENCH_MATMUL_SVE_TILE_H

#include <arm_sve.h>
#include <stdint.h>

#include "tile.h"

#define ST_MR 8
#define ST_AHEAD (4 << 10) /* bytes ahead of its use that B is fetched from memory */
#define ST_SUMS_MOST 1536  /* columns of a tile at most, those of vectors of 2048 bits */
#define VT_CHAINS(rows) ((void)(rows), 1) /* there are 24 sums anyway */

#define ST_BY_2(R) \
    R(0, x0, 0) R(1, x0, 1) R(2, x1, 0) R(3, x1, 1) R(4, x2, 0) R(5, x2, 1) R(6, x3, 0) R(7, x3, 1)
#define ST_BY_4(R) \
    R(0, x0, 0) R(1, x0, 1) R(2, x0, 2) R(3, x0, 3) R(4, x1, 0) R(5, x1, 1) R(6, x1, 2) R(7, x1, 3)
#define ST_BY_8(R) \
    R(0, x0, 0) R(1, x0, 1) R(2, x0, 2) R(3, x0, 3) R(4, x0, 4) R(5, x0, 5) R(6, x0, 6) R(7, x0, 7)

#define ST_ZERO(i, x, lane) SUMS s##i##0 = ZERO(), s##i##1 = ZERO(), s##i##2 = ZERO();
#define ST_STEP(i, x, lane)                  \
    if (rows > i) {                          \
        s##i##0 = STEP(s##i##0, y0, x, lane); \
        s##i##1 = STEP(s##i##1, y1, x, lane); \
        if (COLUMNS > 2)                     \
            s##i##2 = STEP(s##i##2, y2, x, lane); \
    }
#define ST_STORE(i, x, lane)                                    \
    if (rows > i) {                                             \
        STORE(c + i * stride, s##i##0, accumulate);             \
        STORE(c + i * stride + NR / COLUMNS, s##i##1, accumulate);    \
        if (COLUMNS > 2)                                        \
            STORE(c + i * stride + NR / COLUMNS * 2, s##i##2, accumulate); \
    }

/* Of two rows each: 4 x 6 registers. */
#define ST_PAIRS(R) R(0, x0) R(1, x1) R(2, x2) R(3, x3)
#define ST_PAIR_ZERO(i, x)                                               \
    SUMS s##i##0 = ZERO(), s##i##1 = ZERO(), s##i##2 = ZERO(), s##i##3 = ZERO(), \
         s##i##4 = ZERO(), s##i##5 = ZERO();
#define ST_PAIR_STEP(column, y)                            \
    if (rows > 0) s0##column = STEP(s0##column, x0, y);    \
    if (rows > 2) s1##column = STEP(s1##column, x1, y);    \
    if (rows > 4) s2##column = STEP(s2##column, x2, y);    \
    if (rows > 6) s3##column = STEP(s3##column, x3, y);
#define ST_PAIR_STORE_ROW(i, row)                                                               \
    if (rows > 2 * i + row && real > 2 * i + row) {                                             \
        SUM *to = c + (2 * i + row) * stride;                                                   \
        STORE(to, PAIR(s##i##0, s##i##1, row), accumulate);                                     \
        STORE(to + NR / COLUMNS, PAIR(s##i##2, s##i##3, row), accumulate);                      \
        if (COLUMNS > 2)                                                                        \
            STORE(to + NR / COLUMNS * 2, PAIR(s##i##4, s##i##5, row), accumulate);              \
    }
#define ST_PAIR_STORE(i, x) ST_PAIR_STORE_ROW(i, 0) ST_PAIR_STORE_ROW(i, 1)

#endif

#ifdef TILE

#ifndef ROWS_OF
#define ROWS_OF 1
#endif

/* `rows` a multiple of ROWS_OF, `real` of which exist. */
static inline __attribute__((always_inline)) void VT(tile_of)(
    const int rows, int64_t real, int64_t groups, const LEFT *a, const RIGHT *b, SUM *c,
    int64_t stride, int accumulate, const int few) {
    const int64_t width = NR * DEPTH, quad = QUAD_ROWS * DEPTH;
    (void)real;
#if ROWS_OF == 2
    ST_PAIRS(ST_PAIR_ZERO)
#else
    QUADS(ST_ZERO)
#endif
    VECTOR x0, x1, x2, x3;
#pragma GCC unroll 2
    for (int64_t g = 0; g < groups; g++, a += rows * DEPTH, b += width) {
        if (few)
            __builtin_prefetch((const char *)b + ST_AHEAD, 0, 2);
        x0 = REPEAT(a);
        x1 = rows > QUAD_ROWS ? REPEAT(a + quad) : x0;
        x2 = rows > 2 * QUAD_ROWS ? REPEAT(a + 2 * quad) : x0;
        x3 = rows > 3 * QUAD_ROWS ? REPEAT(a + 3 * quad) : x0;
        (void)x1, (void)x2, (void)x3;
#if ROWS_OF == 2
        const int64_t each = width / (2 * COLUMNS);
        ST_PAIR_STEP(0, LOAD(b))
        ST_PAIR_STEP(1, LOAD(b + each))
        ST_PAIR_STEP(2, LOAD(b + each * 2))
        ST_PAIR_STEP(3, LOAD(b + each * 3))
        if (COLUMNS > 2) {
            ST_PAIR_STEP(4, LOAD(b + each * 4))
            ST_PAIR_STEP(5, LOAD(b + each * 5))
        }
#else
        VECTOR y0 = LOAD(b), y1 = LOAD(b + width / COLUMNS);
        VECTOR y2 = COLUMNS > 2 ? LOAD(b + width / COLUMNS * 2) : y1;
        (void)y2;
        QUADS(ST_STEP)
#endif
    }
#if ROWS_OF == 2
    ST_PAIRS(ST_PAIR_STORE)
#else
    QUADS(ST_STORE)
#endif
}

#define VT_ROWS(r, few)                                                                   \
    case r:                                                                               \
        VT(tile_of)(r, rows, groups, a, b, c, stride, accumulate, few);                   \
        break;
#if ROWS_OF == 2
#define VT_SWITCH(few)                                                                    \
    switch ((rows + 1) / 2 * 2) { VT_ROWS(2, few) VT_ROWS(4, few) VT_ROWS(6, few) VT_ROWS(8, few) }
#else
#define VT_SWITCH(few)                                                                    \
    switch (rows) {                                                                       \
        VT_ROWS(1, few) VT_ROWS(2, few) VT_ROWS(3, few) VT_ROWS(4, few)                   \
        VT_ROWS(5, few) VT_ROWS(6, few) VT_ROWS(7, few) VT_ROWS(8, few)                   \
    }
#endif

/* c[rows][NR] (+)= a[groups][rows][DEPTH] b[groups][NR][DEPTH]^T, 1 <= rows <= MR. */
static __attribute__((noinline)) void VT(tile)(int64_t rows, int64_t groups, const LEFT *a,
                                               const SUM *heads, const RIGHT *b, SUM *c,
                                               int64_t stride, int accumulate, const char *next,
                                               int64_t next_step) {
    (void)heads, (void)next, (void)next_step;
    for (int64_t i = 0; i < rows; i++) {
        __builtin_prefetch(c + i * stride, 0, 2);
        __builtin_prefetch(c + i * stride + NR - 1, 0, 2);
    }
    VT_SWITCH(0)
}

/* The same while B comes from memory. */
static __attribute__((noinline, unused)) void VT(few)(int64_t rows, int64_t groups, const LEFT *a,
                                                     int64_t a_stride, const SUM *heads,
                                                     const RIGHT *b, SUM *c, int64_t stride,
                                                     int accumulate, vt_ahead ahead) {
    (void)heads, (void)a_stride, (void)ahead;
    VT_SWITCH(1)
}

#undef VT_ROWS
#undef VT_SWITCH
#undef VECTOR
#undef SUMS
#undef COLUMNS
#undef QUADS
#undef QUAD_ROWS
#undef REPEAT
#undef LOAD
#undef STEP
#undef ZERO
#undef STORE
#undef PAIR

#endif
