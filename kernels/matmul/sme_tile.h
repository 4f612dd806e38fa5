/* A tile of C by outer products (outer.h), around what the including file provides: TILE, its
 * name, the element types LEFT, RIGHT and SUM, and PRODUCTS, what outer.h defines for them.
 *
 * What panels.h takes for a tile is all rows of a block, SM_MR of them, two vectors below two
 * vectors: so streaming mode, which may be slow to start, starts once for a block by a panel.
 * Packed A is [pairs of vectors][groups][rows of a pair][DEPTH].
 */
#ifndef ARMBENCH_MATMUL_SME_TILE_H
#define ARMBENCH_MATMUL_SME_TILE_H

#include "neon_panels.h"
#include "outer.h"
#include "tile.h"
#include "za_transpose.h"

#define SM_MR 256 /* a multiple of two vectors of any length, 2048 bits at most */
#define SM_PAIR(sum) (2 * streaming_bytes() / (int64_t)sizeof(sum)) /* sums in two vectors */
#define VT_CHAINS(rows) ((void)(rows), 2) /* few rows walk all of k: one tile has them all */

/* PACK_TILE of panels.h; `transpose` moves words of `together` elements.  Rows that do
 * not exist stay as they are: nothing reads them. */
#define SM_PACK_TILE(name, element, together, transpose)                                       \
    static inline void name(const element *a, int64_t stride, int64_t rows, int64_t depth,     \
                            element *to) {                                                     \
        const int64_t step = 2 * streaming_bytes(), word = together * (int64_t)sizeof *a;      \
        int64_t pair = step / word, whole = depth / together;                                  \
        int64_t pair_elements = pair * ((depth + together - 1) / together) * together;         \
        for (int64_t i = 0; i < rows; i += pair, a += pair * stride, to += pair_elements) {    \
            int64_t here = rows - i < pair ? rows - i : pair;                                  \
            if (whole)                                                                         \
                transpose(here, whole, a, stride * (int64_t)sizeof *a, to, step);              \
            for (int64_t r = 0; whole * together < depth && r < here; r++)                     \
                for (int64_t d = 0, p = whole * together; d < together; d++, p++)              \
                    to[(whole * pair + r) * together + d] = p < depth ? a[r * stride + p] : 0; \
        }                                                                                      \
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
