/* What all tiles (vector_tile.h, neon_tile.h) share: their names, and what they fetch for later
 * ones.
 */
#ifndef ARMBENCH_MATMUL_TILE_H
#define ARMBENCH_MATMUL_TILE_H

#include <stdint.h>

#include "page.h"

#define VT_JOIN(a, b) a##_##b
#define VT_JOINED(a, b) VT_JOIN(a, b)
#define VT(name) VT_JOINED(TILE, name)

#define VT_LINE 64
#define VT_STREAMS 4 /* parts of the next block that are fetched side by side */

/* What a tile of few rows fetches for later ones: with every VT_STREAMS groups of k a line of each
 * part, or two if `both`. */
typedef struct vt_ahead {
    const char *line;      /* of the first part */
    uint64_t stream_bytes; /* from part to part */
    int both;
} vt_ahead;

static inline __attribute__((always_inline)) void vt_fetch(vt_ahead *ahead) {
    const char *line = ahead->line;
#pragma GCC unroll 4
    for (int i = 0; i < VT_STREAMS; i++, line += ahead->stream_bytes)
        __builtin_prefetch(line, 0, 2);
    ahead->line += VT_LINE;
}

#endif
