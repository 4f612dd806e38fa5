/* Latency of a load whose address the load before it gave, over buffers of a size: a random cycle
 * through their cache lines, so that no prefetcher knows the next.
 *
 * Params: loads of a call, lines.  Operands: the index of the line after each, in 64-bit words of which
 * a line has eight; unused; where the chain ended, as seen from where it began.
 */
#include "armbench.h"

#define LINE_WORDS 8

static int accepts(const int64_t *params) { return params[0] > 0 && params[1] > 0; }

static void run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *next = call->operands[0];
    int64_t at = 0;
    (void)phase, (void)grain;
    for (int64_t i = 0; i < call->params[0]; i++)
        at = next[at * LINE_WORDS];
    *(int64_t *)call->operands[2] = at;
}

AB_VARIANT(latency, .accepts = accepts, .run = run);
