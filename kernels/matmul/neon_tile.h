/* A tile of C in vector registers on Arm, around what the including file provides:
 *
 *   TILE                 the tile's name; everything else defined here begins with it
 *   LEFT, RIGHT, SUM     element types of packed A and B, and of the sums as stored
 *   DEPTH, MR, NR        k that lies together; rows and columns of the largest tile
 *   ROWS_OF              rows that lie together in a register: 2 for matrix products, else 1
 *   ACCUMULATOR(S)       the type of a register of sums; how many of them MR rows need
 *   RESULT               the type of a register of SUM
 *   ADD_GROUP            (rows, a, b, sums): sums += a[rows][DEPTH] b[NR][DEPTH]^T, by NT_AT()
 *   FINISH               (rows, sums, out): the sums in order, out[rows][NR / lanes of SUM]
 *
 * A panel of A is [groups][rows][DEPTH]: a tile of fewer rows has a narrower panel, the last loads
 * of which reach into the room that LEFT_STRIDE leaves.  Four groups a turn: what a loop costs
 * beside the products fits the issue slots of N1 (three) and V2 (six).  Panels are read in the
 * order of memory, which hardware follows; only what few rows wait for, and C, are asked for ahead.
 */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "tile.h"

#ifndef ARMBENCH_MATMUL_NEON_TILE_H
#define ARMBENCH_MATMUL_NEON_TILE_H

#define NT_AHEAD (4 << 10) /* bytes ahead of its use that B is fetched from memory */
#define VT_CHAINS(rows) ((void)(rows), 1) /* of few rows: sums of 24 registers are enough */

/* step(sum, b, lane i of the registers a), i known when compiled. */
#define NT_LANE_2(step, sum, b, a, i) \
    ((i) % 2 ? step(sum, b, (a)[(i) / 2], 1) : step(sum, b, (a)[(i) / 2], 0))
#define NT_OF_4(step, sum, b, x, i, at)                                     \
    ((i) % 4 == 0   ? step(sum, b, x, (at) + 0)                             \
     : (i) % 4 == 1 ? step(sum, b, x, (at) + 1)                             \
     : (i) % 4 == 2 ? step(sum, b, x, (at) + 2)                             \
                    : step(sum, b, x, (at) + 3))
#define NT_LANE_4(step, sum, b, a, i) NT_OF_4(step, sum, b, (a)[(i) / 4], i, 0)
#define NT_LANE_8(step, sum, b, a, i) \
    ((i) < 4 ? NT_OF_4(step, sum, b, (a)[0], i, 0) : NT_OF_4(step, sum, b, (a)[0], i, 4))

/* ADD_GROUP for 8 rows by three registers of columns: a product by element of A.  `lanes` rows of
 * A, or columns of B, of `depth` each are a register. */
#define NT_BY_ELEMENT(name, left, right, vector, sums, load_a, load_b, step, lanes, depth)   \
    static inline __attribute__((always_inline)) void name(                                  \
        const int rows, const left *const *a, const right *const *b, sums *sum) {            \
        vector x[8 / lanes], y[3];                                                           \
        _Pragma("GCC unroll 4") for (int v = 0; v < 8 / lanes; v++)                          \
            x[v] = load_a(a[0] + (v * lanes < rows ? v : 0) * lanes * depth);                \
        _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++)                                  \
            y[j] = load_b(b[0] + j * lanes * depth);                                         \
        _Pragma("GCC unroll 8") for (int i = 0; i < rows; i++)                               \
            _Pragma("GCC unroll 3") for (int j = 0; j < 3; j++)                              \
                sum[3 * i + j] = NT_LANE_##lanes(step, sum[3 * i + j], y[j], x, i);          \
    }

/* A pair of loads (LDP) is three micro-operations on V2, whose six issue slots are what binds, and
 * two loads are two.  So, where there are many, registers of a panel come from two pointers in
 * turn, a register apart, which the compiler cannot know and so does not pair. */
#define NT_APART(pointer) __asm__("" : "+r"(pointer))
#define NT_AT(p, elements) \
    ((p)[(elements) * (int)sizeof **(p) / 16 % 2] + (elements) - \
     (elements) * (int)sizeof **(p) / 16 % 2 * 16 / (int)sizeof **(p))

