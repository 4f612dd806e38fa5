/* Latencies, of memory and between cores. */
#include "armbench.h"

/* ---- a load whose address the load before it gave ---------------------------------------- */

/* Over buffers of a size: a random cycle through their cache lines, so that no prefetcher knows the
 * next.
 *
 * Params: loads of a call, lines.  Operands: the index of the line after each, in 64-bit words of which
 * a line has eight; unused; where the chain ended, as seen from where it began.
 */

#define LINE_WORDS 8

static int latency_accepts(const int64_t *params) { return params[0] > 0 && params[1] > 0; }

static void latency_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *next = call->operands[0];
    int64_t at = 0;
    (void)phase, (void)grain;
    for (int64_t i = 0; i < call->params[0]; i++)
        at = next[at * LINE_WORDS];
    *(int64_t *)call->operands[2] = at;
}

AB_VARIANT(latency, .accepts = latency_accepts, .run = latency_run);

/* ---- a cache line handed over between two cores ------------------------------------------- */

/* Two grains count one number up in turn, one from even to odd, the other from odd to even, each
 * trying to compare and swap until it can, as is usual (github.com/nviennot/core-to-core-latency).
 * A count takes the line from the other core.
 *
 * A grain that waits for long does the other's turn too: so a call ends on one thread as well.  That
 * takes much longer than a handover, so it cannot make one look faster.
 *
 * Params: handovers.  Operands: two unused; the number in the end.  Shared: the number.
 */
#define PATIENCE (1 << 12) /* attempts */

static int handover_accepts(const int64_t *params) { return params[0] > 0; }
static uint64_t handover_shared_bytes(const int64_t *params) { return (void)params, AB_ALIGNMENT; }
static uint64_t handover_phases(const int64_t *params) { return (void)params, 2; }
static uint64_t handover_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    return (void)params, (void)threads, phase ? 2 : 1;
}

/* Replaces *number by its successor if it is `from`; otherwise says what it is. */
static inline int64_t count_up(int64_t *number, int64_t from) {
    __atomic_compare_exchange_n(number, &from, from + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return from;
}

static void handover_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    int64_t *number = call->shared, handovers = call->params[0];
    if (phase == 0) {
        __atomic_store_n(number, 0, __ATOMIC_RELEASE);
        return;
    }
    for (int64_t turn = (int64_t)grain; turn < handovers; turn += 2)
        for (int64_t attempt = 1, seen; (seen = count_up(number, turn)) < turn; attempt++)
            if (attempt % PATIENCE == 0)
                count_up(number, seen);
    if ((handovers - 1) % 2 == (int64_t)grain)
        *(int64_t *)call->operands[2] = __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

AB_VARIANT(handover, .accepts = handover_accepts, .shared_bytes = handover_shared_bytes,
           .phases = handover_phases, .grains = handover_grains, .run = handover_run);
