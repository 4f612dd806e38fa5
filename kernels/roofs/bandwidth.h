/* Bandwidth: what a core reads, writes, copies and combines (STREAM's triad) of buffers of a size.
 *
 *   LANES          64-bit words of a vector
 *   STORE_PAST(p, v), STORE_FENCE()  stores that do not read their lines first; not defined elsewhere
 *
 * read   the exclusive or of all words
 * write  every word set; copy  y = x; triad  y = x + 3 z (words, so that sums are exact)
 *
 * A form with a number walks so many parts of the buffers side by side, and so do those that store
 * past the caches: from memory several streams are faster than one.
 *
 * Params: words of each buffer.  Operands x, z, y: those that an operation does not use are empty; y of
 * a read is one word.
 */
#ifndef ARMBENCH_BANDWIDTH_H
#define ARMBENCH_BANDWIDTH_H

#include "armbench.h"

#include <string.h>

#define MOST_STREAMS 8
#define STREAMS_PAST 4
#define AHEAD 512 /* bytes ahead of its use that each of several streams is asked for */
#define STEP (4 * LANES)
#define INLINE static inline __attribute__((always_inline))

typedef uint64_t words __attribute__((vector_size(8 * LANES)));

INLINE words load_words(const uint64_t *p) {
    words v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store_words(uint64_t *p, words v) { memcpy(p, &v, sizeof v); }

static int accepts(const int64_t *params) {
    return params[0] > 0 && params[0] % (4 * 8 * MOST_STREAMS) == 0; /* vectors of up to 8 words */
}

INLINE void read_streams(const int streams, const ab_call *call) {
    const uint64_t *x = call->operands[0];
    int64_t part = call->params[0] / streams;
    words sum[MOST_STREAMS] = {{0}};
    for (int64_t i = 0; i < part; i += STEP)
#pragma GCC unroll 8
        for (int s = 0; s < streams; s++) {
            const uint64_t *p = x + s * part + i;
            if (streams > 1)
                for (int line = 0; line < STEP; line += 8)
                    __builtin_prefetch(p + AHEAD / 8 + line, 0, 3);
            sum[s] ^= (load_words(p) ^ load_words(p + LANES)) ^
                      (load_words(p + 2 * LANES) ^ load_words(p + 3 * LANES));
        }
    uint64_t all = 0;
    for (int s = 0; s < streams; s++)
        for (int i = 0; i < LANES; i++)
            all ^= sum[s][i];
    *(uint64_t *)call->operands[2] = all;
}

/* y = value(x, z), a vector at an offset at a time. */
typedef words (*value)(const uint64_t *x, const uint64_t *z, int64_t at);
typedef void (*store)(uint64_t *p, words v);

INLINE void store_streams(const int streams, const ab_call *call, value of, store to) {
    const uint64_t *x = call->operands[0], *z = call->operands[1];
    uint64_t *y = call->operands[2];
    int64_t part = call->params[0] / streams;
    for (int64_t i = 0; i < part; i += STEP)
#pragma GCC unroll 4
        for (int s = 0; s < streams; s++)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                int64_t at = s * part + i + j * LANES;
                to(y + at, of(x, z, at));
            }
}

INLINE words sevens(const uint64_t *x, const uint64_t *z, int64_t at) {
    words v = {0};
    (void)x, (void)z, (void)at;
    return v + 7;
}

INLINE words copied(const uint64_t *x, const uint64_t *z, int64_t at) {
    (void)z;
    return load_words(x + at);
}

INLINE words combined(const uint64_t *x, const uint64_t *z, int64_t at) {
    words w = load_words(z + at);
    return load_words(x + at) + w + w + w;
}

#define BANDWIDTH(operation, ...)                                                          \
    static void operation##_run(const ab_call *call, uint64_t phase, uint64_t grain) {     \
        (void)phase, (void)grain;                                                          \
        __VA_ARGS__;                                                                       \
    }                                                                                      \
    AB_VARIANT(operation, .accepts = accepts, .run = operation##_run)

BANDWIDTH(read, read_streams(1, call));
BANDWIDTH(read4, read_streams(4, call));
BANDWIDTH(read8, read_streams(8, call));
BANDWIDTH(write, store_streams(1, call, sevens, store_words));
BANDWIDTH(copy, store_streams(1, call, copied, store_words));
BANDWIDTH(triad, store_streams(1, call, combined, store_words));

#ifdef STORE_PAST
INLINE void store_past(uint64_t *p, words v) { STORE_PAST(p, v); }

BANDWIDTH(write_past, store_streams(STREAMS_PAST, call, sevens, store_past); STORE_FENCE());
BANDWIDTH(copy_past, store_streams(STREAMS_PAST, call, copied, store_past); STORE_FENCE());
BANDWIDTH(triad_past, store_streams(STREAMS_PAST, call, combined, store_past); STORE_FENCE());
#endif

#endif
