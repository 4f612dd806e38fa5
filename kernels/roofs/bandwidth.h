/* Bandwidth: what a core reads, writes, copies and combines (STREAM's triad) of buffers of a size.
 *
 *   LANES          64-bit words of a vector
 *   STORE_PAST(p, v), STORE_FENCE()  stores that do not read their lines first; not defined elsewhere
 *
 * read   the exclusive or of all words.  One stream, or STREAMS side by side, each a part of the
 *        buffer: from memory several are faster.
 * write  every word set; copy  y = x; triad  y = x + 3 z (words, so that sums are exact)
 *
 * Params: words of each buffer.  Operands x, z, y: those that an operation does not use are empty; y of
 * a read is one word.
 */
#ifndef ARMBENCH_BANDWIDTH_H
#define ARMBENCH_BANDWIDTH_H

#include "armbench.h"

#include <string.h>

#define STREAMS 4
#define AHEAD 512        /* bytes ahead of its use that each stream is asked for */

typedef uint64_t words __attribute__((vector_size(8 * LANES)));

static inline words load_words(const uint64_t *p) {
    words v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store_words(uint64_t *p, words v) { memcpy(p, &v, sizeof v); }

static inline uint64_t folded(words v) {
    uint64_t all = 0;
    for (int i = 0; i < LANES; i++)
        all ^= v[i];
    return all;
}

/* The exclusive or of `parts` streams of `count` words each, `distance` apart; count a multiple of 4
 * vectors. */
static inline __attribute__((always_inline)) uint64_t read_streams(const int parts,
                                                                   const uint64_t *x,
                                                                   int64_t distance, int64_t count) {
    words sum[STREAMS][2] = {{{0}}};
    for (int64_t i = 0; i < count; i += 4 * LANES)
#pragma GCC unroll 4
        for (int s = 0; s < parts; s++) {
            const uint64_t *p = x + s * distance + i;
            if (parts > 1)
                for (int line = 0; line < 4 * LANES; line += 8)
                    __builtin_prefetch(p + AHEAD / 8 + line, 0, 3);
            sum[s][0] ^= load_words(p) ^ load_words(p + LANES);
            sum[s][1] ^= load_words(p + 2 * LANES) ^ load_words(p + 3 * LANES);
        }
    words all = {0};
    for (int s = 0; s < parts; s++)
        all ^= sum[s][0] ^ sum[s][1];
    return folded(all);
}

static int accepts(const int64_t *params) {
    return params[0] > 0 && params[0] % (4 * 8 * STREAMS) == 0; /* vectors of up to 8 words */
}

static void read_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    (void)phase, (void)grain;
    *(uint64_t *)call->operands[2] = read_streams(1, call->operands[0], 0, call->params[0]);
}

static void read4_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    int64_t part = call->params[0] / STREAMS;
    (void)phase, (void)grain;
    *(uint64_t *)call->operands[2] = read_streams(STREAMS, call->operands[0], part, part);
}

static void write_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    uint64_t *y = call->operands[2];
    words v = {0};
    (void)phase, (void)grain;
    v += 7;
    for (int64_t i = 0; i < call->params[0]; i += 4 * LANES)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            store_words(y + i + j * LANES, v);
}

static void copy_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const uint64_t *x = call->operands[0];
    uint64_t *y = call->operands[2];
    (void)phase, (void)grain;
    for (int64_t i = 0; i < call->params[0]; i += 4 * LANES)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            store_words(y + i + j * LANES, load_words(x + i + j * LANES));
}

static void triad_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const uint64_t *x = call->operands[0], *z = call->operands[1];
    uint64_t *y = call->operands[2];
    (void)phase, (void)grain;
    for (int64_t i = 0; i < call->params[0]; i += 4 * LANES)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            words w = load_words(z + i + j * LANES);
            store_words(y + i + j * LANES, load_words(x + i + j * LANES) + w + w + w);
        }
}

#ifdef STORE_PAST
static void write_past_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    uint64_t *y = call->operands[2];
    words v = {0};
    (void)phase, (void)grain;
    v += 7;
    for (int64_t i = 0; i < call->params[0]; i += 4 * LANES)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            STORE_PAST(y + i + j * LANES, v);
    STORE_FENCE();
}

static void copy_past_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const uint64_t *x = call->operands[0];
    uint64_t *y = call->operands[2];
    (void)phase, (void)grain;
    for (int64_t i = 0; i < call->params[0]; i += 4 * LANES)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            STORE_PAST(y + i + j * LANES, load_words(x + i + j * LANES));
    STORE_FENCE();
}

AB_VARIANT(write_past, .accepts = accepts, .run = write_past_run);
AB_VARIANT(copy_past, .accepts = accepts, .run = copy_past_run);
#endif

AB_VARIANT(read, .accepts = accepts, .run = read_run);
AB_VARIANT(read4, .accepts = accepts, .run = read4_run);
AB_VARIANT(write, .accepts = accepts, .run = write_run);
AB_VARIANT(copy, .accepts = accepts, .run = copy_run);
AB_VARIANT(triad, .accepts = accepts, .run = triad_run);

#endif
