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

/* What a tile of few rows fetches for later ones: with every group of k a line of `block`, or two
 * if `both`, from `line` on. */
typedef struct vt_ahead {
    const char *block;
    uint64_t stream_bytes; /* a VT_STREAMS-th of the block */
    uint64_t line;
    int both;
} vt_ahead;

static inline void vt_fetch(vt_ahead *ahead) {
    uint64_t line = ahead->line++;
    __builtin_prefetch(ahead->block + line % VT_STREAMS * ahead->stream_bytes +
                           line / VT_STREAMS * VT_LINE, 0, 2);
}

#endif