/* ADD_GROUP for 8 x 12: a register of A holds two rows, one of B two columns, sums 2 x 2. */
#define NT_MATRIX(name, element, vector, sums, load, step, depth)                            \
    static inline __attribute__((always_inline)) void name(                                  \
        const int rows, const element *const *a, const element *const *b, sums *sum) {       \
        vector x[4];                                                                         \
        _Pragma("GCC unroll 4") for (int i = 0; i < rows / 2; i++)                           \
            x[i] = load(NT_AT(a, 2 * i * depth));                                           \
        _Pragma("GCC unroll 6") for (int j = 0; j < 6; j++) {                                \
            vector y = load(NT_AT(b, 2 * j * depth));                                       \
            _Pragma("GCC unroll 4") for (int i = 0; i < rows / 2; i++)                       \
                sum[6 * i + j] = step(sum[6 * i + j], x[i], y);                              \
        }                                                                                    \
    }

/* FINISH for sums that are in order. */
#define NT_IN_ORDER(name, sums)                                                              \
    static inline __attribute__((always_inline)) void name(const int rows, const sums *sum,  \
                                                           sums (*out)[3]) {                 \
        _Pragma("GCC unroll 24") for (int i = 0; i < 3 * rows; i++) out[i / 3][i % 3] = sum[i]; \
    }

/* FINISH for blocks of 2 x 2. */
#define NT_BLOCKS_IN_ORDER(name, sums, to_halves, from_halves)                               \
    static inline __attribute__((always_inline)) void name(const int rows, const sums *sum,  \
                                                           sums (*out)[3]) {                 \
        _Pragma("GCC unroll 12") for (int i = 0; i < 3 * rows / 2; i++) {                    \
            float64x2_t left = to_halves(sum[2 * i]), right = to_halves(sum[2 * i + 1]);     \
            out[i / 3 * 2][i % 3] = from_halves(vtrn1q_f64(left, right));                    \
            out[i / 3 * 2 + 1][i % 3] = from_halves(vtrn2q_f64(left, right));                \
        }                                                                                    \
    }

#endif

#ifdef TILE

#ifndef ROWS_OF
#define ROWS_OF 1
#endif
#define VT_LANES (16 / (int)sizeof(SUM))

/* `rows` a multiple of ROWS_OF, `real` of which exist. */
static inline __attribute__((always_inline)) void VT(tile_of)(
    const int rows, int64_t real, int64_t groups, const LEFT *a, const RIGHT *b, SUM *c,
    int64_t stride, int accumulate, const int few) {
    ACCUMULATOR sums[ACCUMULATORS];
    RESULT out[MR][NR / VT_LANES];
#pragma GCC unroll 24
    for (int i = 0; i < ACCUMULATORS; i++)
        sums[i] = (ACCUMULATOR){0};
    const LEFT *left[2] = {a, a + 16 / sizeof *a};
    const RIGHT *right[2] = {b, b + 16 / sizeof *b};
    NT_APART(left[1]);
    NT_APART(right[1]);
#pragma GCC unroll 4
    for (int64_t g = 0; g < groups; g++) {
        if (few)
            __builtin_prefetch((const char *)right[0] + NT_AHEAD, 0, 2);
        ADD_GROUP(rows, left, right, sums);
        for (int i = 0; i < 2; i++) {
            left[i] += rows * DEPTH;
            right[i] += NR * DEPTH;
        }
    }
    FINISH(rows, sums, out);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++, c += stride)
#pragma GCC unroll 6
        for (int v = 0; v < NR / VT_LANES; v++) {
            if (i >= real)
                continue;
            RESULT before = {0};
            if (accumulate)
                memcpy(&before, c + v * VT_LANES, sizeof before);
            before += out[i][v];
            memcpy(c + v * VT_LANES, &before, sizeof before);
        }
}

#define VT_ROWS(r, few)                                                               \
    case r:                                                                                  \
        if (r <= MR && r % ROWS_OF == 0)                                                     \
            VT(tile_of)(r <= MR ? r : ROWS_OF, rows, groups, a, b, c, stride, accumulate,    \
                        few);                                                                \
        break;
#define VT_SWITCH(few)                                                                \
    switch ((rows + ROWS_OF - 1) / ROWS_OF * ROWS_OF) {                                      \
        VT_ROWS(1, few) VT_ROWS(2, few) VT_ROWS(3, few)                 \
        VT_ROWS(4, few) VT_ROWS(5, few) VT_ROWS(6, few)                 \
        VT_ROWS(7, few) VT_ROWS(8, few)                                        \
    }

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

#undef VT_LANES
#undef VT_ROWS
#undef VT_SWITCH

#endif
