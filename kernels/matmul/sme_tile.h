/* A tile of C by outer products (outer.h), around what the including file provides: TILE, its name, the
 * element types LEFT, RIGHT and SUM, and PRODUCTS, the function that outer.h defines for them.
 *
 * What panels.h takes for a tile is all rows of a block, SM_MR of them, two vectors below two vectors:
 * so streaming mode, which may be slow to start, starts once for a block by a panel.  Packed A is
 * [pairs of vectors][groups][rows of a pair][DEPTH].
 */
#ifndef ARMBENCH_MATMUL_SME_TILE_H
#define ARMBENCH_MATMUL_SME_TILE_H

#include "neon_panels.h"
#include "outer.h"
#include "tile.h"

#define SM_MR 256 /* a multiple of two vectors of any length, 2048 bits at most */
#define SM_PAIR(sum) (2 * streaming_bytes() / (int64_t)sizeof(sum)) /* elements of two vectors of sums */
#define VT_CHAINS(rows) ((void)(rows), 2) /* few rows walk all of k: one tile has them all */

/* PACK_TILE of panels.h; `pair` of vectors: so many rows. */
#define SM_PACK_TILE(name, source, left, together, pair, value)                                \
    NP_PACK_TILE(name##_pair, source, left, together, pair, value)                             \
    static inline void name(const source *a, int64_t stride, int64_t rows, int64_t depth,      \
                            left *to) {                                                        \
        int64_t groups = (depth + together - 1) / together;                                    \
        for (int64_t i = 0; i < rows; i += pair)                                               \
            name##_pair(a + i * stride, stride, rows - i < pair ? rows - i : pair, depth,      \
                        to + i * groups * together);                                           \
    }

#endif

#ifdef TILE

/* c[rows][NR] (+)= packed A times b[groups][NR][DEPTH]^T, 1 <= rows <= SM_MR. */
static inline void VT(tile)(int64_t rows, int64_t groups, const LEFT *a, const SUM *heads,
                            const RIGHT *b, SUM *c, int64_t stride, int accumulate,
                            const char *next, int64_t next_step) {
    const int64_t step = 2 * streaming_bytes();
    (void)heads, (void)next, (void)next_step;
    PRODUCTS((outer){rows, NR, groups, a, step, step * groups, b, step, 0, c,
                     stride * (int64_t)sizeof(SUM), accumulate});
}

static inline __attribute__((unused)) void VT(few)(int64_t rows, int64_t groups, const LEFT *a,
                                                   int64_t a_stride, const SUM *heads,
                                                   const RIGHT *b, SUM *c, int64_t stride,
                                                   int accumulate, vt_ahead ahead) {
    (void)a_stride, (void)ahead;
    VT(tile)(rows, groups, a, heads, b, c, stride, accumulate, NULL, 0);
}

#undef PRODUCTS

#endif
